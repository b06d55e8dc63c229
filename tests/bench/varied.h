/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages as a busy port sees them: thousands, of many makes in no order, no two the same. A
 * processor that meets one message again and again learns it by heart; these it cannot. */
#ifndef BD_BENCH_VARIED_H
#define BD_BENCH_VARIED_H

#include "corpus.h"

enum { VARIED_CNT = 4096, VARIED_SLOT = 1024 };

struct varied {
    unsigned cnt;
    uint32_t len[VARIED_CNT];
    char text[VARIED_CNT][VARIED_SLOT];
};

/* Fills it with copies of the corpus messages of min..max bytes, drawn at random from `seed`. In
 * each copy the user, the addresses and ports of Via and Contact, branch, tags, Call-ID and CSeq
 * number are others, of other lengths too. Ends the program when the corpus has none. */
void varied_fill(struct varied *varied, const struct corpus *corpus, uint32_t min, uint32_t max,
                 uint64_t seed);

#endif
