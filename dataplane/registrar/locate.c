/* SPDX-License-Identifier: BSD-3-Clause */
#include "locate.h"

/* Insertion: an AoR has one or two bindings, at most 32, and the sort must be stable. */
static void sort(struct bd_location *l,
                 bool (*before)(const struct bd_target *, const struct bd_target *))
{
    for (unsigned i = 1; i < l->cnt; i++) {
        struct bd_target t = l->target[i];
        unsigned at = i;
        for (; at > 0 && before(&t, &l->target[at - 1]); at--)
            l->target[at] = l->target[at - 1];
        l->target[at] = t;
    }
}

static bool fresher(const struct bd_target *a, const struct bd_target *b)
{
    uint32_t at_a = bd_state_expires_at_s(a->binding->state);
    uint32_t at_b = bd_state_expires_at_s(b->binding->state);
    if (a->q_milli != b->q_milli)
        return a->q_milli > b->q_milli;
    return at_a != at_b ? at_a > at_b : a->binding->created_at_s > b->binding->created_at_s;
}

static bool preferred(const struct bd_target *a, const struct bd_target *b)
{
    return a->q_milli != b->q_milli ? a->q_milli > b->q_milli
                                    : a->preference_ppm > b->preference_ppm;
}

/* A bulk binding stands for the numbers of a PBX, not for its AoR (RFC 6140 5.2). */
static bool is_wanted(const struct bd_binding *b, uint32_t now_s, bool bulk)
{
    return now_s < bd_state_expires_at_s(b->state) && ((b->flags & BD_BINDING_BULK) != 0) == bulk;
}

/* Takes what has been read into the next place of binding[]. */
static void add(struct bd_location *l)
{
    const struct bd_binding *b = &l->binding[l->cnt];
    uint16_t q = b->q_milli == BD_Q_NONE ? BD_Q_DEFAULT : b->q_milli;
    l->target[l->cnt++] = (struct bd_target){.binding = b, .q_milli = q};
}

unsigned bd_locate(const struct bd_table *table, uint64_t hash, struct bd_str aor, uint32_t now_s,
                   struct bd_location *location)
{
    struct bd_location *l = location;
    struct bd_slot_ref ref;
    l->cnt = 0;
    if (!bd_table_find(table, hash, aor, &ref))
        return 0;
    unsigned cnt = bd_record_cnt(ref.record);
    for (unsigned i = 0; i < cnt && l->cnt < BD_CONTACTS_PER_AOR_MAX; i++) {
        bd_record_view(ref.record, i, &l->binding[l->cnt]);
        if (is_wanted(&l->binding[l->cnt], now_s, false))
            add(l);
    }
    sort(l, fresher);
    return l->cnt;
}

unsigned bd_locate_bulk(const struct bd_table *table, const struct bd_bulk_hit *hit, uint32_t now_s,
                        struct bd_location *location)
{
    struct bd_location *l = location;
    struct bd_slot_ref ref;
    if (!bd_table_find(table, bd_table_hash(table, hit->pbx), hit->pbx, &ref))
        return l->cnt;
    unsigned cnt = bd_record_cnt(ref.record);
    for (unsigned i = 0; i < cnt && l->cnt < BD_CONTACTS_PER_AOR_MAX; i++) {
        struct bd_binding *b = &l->binding[l->cnt];
        bd_record_view(ref.record, i, b);
        char *uri = l->bulk_uri[l->cnt];
        struct bd_wire w = bd_wire_init(uri, sizeof(l->bulk_uri[0]));
        if (!is_wanted(b, now_s, true) ||
            !bd_bulk_contact(&w, b->text[BD_TEXT_URI], &hit->number) || w.overflow)
            continue;
        b->text[BD_TEXT_URI] = (struct bd_str){uri, bd_wire_len(&w)};
        add(l);
    }
    sort(l, fresher);
    return l->cnt;
}

void bd_location_sort(struct bd_location *location)
{
    sort(location, preferred);
}
