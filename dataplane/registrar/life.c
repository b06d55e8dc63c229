/* SPDX-License-Identifier: BSD-3-Clause */
#include "life.h"

#include "gruu.h"

static bool is_of(const struct bd_entry *e, struct bd_str instance)
{
    struct bd_str own = e->binding.text[BD_TEXT_INSTANCE];
    return bd_fate_lives(e->fate) && own.len && bd_instance_equal(own, instance);
}

/* No binding knows when it was refreshed last: the one that goes on longest stands for it. */
static bool is_newer(const struct bd_entry *a, const struct bd_entry *b)
{
    bool touched_a = a->fate != BD_FATE_KEPT, touched_b = b->fate != BD_FATE_KEPT;
    if (touched_a != touched_b)
        return touched_a;
    return bd_state_expires_at_s(a->binding.state) > bd_state_expires_at_s(b->binding.state);
}

/* 5.1: of the contacts of the same instance, and flow if it is one, the most recent tells. */
static bool call_id_changed(const struct bd_set *set, const struct bd_ask *ask)
{
    const struct bd_entry *newest = NULL;
    for (unsigned i = 0; i < set->cnt; i++) {
        const struct bd_entry *e = &set->entry[i];
        bool flow = ask->binding.reg_id == 0 || e->binding.reg_id == ask->binding.reg_id;
        if (flow && is_of(e, ask->binding.text[BD_TEXT_INSTANCE]) &&
            (!newest || is_newer(e, newest)))
            newest = e;
    }
    return newest &&
           !bd_str_eq(newest->binding.text[BD_TEXT_CALL_ID], ask->binding.text[BD_TEXT_CALL_ID]);
}

static struct bd_str current_life(const struct bd_set *set, const struct bd_ask *ask)
{
    for (unsigned i = 0; i < set->cnt; i++) {
        const struct bd_entry *e = &set->entry[i];
        if (is_of(e, ask->binding.text[BD_TEXT_INSTANCE]) && e->binding.text[BD_TEXT_GRUU].len)
            return e->binding.text[BD_TEXT_GRUU];
    }
    return BD_STR_NULL;
}

static void renew(struct bd_set *set, const struct bd_ask *ask, struct bd_str life)
{
    for (unsigned i = 0; i < set->cnt; i++) {
        if (is_of(&set->entry[i], ask->binding.text[BD_TEXT_INSTANCE]))
            set->entry[i].binding.text[BD_TEXT_GRUU] = life;
    }
}

static void settle(struct bd_set *set, const struct bd_asks *asks, struct bd_ask *ask)
{
    struct bd_str current = current_life(set, ask);
    bool fresh = current.len ? call_id_changed(set, ask) : asks->gruu;
    if (fresh) {
        current = (struct bd_str){(const char *)&asks->life, BD_GRUU_LIFE_SZ};
        renew(set, ask, current);
    }
    ask->binding.text[BD_TEXT_GRUU] = current;
}

void bd_lives_settle(struct bd_set *set, struct bd_asks *asks)
{
    for (unsigned i = 0; i < asks->cnt && asks->has_instance; i++) {
        struct bd_ask *ask = &asks->ask[i];
        if (ask->expires_s && ask->binding.text[BD_TEXT_INSTANCE].len)
            settle(set, asks, ask);
    }
}

/* A Call-ID is compared with that of the instance's most recent contact, of its flow if it is one:
 * alone it is compared with its own. */
static bool is_alone(const struct bd_set *set, unsigned at)
{
    const struct bd_binding *b = &set->entry[at].binding;
    for (unsigned i = 0; i < set->cnt && b->reg_id == 0; i++) {
        const struct bd_entry *e = &set->entry[i];
        if (i != at && is_of(e, b->text[BD_TEXT_INSTANCE]))
            return false;
    }
    return true;
}

bool bd_life_is_due(const struct bd_set *set, unsigned at, bool wanted)
{
    const struct bd_binding *b = &set->entry[at].binding;
    if (b->text[BD_TEXT_INSTANCE].len == 0)
        return false;
    return (wanted && b->text[BD_TEXT_GRUU].len == 0) || !is_alone(set, at);
}

uint64_t bd_life_issue(const struct bd_set *set, uint64_t life)
{
    const struct bd_entry *newest = NULL;
    for (unsigned i = 0; i < set->cnt; i++) {
        const struct bd_entry *e = &set->entry[i];
        if (bd_fate_lives(e->fate) && bd_gruu_life(&e->binding) == life &&
            (!newest || is_newer(e, newest)))
            newest = e;
    }
    return newest ? newest->binding.txn : 0;
}
