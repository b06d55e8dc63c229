/* SPDX-License-Identifier: BSD-3-Clause */
#include "told.h"

#include <stdlib.h>

static uint64_t hash_str(const struct bd_hash_key *key, struct bd_str s)
{
    return bd_hash64(key, s.len ? s.p : "", s.len);
}

/* RFC 3680 5.1: differs when the URIs differ, parameters included; two flows of one instance may
 * well have one URI (RFC 5626 4.2). */
static uint64_t id_of(const struct bd_hash_key *key, const struct bd_binding *b)
{
    const uint64_t part[] = {hash_str(key, b->text[BD_TEXT_URI]),
                             hash_str(key, b->text[BD_TEXT_INSTANCE]), b->reg_id};
    return bd_hash64(key, part, sizeof(part));
}

static uint64_t texts_of(const struct bd_hash_key *key, const struct bd_binding *b)
{
    const uint64_t part[] = {hash_str(key, b->text[BD_TEXT_CALL_ID]),
                             hash_str(key, b->text[BD_TEXT_PARAMS]),
                             hash_str(key, b->text[BD_TEXT_GRUU]), b->q_milli};
    return bd_hash64(key, part, sizeof(part));
}

static const struct bd_told_contact *find(const struct bd_told *told, uint64_t id)
{
    for (unsigned i = 0; i < told->cnt; i++) {
        if (told->contact[i].id == id)
            return &told->contact[i];
    }
    return NULL;
}

static const char *event_of(const struct bd_told_contact *before, const struct bd_change *now)
{
    uint64_t was = before->state, is = now->binding.state;
    if (before->created_at_s != now->binding.created_at_s)
        return "registered";
    bool same_cseq = bd_state_cseq(was) == bd_state_cseq(is) && before->texts == now->texts;
    if (same_cseq && bd_state_expires_at_s(is) < bd_state_expires_at_s(was))
        return "shortened";
    return "refreshed";
}

static void compare_one(const struct bd_told *told, struct bd_change *row)
{
    const struct bd_told_contact *before = find(told, row->id);
    row->changed = !before || before->state != row->binding.state || before->texts != row->texts ||
                   before->created_at_s != row->binding.created_at_s;
    if (!before)
        row->event = "registered";
    else
        row->event = row->changed ? event_of(before, row) : before->event;
}

static bool is_there(const struct bd_difference *difference, unsigned cnt, uint64_t id)
{
    for (unsigned i = 0; i < cnt; i++) {
        if (difference->row[BD_CONTACTS_PER_AOR_MAX + i].id == id)
            return true;
    }
    return false;
}

/* Views of the living, put into the upper half for the moment. */
static unsigned view_living(const struct bd_told *told, const struct bd_hash_key *key,
                            const struct bd_record *record, uint32_t now_s,
                            struct bd_difference *difference)
{
    unsigned cnt = 0, all = record ? bd_record_cnt(record) : 0;
    for (unsigned i = 0; i < all && cnt < BD_CONTACTS_PER_AOR_MAX; i++) {
        struct bd_change *row = &difference->row[BD_CONTACTS_PER_AOR_MAX + cnt];
        bd_record_view(record, i, &row->binding);
        row->binding.state &= ~BD_STATE_SEALED;
        /* RFC 6140 7.2.1: no watcher is told a Contact with `bnc`. */
        if (bd_state_expires_at_s(row->binding.state) <= now_s ||
            (row->binding.flags & BD_BINDING_BULK))
            continue;
        row->id = id_of(key, &row->binding);
        row->texts = texts_of(key, &row->binding);
        row->there = true;
        compare_one(told, row);
        cnt++;
    }
    return cnt;
}

static struct bd_change gone(const struct bd_told_contact *c, uint32_t now_s, bool by_operator)
{
    struct bd_change row = {.id = c->id, .changed = true};
    row.binding.text[BD_TEXT_URI] = (struct bd_str){c->uri, c->uri_len};
    row.binding.state = c->state;
    row.binding.created_at_s = c->created_at_s;
    row.binding.q_milli = BD_Q_NONE;
    if (bd_state_expires_at_s(c->state) <= now_s)
        row.event = "expired";
    else
        row.event = by_operator ? "deactivated" : "unregistered";
    return row;
}

void bd_told_compare(const struct bd_told *told, const struct bd_hash_key *key,
                     const struct bd_record *record, uint32_t now_s, bool by_operator,
                     struct bd_difference *difference)
{
    unsigned living = view_living(told, key, record, now_s, difference), cnt = 0;
    for (unsigned i = 0; i < told->cnt; i++) {
        if (!is_there(difference, living, told->contact[i].id))
            difference->row[cnt++] = gone(&told->contact[i], now_s, by_operator);
    }
    difference->any = cnt > 0;
    difference->there = living > 0;
    /* Upwards, and never onto a row not yet moved: cnt is at most half of the array. */
    for (unsigned i = 0; i < living; i++) {
        difference->row[cnt] = difference->row[BD_CONTACTS_PER_AOR_MAX + i];
        difference->any |= difference->row[cnt++].changed;
    }
    difference->cnt = cnt;
}

static bool remember(struct bd_told_contact *c, const struct bd_change *change)
{
    struct bd_str uri = change->binding.text[BD_TEXT_URI];
    if (!c->uri) {
        c->uri = malloc(uri.len + 1U);
        if (!c->uri)
            return false;
        memcpy(c->uri, uri.p, uri.len);
        c->uri_len = uri.len;
    }
    c->id = change->id;
    c->state = change->binding.state;
    c->texts = change->texts;
    c->event = change->event;
    c->created_at_s = change->binding.created_at_s;
    return true;
}

bool bd_told_learn(struct bd_told *told, const struct bd_change *change)
{
    if (!change->there) {
        bd_told_forget(told, change->id);
        return true;
    }
    for (unsigned i = 0; i < told->cnt; i++) {
        if (told->contact[i].id == change->id)
            return remember(&told->contact[i], change);
    }
    if (told->cnt == BD_CONTACTS_PER_AOR_MAX)
        return false;
    told->contact[told->cnt].uri = NULL;
    if (!remember(&told->contact[told->cnt], change))
        return false;
    told->cnt++;
    return true;
}

void bd_told_forget(struct bd_told *told, uint64_t id)
{
    for (unsigned i = 0; i < told->cnt; i++) {
        if (told->contact[i].id != id)
            continue;
        free(told->contact[i].uri);
        told->contact[i] = told->contact[--told->cnt];
        return;
    }
}

void bd_told_clear(struct bd_told *told)
{
    for (unsigned i = 0; i < told->cnt; i++)
        free(told->contact[i].uri);
    told->cnt = 0;
}
