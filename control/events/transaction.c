/* SPDX-License-Identifier: BSD-3-Clause */
#include "transaction.h"

#include <stdlib.h>

bool bd_transaction_begin(struct bd_transaction *t, uint64_t id, struct bd_str text,
                          uint64_t now_ms)
{
    bd_transaction_end(t);
    t->text = malloc(text.len + 1U);
    if (!t->text)
        return false;
    memcpy(t->text, text.p, text.len);
    t->len = text.len;
    t->id = id;
    t->active = true;
    bd_transaction_restart(t, now_ms);
    return true;
}

enum bd_transaction_due bd_transaction_due(const struct bd_transaction *t, uint64_t now_ms)
{
    if (!t->active)
        return BD_TRANSACTION_WAITS;
    if (now_ms >= t->timer_f_ms)
        return BD_TRANSACTION_FAILS;
    return now_ms >= t->timer_e_ms ? BD_TRANSACTION_SENDS : BD_TRANSACTION_WAITS;
}

void bd_transaction_sent(struct bd_transaction *t, uint64_t now_ms)
{
    t->timer_e_ms = now_ms + t->interval_ms;
    t->interval_ms = 2 * t->interval_ms < BD_T2_MS ? 2 * t->interval_ms : BD_T2_MS;
}

void bd_transaction_provisional(struct bd_transaction *t, uint64_t now_ms)
{
    if (t->proceeding)
        return;
    t->proceeding = true;
    t->interval_ms = BD_T2_MS;
    t->timer_e_ms = now_ms + BD_T2_MS;
}

void bd_transaction_restart(struct bd_transaction *t, uint64_t now_ms)
{
    t->proceeding = false;
    t->interval_ms = BD_T1_MS;
    t->timer_e_ms = now_ms;
    t->timer_f_ms = now_ms + BD_TIMEOUT_MS;
}

void bd_transaction_end(struct bd_transaction *t)
{
    free(t->text);
    *t = (struct bd_transaction){.active = false};
}
