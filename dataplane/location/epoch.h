/* SPDX-License-Identifier: BSD-3-Clause */
/* When may a record that was taken out of the table be used again? Quiescent-state-based
 * reclamation (QSBR: McKenney and Slingwine 1998; the scheme of rte_rcu_qsbr).
 *
 * Each reader thread of either process has a line. It announces, between two batches, that it holds
 * no reference: it copies the global epoch into its line. A retirer takes a fresh epoch E after the
 * unlinking; once every online line shows >= E nobody can hold the record.
 *
 * Why not rte_rcu_qsbr: the lines live in the arena, whose layout must survive an upgrade of DPDK,
 * and a dead process's lines must be taken offline by the living one without racing its successor.
 * For that a line carries the generation of its process, and is cleared by compare-and-swap. */
#ifndef BD_EPOCH_H
#define BD_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "limits.h"

/* Control's reader threads: 0 the event loop, 1 .. BD_VERIFIERS_MAX the verifiers, then tasks
 * (task.h), the last two the journal's. */
#define BD_EPOCH_CONTROL_MAX (BD_VERIFIERS_MAX + 8)
#define BD_EPOCH_LINES       (BD_WORKERS_MAX + BD_EPOCH_CONTROL_MAX)

/* line: generation << 48 | epoch seen; 0 is offline. */
struct bd_epoch {
    _Alignas(64) _Atomic uint64_t now; /* starts at 1 */
    struct {
        _Alignas(64) _Atomic uint64_t seen; /* written by its thread; cleared by the living */
    } line[BD_EPOCH_LINES];
};

/* Line of worker w, of control's reader thread r. */
static inline unsigned bd_epoch_worker(unsigned w)
{
    return w;
}
static inline unsigned bd_epoch_control(unsigned r)
{
    return BD_WORKERS_MAX + r;
}

void bd_epoch_init(struct bd_epoch *epoch);

/* The calling thread begins / ends holding references through `line`. Between the two it calls
 * quiescent whenever it holds none. None of them waits or fails. */
void bd_epoch_online(struct bd_epoch *epoch, unsigned line, uint16_t generation);
void bd_epoch_offline(struct bd_epoch *epoch, unsigned line);
void bd_epoch_quiescent(struct bd_epoch *epoch, unsigned line, uint16_t generation);

/* Returns the epoch that makes everything unlinked before this call reusable. */
uint64_t bd_epoch_advance(struct bd_epoch *epoch);
/* The newest epoch that all online lines have seen: everything that got an epoch up to it from
 * bd_epoch_advance may be reused, now and later. Reads every line once. */
uint64_t bd_epoch_oldest(const struct bd_epoch *epoch);
/* Whether all online lines have seen `target`. */
bool bd_epoch_passed(const struct bd_epoch *epoch, uint64_t target);

/* Takes lines [first, first + cnt) offline if they still belong to a dead `generation`. */
void bd_epoch_bury(struct bd_epoch *epoch, unsigned first, unsigned cnt, uint16_t generation);

#endif
