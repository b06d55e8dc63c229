/* SPDX-License-Identifier: BSD-3-Clause */
/* Which addresses of record a worker refused lately, by name, for `show limits`.
 *
 * BD_REFUSED_MAX rows in the arena. An AoR that is refused for the first time takes the row of one
 * that was not refused for an hour, else that with the fewest: so neither a flood of names nor the
 * heaviest of years ago hides who is refused often now. One writer, the worker; control reads. A
 * row is written with its key at 0, so a reader who sees the same key before and after has the text
 * that belongs to it. */
#ifndef BD_REFUSED_H
#define BD_REFUSED_H

#include <stdatomic.h>
#include <stdbool.h>

#include "limits.h"
#include "str.h"

enum { BD_REFUSED_TEXT = 48 }; /* a longer AoR is cut */
/* Who was not refused for so long gives way, and is not shown, of sources either. */
enum { BD_REFUSED_LATELY_S = 3600 };

struct bd_refused_row {
    _Alignas(64) _Atomic uint64_t key;
    _Atomic uint64_t cnt;
    _Atomic uint64_t text[BD_REFUSED_TEXT / 8]; /* filled up with zeros */
};
_Static_assert(sizeof(struct bd_refused_row) == 64, "kept in shared memory");

struct bd_refused {
    struct bd_refused_row row[BD_REFUSED_MAX];
};

/* When each row's AoR was refused last: the worker's own. What was before its start is long ago. */
struct bd_refused_times {
    uint32_t at_s[BD_REFUSED_MAX];
};

/* `key`: the AoR's hash. */
void bd_refused_note(struct bd_refused *refused, struct bd_refused_times *times, uint64_t key,
                     struct bd_str aor, uint32_t now_s);

/* i < BD_REFUSED_MAX. False: there is none, or it is being written. `text` is NUL-terminated. */
bool bd_refused_at(const struct bd_refused *refused, unsigned i, uint64_t *cnt,
                   char text[BD_REFUSED_TEXT + 1]);

#endif
