/* SPDX-License-Identifier: BSD-3-Clause */
/* The client transaction of a NOTIFY over UDP (RFC 3261 17.1.2).
 *
 *   idle --begin--> trying --1xx--> proceeding
 *    ^                 |                |
 *    +---- answered, or Timer F --------+
 *
 * Timer E sends again after T1, 2 T1, 4 T1, ... up to T2, always T2 once a provisional response
 * came; Timer F ends it after 64 T1. Time comes in as an argument. The text belongs to it. */
#ifndef BD_TRANSACTION_H
#define BD_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "str.h"

struct bd_transaction {
    bool active;
    bool proceeding;
    uint64_t id; /* in the branch */
    uint64_t timer_e_ms, timer_f_ms;
    uint32_t interval_ms;
    char *text;
    uint32_t len;
};

enum bd_transaction_due { BD_TRANSACTION_WAITS, BD_TRANSACTION_SENDS, BD_TRANSACTION_FAILS };

/* Takes a copy of the text; it is due at once. False: no memory. */
bool bd_transaction_begin(struct bd_transaction *t, uint64_t id, struct bd_str text,
                          uint64_t now_ms);
enum bd_transaction_due bd_transaction_due(const struct bd_transaction *t, uint64_t now_ms);
/* It was sent: sets Timer E. Not calling it leaves it due. */
void bd_transaction_sent(struct bd_transaction *t, uint64_t now_ms);
void bd_transaction_provisional(struct bd_transaction *t, uint64_t now_ms);
/* Nobody could have sent or answered it till now: all timers begin anew. */
void bd_transaction_restart(struct bd_transaction *t, uint64_t now_ms);
void bd_transaction_end(struct bd_transaction *t);

#endif
