/* SPDX-License-Identifier: BSD-3-Clause */
/* Screening of requests by the rules of the policy, one object a worker.
 *
 *   bd_screener_use()     once a turn: takes up new rules
 *   bd_screener_begin()   for each request of a burst: what its fields hash to
 *   bd_screener_judge()   then for each: passes, or the verdict that it ends in
 *
 * Fields are scanned as they came, all header fields of a name, folds and comments included, by
 * Hyperscan; each field by all of its rules at once. Of the rules that match, the first in the
 * order of the file that is not `count` decides; each `count` that matches is counted. While bans
 * are only counted, so are the rules that ban.
 *
 * What has passed is remembered by a keyed hash of the fields and of the rules (seen.h), so a phone
 * that repeats itself is not scanned again until rules or fields change. Via and the whole message,
 * which no request repeats, are scanned each time, when rules name them.
 *
 * No allocation, no lock, no system call after bd_screener_new. */
#ifndef BD_SCREENER_H
#define BD_SCREENER_H

#include "arena.h"
#include "message.h"
#include "policy.h"
#include "stats.h"

struct bd_screener;

/* `phones`: how many a worker serves, for what it remembers. NULL: no memory. */
struct bd_screener *bd_screener_new(const struct bd_arena *arena, struct bd_worker_stats *stats,
                                    uint64_t phones, struct bd_error *error);
void bd_screener_free(struct bd_screener *screener);

/* Of the burst that follows; the policy must stay as long. */
void bd_screener_use(struct bd_screener *screener, const struct bd_policy *policy);

/* A message at a place of the burst, with what the parser said. `place` < BD_BURST. */
void bd_screener_begin(struct bd_screener *screener, unsigned place, const struct bd_message *m,
                       enum bd_verdict parsed);

/* BD_VERDICT_NONE: it passes. BD_SIP_SCREEN_DROP; _REJECT, with *code to answer; _BAN, the source
 * is banned already unless the policy says otherwise. now_s is bd_clock_ms() / 1000. */
enum bd_verdict bd_screener_judge(struct bd_screener *screener, unsigned place,
                                  const struct bd_ip *source, uint32_t now_s, unsigned *code);

#endif
