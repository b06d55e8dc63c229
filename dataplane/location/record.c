/* SPDX-License-Identifier: BSD-3-Clause */
#include "layout.h"

static uint64_t text_bytes(const struct bd_binding *binding)
{
    uint64_t bytes = 0;
    for (unsigned t = 0; t < BD_TEXT_CNT; t++)
        bytes += binding->text[t].len;
    return bytes;
}

uint32_t bd_record_sz(struct bd_str aor, const struct bd_binding *bindings, unsigned cnt)
{
    if (cnt > BD_CONTACTS_PER_AOR_MAX || aor.len > UINT16_MAX)
        return 0;
    uint64_t bytes = bd_record_contacts_off(aor.len) + cnt * sizeof(struct bd_contact);
    for (unsigned i = 0; i < cnt; i++)
        bytes += text_bytes(&bindings[i]);
    return bytes < BD_RECORD_MAX ? (uint32_t)bytes : 0;
}

static uint32_t texts_off(const struct bd_record *record)
{
    return bd_record_contacts_off(record->aor_len) +
           record->cnt * (uint32_t)sizeof(struct bd_contact);
}

static uint32_t put_text(struct bd_record *record, uint32_t off, struct bd_str s)
{
    if (s.len)
        memcpy((char *)record + off, s.p, s.len);
    return off + s.len;
}

static uint32_t put_contact(struct bd_record *record, unsigned i, uint32_t off,
                            const struct bd_binding *binding)
{
    struct bd_contact *contact = bd_record_contact(record, i);
    /* Relaxed: nobody sees the record before the slot publishes it. */
    atomic_store_explicit(&contact->state, binding->state & ~BD_STATE_SEALED, memory_order_relaxed);
    atomic_store_explicit(&contact->txn, binding->txn, memory_order_relaxed);
    atomic_store_explicit(&contact->repeat, binding->repeat, memory_order_relaxed);
    contact->source = binding->source;
    contact->local = binding->local;
    contact->reg_id = binding->reg_id;
    contact->created_at_s = binding->created_at_s;
    contact->text_off = (uint16_t)off; /* below BD_RECORD_MAX */
    contact->q_milli = binding->q_milli;
    contact->flags = binding->flags;
    for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
        contact->text_len[t] = (uint16_t)binding->text[t].len;
        off = put_text(record, off, binding->text[t]);
    }
    return off;
}

void bd_record_write(struct bd_record *record, struct bd_str aor, const struct bd_binding *bindings,
                     unsigned cnt)
{
    record->aor_len = (uint16_t)aor.len;
    record->cnt = (uint8_t)cnt;
    atomic_store_explicit(&record->unmarked, 1, memory_order_relaxed); /* as in put_contact */
    put_text(record, sizeof(*record), aor);
    uint32_t off = texts_off(record);
    for (unsigned i = 0; i < cnt; i++)
        off = put_contact(record, i, off, &bindings[i]);
    record->sz = off;
}

struct bd_str bd_record_aor(const struct bd_record *record)
{
    return (struct bd_str){record->aor, record->aor_len};
}

unsigned bd_record_cnt(const struct bd_record *record)
{
    return record->cnt;
}

uint64_t bd_record_state(const struct bd_record *record, unsigned i)
{
    return atomic_load(&bd_record_contact(record, i)->state);
}

void bd_record_view(const struct bd_record *record, unsigned i, struct bd_binding *view)
{
    const struct bd_contact *contact = bd_record_contact(record, i);
    const char *p = (const char *)record + contact->text_off;
    for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
        uint32_t len = contact->text_len[t];
        view->text[t] = (struct bd_str){len ? p : NULL, len};
        p += len;
    }
    /* State before txn, as refresh writes txn before state: whoever sees a refreshed state sees
     * the txn that belongs to it, or a later one. */
    view->state = atomic_load(&contact->state);
    view->txn = atomic_load_explicit(&contact->txn, memory_order_acquire);
    view->repeat = atomic_load_explicit(&contact->repeat, memory_order_relaxed);
    view->source = contact->source;
    view->local = contact->local;
    view->reg_id = contact->reg_id;
    view->created_at_s = contact->created_at_s;
    view->q_milli = contact->q_milli;
    view->flags = contact->flags;
}

static bool contact_valid(const struct bd_record *record, unsigned i, uint32_t text_begin)
{
    const struct bd_contact *contact = bd_record_contact(record, i);
    uint32_t bytes = 0;
    for (unsigned t = 0; t < BD_TEXT_CNT; t++)
        bytes += contact->text_len[t];
    return contact->text_off >= text_begin && contact->text_off <= record->sz &&
           bytes <= record->sz - contact->text_off;
}

bool bd_record_valid(const struct bd_record *record, uint32_t sz)
{
    if (sz < sizeof(*record) || record->sz > sz || record->cnt == 0 ||
        record->cnt > BD_CONTACTS_PER_AOR_MAX)
        return false;
    uint32_t text_begin = texts_off(record);
    if (text_begin > record->sz)
        return false;
    for (unsigned i = 0; i < record->cnt; i++) {
        if (!contact_valid(record, i, text_begin))
            return false;
    }
    return true;
}
