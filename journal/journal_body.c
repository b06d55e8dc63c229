/* SPDX-License-Identifier: BSD-3-Clause */
/* What records hold: encoding and decoding of the bodies that journal_format.h tells of. */
#include <xxhash.h>

#include "journal_bytes.h"
#include "journal_format.h"

/* Bytes of a contact in a PUT before its text lengths. */
enum { CONTACT_SZ = 3 * 8 + 2 * 4 + 2 * 2 + 2 * 18 };

_Static_assert(BD_RECORD_MAX + 24 +
                       BD_CONTACTS_PER_AOR_MAX * (CONTACT_SZ + BD_TEXT_CNT * sizeof(uint16_t)) <=
                   BD_JOURNAL_BODY_MAX,
               "each record of the table has a PUT");
_Static_assert(BD_JOURNAL_BODY_MAX <= 0xffffff, "a frame's length has 24 bits");

static void endpoint_encode(struct cursor *c, const struct bd_endpoint *endpoint)
{
    put_bytes(c, endpoint->ip.b, sizeof(endpoint->ip.b));
    put_u16(c, endpoint->port);
}

/* What a refresh leaves as it is, but the texts. */
static void constant_encode(struct cursor *c, const struct bd_binding *binding)
{
    put_u32(c, binding->reg_id);
    put_u16(c, binding->q_milli);
    put_u16(c, binding->flags);
    endpoint_encode(c, &binding->source);
    endpoint_encode(c, &binding->local);
    for (unsigned t = 0; t < BD_TEXT_CNT; t++)
        put_u16(c, (uint16_t)binding->text[t].len);
}

uint32_t bd_journal_check(struct bd_str aor, const struct bd_binding *bindings, unsigned cnt)
{
    uint64_t h = XXH3_64bits_withSeed(aor.p, aor.len, cnt);
    for (unsigned i = 0; i < cnt; i++) {
        uint8_t constant[CONTACT_SZ + BD_TEXT_CNT * sizeof(uint16_t)];
        struct cursor c = {constant};
        constant_encode(&c, &bindings[i]);
        h = XXH3_64bits_withSeed(constant, (size_t)(c.p - constant), h);
        for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
            if (bindings[i].text[t].len)
                h = XXH3_64bits_withSeed(bindings[i].text[t].p, bindings[i].text[t].len, h);
        }
    }
    return (uint32_t)h;
}

static void contact_encode(struct cursor *c, uint64_t shift_ms, const struct bd_binding *binding)
{
    put_u64(c, bd_state_expires_at_s(binding->state) * 1000ULL + shift_ms);
    put_u64(c, binding->txn);
    put_u32(c, bd_state_cseq(binding->state));
}

uint32_t bd_journal_put_encode(uint8_t *out, uint64_t shift_ms, uint64_t slot, struct bd_str aor,
                               const struct bd_binding *bindings, unsigned cnt)
{
    struct cursor c = {out};
    put_u64(&c, slot);
    put_u32(&c, bd_journal_check(aor, bindings, cnt));
    put_u16(&c, (uint16_t)aor.len);
    put_bytes(&c, &(uint8_t){(uint8_t)cnt}, 1);
    put_bytes(&c, &(uint8_t){BD_TEXT_CNT}, 1);
    for (unsigned i = 0; i < cnt; i++) {
        contact_encode(&c, shift_ms, &bindings[i]);
        put_u64(&c, bindings[i].created_at_s * 1000ULL + shift_ms);
        constant_encode(&c, &bindings[i]);
    }
    put_bytes(&c, aor.p, aor.len);
    for (unsigned i = 0; i < cnt; i++) {
        for (unsigned t = 0; t < BD_TEXT_CNT; t++)
            put_bytes(&c, bindings[i].text[t].p, bindings[i].text[t].len);
    }
    return (uint32_t)(c.p - out);
}

uint32_t bd_journal_state_encode(uint8_t *out, uint64_t shift_ms, uint64_t slot, uint32_t check,
                                 const struct bd_binding *bindings, unsigned cnt)
{
    struct cursor c = {out};
    put_u64(&c, slot);
    put_u32(&c, check);
    put_u32(&c, cnt);
    for (unsigned i = 0; i < cnt; i++)
        contact_encode(&c, shift_ms, &bindings[i]);
    return (uint32_t)(c.p - out);
}

uint32_t bd_journal_empty_encode(uint8_t *out, uint64_t slot)
{
    struct cursor c = {out};
    put_u64(&c, slot);
    return (uint32_t)(c.p - out);
}

uint32_t bd_journal_commit_encode(uint8_t *out, const struct bd_journal_time *now, uint64_t records,
                                  uint64_t next)
{
    struct cursor c = {out};
    put_u64(&c, now->wall_ms);
    put_u64(&c, now->clock_ms);
    put_u64(&c, records);
    put_u64(&c, next);
    return (uint32_t)(c.p - out);
}

static void contact_decode(struct input *in, struct bd_journal_contact *contact)
{
    contact->expires_ms = get_u64(in);
    contact->txn = get_u64(in);
    contact->cseq = get_u32(in);
}

static void endpoint_decode(struct input *in, struct bd_endpoint *endpoint)
{
    memcpy(endpoint->ip.b, get_bytes(in, sizeof(endpoint->ip.b)), sizeof(endpoint->ip.b));
    endpoint->port = get_u16(in);
}

static void constant_decode(struct input *in, uint8_t texts, struct bd_binding *binding)
{
    *binding = (struct bd_binding){.reg_id = get_u32(in)};
    binding->q_milli = get_u16(in);
    binding->flags = get_u16(in);
    endpoint_decode(in, &binding->source);
    endpoint_decode(in, &binding->local);
    for (unsigned t = 0; t < texts; t++)
        binding->text[t].len = get_u16(in);
}

static void put_decode(struct input *in, struct bd_journal_record *record)
{
    uint16_t aor_len = get_u16(in);
    record->cnt = *get_bytes(in, 1);
    uint8_t texts = *get_bytes(in, 1);
    /* Fewer texts than we know: a build wrote it that had fewer. */
    if (record->cnt == 0 || record->cnt > BD_CONTACTS_PER_AOR_MAX || texts > BD_TEXT_CNT) {
        in->bad = true;
        return;
    }
    for (unsigned i = 0; i < record->cnt; i++) {
        contact_decode(in, &record->contact[i]);
        record->created_ms[i] = get_u64(in);
        constant_decode(in, texts, &record->binding[i]);
    }
    record->aor = get_text(in, aor_len);
    for (unsigned i = 0; i < record->cnt; i++) {
        for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
            struct bd_str *text = &record->binding[i].text[t];
            *text = get_text(in, (uint16_t)text->len);
        }
    }
}

bool bd_journal_put_peek(const uint8_t *body, uint32_t len, struct bd_str *aor)
{
    struct input in = {body, len, false};
    get_bytes(&in, sizeof(uint64_t) + sizeof(uint32_t)); /* slot, check */
    uint16_t aor_len = get_u16(&in);
    uint32_t cnt = *get_bytes(&in, 1), texts = *get_bytes(&in, 1);
    get_bytes(&in, cnt * (CONTACT_SZ + texts * (uint32_t)sizeof(uint16_t)));
    *aor = get_text(&in, aor_len);
    return !in.bad;
}

static void state_decode(struct input *in, struct bd_journal_record *record)
{
    record->cnt = get_u32(in);
    if (record->cnt == 0 || record->cnt > BD_CONTACTS_PER_AOR_MAX) {
        in->bad = true;
        return;
    }
    for (unsigned i = 0; i < record->cnt; i++)
        contact_decode(in, &record->contact[i]);
}

static void commit_decode(struct input *in, struct bd_journal_record *record)
{
    record->wall_ms = get_u64(in);
    record->clock_ms = get_u64(in);
    record->records = get_u64(in);
    record->next = get_u64(in);
}

bool bd_journal_record_decode(const uint8_t *body, uint64_t slots, struct bd_journal_record *record)
{
    struct input in = {body, record->len, false};
    switch (record->type) {
    case BD_JOURNAL_PUT:
    case BD_JOURNAL_STATE:
        record->slot = get_u64(&in);
        record->check = get_u32(&in);
        if (record->type == BD_JOURNAL_PUT)
            put_decode(&in, record);
        else
            state_decode(&in, record);
        return !in.bad && in.left == 0 && record->slot < slots;
    case BD_JOURNAL_EMPTY:
        record->slot = get_u64(&in);
        return !in.bad && in.left == 0 && record->slot < slots;
    case BD_JOURNAL_COMMIT:
    case BD_JOURNAL_END:
        commit_decode(&in, record);
        return !in.bad && in.left == 0;
    }
    return false;
}
