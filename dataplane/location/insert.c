/* SPDX-License-Identifier: BSD-3-Clause */
/* Putting an AoR into the table that was not there: a slot is claimed, then looked around from,
 * then made LIVE. Insert does without a first look: the caller found nothing, and if that has
 * changed since, the second look tells. What writer.c says of order and ABA holds here as well. */
#include "mark.h"
#include "race.h"
#include "writer_private.h"

/* Own tentative slot. */
struct claim {
    _Atomic uint64_t *slot;
    uint64_t word;
    uint32_t home, bucket;
    unsigned place;
};

/* Whether a slot word stands for this AoR. Reads the record behind it, whoever put it there: the
 * caller is online, and a withdrawn record goes through the retire queue like any other. */
static bool word_is(const struct bd_table *table, uint64_t word, uint64_t hash, struct bd_str aor)
{
    return word != 0 && bd_slot_tag_fits(word, hash) &&
           bd_record_is(bd_slot_record(table, word), aor);
}

static bool claim_in(const struct bd_table *table, uint32_t number, struct claim *claim)
{
    struct bd_bucket *bucket = &table->buckets[number];
    for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
        uint64_t empty = 0;
        if (atomic_load(&bucket->slot[s]) == 0 &&
            atomic_compare_exchange_strong(&bucket->slot[s], &empty, claim->word)) {
            claim->slot = &bucket->slot[s];
            claim->bucket = number;
            claim->place = s;
            return true;
        }
    }
    return false;
}

/* EMPTY -> TENTATIVE in the first free slot. OVERFLOW is set before anything can be found beyond
 * home; pairs with the load in bd_table_find. */
static bool claim_slot(const struct bd_table *table, struct claim *claim)
{
    if (claim_in(table, claim->home, claim))
        return true;
    atomic_fetch_or(&table->buckets[claim->home].flags, BD_BUCKET_OVERFLOW);
    for (unsigned b = 1; b < BD_TABLE_WINDOW; b++) {
        if (claim_in(table, claim->home + b, claim))
            return true;
    }
    return false;
}

/* The second look: whether the claim may become LIVE.
 *
 * It goes through the home bucket and, if OVERFLOW is set by then, through the rest of the window.
 * That misses nobody who matters: OVERFLOW is set before a TENTATIVE beyond home and never cleared
 * while there are writers. So whoever's TENTATIVE beyond home precedes this look's load of the flag
 * in S is looked at; anybody else's follows that load, hence follows the claim of this look, and it
 * is him who finds the other (A and B below, in these roles).
 *
 * Invariant: at most one LIVE slot for an AoR. Say A and B both make it LIVE, in slots a and b, and
 * A's TENTATIVE precedes B's in S. B's look follows its own TENTATIVE, so it sees the flag if a
 * lies beyond home, reads slot a after A claimed it, and finds one of
 *
 *   LIVE               B withdraws.
 *   TENTATIVE, a < b   B withdraws.
 *   TENTATIVE, a > b   B empties it; that done, A's own compare-and-swap to LIVE fails. If B is too
 *                      late for that, A has just changed it, and B looks again.
 *   anything else      A is gone from the slot: withdrawn, emptied, or LIVE and removed since.
 *
 * Records never move between slots, so what was LIVE for the AoR stays where it is found. Hence B
 * is LIVE only when A no longer is or will be. Not both give up for ever: the earlier slot only
 * yields to a LIVE one. */
static bool contest(const struct bd_table *table, const struct claim *claim, uint64_t hash,
                    struct bd_str aor)
{
    struct bd_bucket *bucket = &table->buckets[claim->home];
    unsigned buckets = atomic_load(&bucket->flags) & BD_BUCKET_OVERFLOW ? BD_TABLE_WINDOW : 1;
    for (unsigned b = 0; b < buckets; b++, bucket++) {
        for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
            _Atomic uint64_t *slot = &bucket->slot[s];
            uint64_t word = atomic_load(slot);
            while (word_is(table, word, hash, aor) && slot != claim->slot) {
                BD_RACE_POINT("insert: met another");
                if (bd_slot_state(word) == BD_SLOT_LIVE || slot < claim->slot)
                    return false;
                /* On failure word is loaded anew. */
                if (atomic_compare_exchange_strong(slot, &word, 0))
                    break;
            }
        }
    }
    return true;
}

/* Withdraws. The compare-and-swap fails when another has emptied the slot, perhaps for others to
 * use. The record is retired, not given back: somebody may be reading its AoR. */
static void withdraw(struct bd_writer *writer, const struct claim *claim)
{
    uint64_t word = claim->word;
    BD_RACE_POINT("insert: lost");
    atomic_compare_exchange_strong(claim->slot, &word, 0);
    BD_RACE_POINT("insert: withdrawn");
    bd_retire(writer, bd_slot_off(claim->word));
}

/* TENTATIVE -> LIVE, unless another is before it. */
static enum bd_table_rc publish(struct bd_writer *writer, const struct claim *claim, uint64_t hash,
                                struct bd_str aor)
{
    uint64_t word = claim->word, live = bd_slot_make(hash, BD_SLOT_LIVE, bd_slot_off(word));
    if (contest(writer->table, claim, hash, aor) &&
        atomic_compare_exchange_strong(claim->slot, &word, live))
        return BD_TABLE_OK;
    withdraw(writer, claim);
    return BD_TABLE_CONFLICT;
}

enum bd_table_rc bd_writer_insert(struct bd_writer *writer, uint64_t hash, struct bd_str aor,
                                  const struct bd_binding *bindings, unsigned cnt)
{
    const struct bd_table *table = writer->table;
    struct claim claim = {.home = bd_table_home(table, hash)};
    uint64_t off;
    /* Read last, by bd_due_lower: a line of its own that nobody fetched. */
    __builtin_prefetch(&table->group_due_s[bd_group_of(claim.home)], 1);
    enum bd_table_rc rc = bd_writer_record(writer, aor, bindings, cnt, &off);
    if (rc != BD_TABLE_OK)
        return rc;
    BD_RACE_POINT("insert: record written");
    claim.word = bd_slot_make(hash, BD_SLOT_TENTATIVE, off);
    if (!claim_slot(table, &claim)) {
        bd_memory_give(writer, off);
        return BD_TABLE_WINDOW_FULL;
    }
    bd_intend(writer->intent, bd_slot_number(claim.bucket, claim.place));
    BD_RACE_POINT("insert: claimed");
    rc = publish(writer, &claim, hash, aor);
    BD_RACE_POINT("insert: published");
    if (rc == BD_TABLE_OK)
        bd_writer_placed(writer, claim.bucket, claim.place, off, bindings, cnt);
    return rc;
}
