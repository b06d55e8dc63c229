/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing the table: refresh, replace, remove; insert.c has the rest.
 *
 * What is said once for all of it:
 * - Every access to a slot or a state word is seq_cst, so there is one order of them all, S, and
 *   the arguments here and in insert.c speak of that order.
 * - ABA cannot be: a slot word names a record, and a record that left the table is not used again
 *   before each thread that may have seen it was quiescent. So a word that is back would need a
 *   record that is back, and a compare-and-swap that succeeds changed what was read. */
#include "allocator.h"
#include "mark.h"
#include "race.h"
#include "writer_private.h"

#ifdef BD_RACE_TEST
void (*bd_race_hook)(const char *point);
#endif

/* --- due_s ----------------------------------------------------------------------------------- */

/* Invariant: due_s <= the expiry of every LIVE contact in the bucket, but while somebody who
 * lowered an expiry, or published one, has not yet come to this call; and it comes after the change
 * in S. Pairs with bd_table_expire, which first sets due_s to BD_DUE_NEVER, then reads slots and
 * states, then lowers it to what it found. Either this load sees that BD_DUE_NEVER (or what follows
 * it) and lowers it, or it precedes it in S: then so does the change, and the sweep reads the new
 * expiry. */
static bool lower(_Atomic uint32_t *due_s, uint32_t to_s)
{
    uint32_t now_s = atomic_load(due_s);
    while (to_s < now_s) {
        if (atomic_compare_exchange_weak(due_s, &now_s, to_s))
            return true;
    }
    return false;
}

void bd_group_lower(const struct bd_table *table, uint32_t bucket, uint32_t due_s)
{
    lower(&table->group_due_s[bd_group_of(bucket)], due_s);
}

/* The group after its bucket, by whoever lowered the bucket: so the group's bound <= each of its
 * buckets' due_s, but for one whose lowerer has not come that far. Pairs with settle_group in
 * expire.c by the same argument, buckets in place of expiries. */
void bd_due_lower(const struct bd_table *table, uint32_t bucket, uint32_t expires_at_s)
{
    if (lower(&table->buckets[bucket].due_s, expires_at_s))
        bd_group_lower(table, bucket, expires_at_s);
}

/* --- records ---------------------------------------------------------------------------------- */

static uint32_t earliest(const struct bd_binding *bindings, unsigned cnt)
{
    uint32_t min_s = BD_DUE_NEVER;
    for (unsigned i = 0; i < cnt; i++) {
        uint32_t expires_at_s = bd_state_expires_at_s(bindings[i].state);
        min_s = expires_at_s < min_s ? expires_at_s : min_s;
    }
    return min_s;
}

enum bd_table_rc bd_writer_record(struct bd_writer *writer, struct bd_str aor,
                                  const struct bd_binding *bindings, unsigned cnt, uint64_t *off)
{
    uint32_t sz = bd_record_sz(aor, bindings, cnt);
    if (sz == 0 || !bd_retire_room(writer, 1))
        return BD_TABLE_NO_MEMORY;
    *off = bd_memory_alloc(writer, sz);
    if (*off == 0)
        return BD_TABLE_NO_MEMORY;
    bd_record_write((struct bd_record *)(writer->table->records + *off), aor, bindings, cnt);
    return BD_TABLE_OK;
}

void bd_writer_placed(struct bd_writer *writer, uint32_t bucket, unsigned slot, uint64_t off,
                      const struct bd_binding *bindings, unsigned cnt)
{
    bd_mark(writer->table, bucket, slot, BD_DIRTY_CONTENT);
    BD_RACE_POINT("put: marked");
    bd_record_set_marked((struct bd_record *)(writer->table->records + off));
    bd_due_lower(writer->table, bucket, earliest(bindings, cnt));
}

/* --- refresh --------------------------------------------------------------------------------- */

static struct bd_contact *contact_of(const struct bd_slot_ref *ref, unsigned i)
{
    return bd_record_contact(ref->record, i);
}

/* Only up, so of two that race the txn of the higher CSeq stays, as its state does. Release by way
 * of the state's compare-and-swap that follows; pairs with bd_record_view, which reads state first.
 */
static void raise_txn(struct bd_contact *contact, uint64_t txn)
{
    uint64_t old = atomic_load_explicit(&contact->txn, memory_order_relaxed);
    while (bd_txn_cseq(old) < bd_txn_cseq(txn)) {
        if (atomic_compare_exchange_weak(&contact->txn, &old, txn))
            return;
    }
}

/* Atomic is the compare-and-swap of the state word. It cannot be lost in a replacer's copy: the
 * replacer seals this word before its slot changes (seal below), and the seal fails when the word
 * is not what the replacer copied; a refresh after the seal fails here. A record that has left the
 * table is sealed as well, so nobody refreshes one that is gone. */
enum bd_table_rc bd_table_refresh(struct bd_writer *writer, const struct bd_slot_ref *ref,
                                  unsigned i, uint64_t expected, uint32_t cseq,
                                  uint32_t expires_at_s, uint64_t txn)
{
    struct bd_contact *contact = contact_of(ref, i);
    if (expected & BD_STATE_SEALED || atomic_load(&contact->state) != expected)
        return BD_TABLE_CONFLICT;
    bd_intend(writer->intent, bd_slot_number(ref->bucket, ref->slot));
    raise_txn(contact, txn);
    BD_RACE_POINT("refresh: txn raised");
    bool won = atomic_compare_exchange_strong(&contact->state, &expected,
                                              bd_state_make(cseq, expires_at_s));
    if (won) {
        BD_RACE_POINT("refresh: state changed");
        bd_mark(writer->table, ref->bucket, ref->slot, BD_DIRTY_STATE);
        BD_RACE_POINT("refresh: marked");
        bd_due_lower(writer->table, ref->bucket, expires_at_s);
    }
    bd_intend_nothing(writer->intent);
    return won ? BD_TABLE_OK : BD_TABLE_CONFLICT;
}

/* Relaxed, and paired with nothing: each value this word ever has is true of this record's content,
 * which never changes, whoever reads it when. In a record that has left the table it is lost. */
void bd_table_note_repeat(const struct bd_slot_ref *ref, unsigned i, uint64_t repeat)
{
    atomic_store_explicit(&contact_of(ref, i)->repeat, repeat, memory_order_relaxed);
}

/* --- replace and remove ---------------------------------------------------------------------- */

static bool unchanged(const struct bd_slot_ref *ref, const uint64_t *seen)
{
    for (unsigned i = 0; i < ref->record->cnt; i++) {
        uint64_t state = atomic_load(&contact_of(ref, i)->state);
        if ((state ^ seen[i]) & ~BD_STATE_SEALED)
            return false;
    }
    return true;
}

/* Seals every contact that is still as seen. False at the first that is not: those before it stay
 * sealed, which costs a later refresh a replacement and nothing else. Two replacers may both seal;
 * the slot decides between them. */
static bool seal(const struct bd_slot_ref *ref, const uint64_t *seen)
{
    for (unsigned i = 0; i < ref->record->cnt; i++) {
        uint64_t state = seen[i] & ~BD_STATE_SEALED;
        if (!atomic_compare_exchange_strong(&contact_of(ref, i)->state, &state,
                                            state | BD_STATE_SEALED) &&
            state != (seen[i] | BD_STATE_SEALED))
            return false;
        BD_RACE_POINT("replace: contact sealed");
    }
    return true;
}

/* LIVE old -> LIVE new, or EMPTY when new_word is 0. The old record is whole and sealed, so what
 * `seen` says of it is final; the slot still holding the old word says that it is still the AoR's
 * record. Release: publishes the new record; pairs with the slot loads of every reader. */
static enum bd_table_rc swap(struct bd_writer *writer, const struct bd_slot_ref *ref,
                             const uint64_t *seen, uint64_t new_word)
{
    if (!seal(ref, seen))
        return BD_TABLE_CONFLICT;
    bd_intend(writer->intent, bd_slot_number(ref->bucket, ref->slot));
    BD_RACE_POINT("replace: sealed");
    uint64_t word = ref->word;
    if (!atomic_compare_exchange_strong(&writer->table->buckets[ref->bucket].slot[ref->slot], &word,
                                        new_word))
        return BD_TABLE_CONFLICT;
    BD_RACE_POINT("replace: published");
    bd_retire(writer, bd_slot_off(ref->word));
    return BD_TABLE_OK;
}

static enum bd_table_rc replace(struct bd_writer *writer, const struct bd_slot_ref *ref,
                                struct bd_str aor, const uint64_t *seen,
                                const struct bd_binding *bindings, unsigned cnt)
{
    uint64_t off;
    enum bd_table_rc rc = bd_writer_record(writer, aor, bindings, cnt, &off);
    if (rc != BD_TABLE_OK)
        return rc;
    BD_RACE_POINT("replace: record written");
    rc = swap(writer, ref, seen, bd_slot_make(ref->hash, BD_SLOT_LIVE, off));
    if (rc != BD_TABLE_OK) {
        bd_memory_give(writer, off);
        return rc;
    }
    bd_writer_placed(writer, ref->bucket, ref->slot, off, bindings, cnt);
    return rc;
}

static enum bd_table_rc remove_aor(struct bd_writer *writer, const struct bd_slot_ref *ref,
                                   const uint64_t *seen)
{
    if (!bd_retire_room(writer, 1))
        return BD_TABLE_NO_MEMORY;
    enum bd_table_rc rc = swap(writer, ref, seen, 0);
    if (rc == BD_TABLE_OK)
        bd_mark(writer->table, ref->bucket, ref->slot, BD_DIRTY_CONTENT);
    return rc;
}

/* --- put ------------------------------------------------------------------------------------- */

static enum bd_table_rc change(struct bd_writer *writer, const struct bd_slot_ref *ref,
                               struct bd_str aor, const uint64_t *seen,
                               const struct bd_binding *bindings, unsigned cnt)
{
    if (!ref->record)
        return bd_writer_insert(writer, ref->hash, aor, bindings, cnt);
    return cnt ? replace(writer, ref, aor, seen, bindings, cnt) : remove_aor(writer, ref, seen);
}

enum bd_table_rc bd_table_put(struct bd_writer *writer, const struct bd_slot_ref *ref,
                              struct bd_str aor, const uint64_t *seen,
                              const struct bd_binding *bindings, unsigned cnt)
{
    if (!ref->record && cnt == 0)
        return BD_TABLE_OK;
    if (ref->record && !unchanged(ref, seen))
        return BD_TABLE_CONFLICT;
    enum bd_table_rc rc = change(writer, ref, aor, seen, bindings, cnt);
    bd_intend_nothing(writer->intent);
    return rc;
}
