/* SPDX-License-Identifier: BSD-3-Clause */
/* The registrar: request + policy + table -> decision -> response (RFC 3261 8.2, 10.3).
 *
 *   bd_registrar_prepare()   for each request of a burst: what message and policy alone say
 *   bd_registrar_prefetch()  then for each: its record, which prepare made findable
 *   bd_registrar_prefetch_rest()  BD_PREFETCH_AHEAD places ahead of
 *   bd_registrar_handle()  --REPLY-->  reply written, table committed, done
 *                          --SILENT->  nothing to send (ACK, response, keep-alive, ...), done
 *                          --VERIFY->  job filled; keep the datagram, hand the job on, then
 *                          --CONTROL-> control answers: hand on the datagram and what
 *                                      bd_registrar_handed() says
 *   bd_registrar_resume()  --REPLY-->  with the verifier's result, same request again
 *   bd_registrar_refuse()              503 + Retry-After when no verifier can be had
 *
 * A request is validated whole before anything is committed, and committed once (10.3 (7)).
 * One object per worker thread; nothing blocks, allocates, logs or calls the system. */
#ifndef BD_REGISTRAR_H
#define BD_REGISTRAR_H

#include "channel.h"
#include "message.h"
#include "policy.h"
#include "provisioned.h"
#include "shed.h"
#include "stats.h"
#include "table.h"
#include "turn.h"
#include "wire.h"

struct bd_registrar;
struct bd_limiter;

struct bd_registrar_deps {
    struct bd_arena *arena;
    struct bd_table *table;
    struct bd_writer *writer;
    struct bd_worker_stats *stats;
    struct bd_limiter *limiter; /* NULL: nothing is limited */
};
/* NULL with an error when OpenSSL objects cannot be made. */
struct bd_registrar *bd_registrar_new(const struct bd_registrar_deps *deps, struct bd_error *error);
void bd_registrar_free(struct bd_registrar *registrar);

struct bd_request {
    struct bd_message *message; /* parsed; parse verdict beside it */
    enum bd_verdict parsed;     /* what bd_message_parse returned */
    struct bd_turn *turn;       /* room, or what was found out before it waited */
    bool waited;                /* for a verifier, with message and turn */
    struct bd_endpoint source, local;
    uint64_t now_ms;  /* bd_clock_ms */
    uint64_t wall_ms; /* time of day; but for steps it goes as now_ms does */
    /* What this request changes cannot be promised to be on disk: a REGISTER that is more than a
     * query draws 503 and changes nothing. */
    bool undurable;
    const struct bd_policy *policy; /* current at the begin of the burst; never NULL */
    struct bd_shedding *shedding;   /* NULL: all are served */
    bool took_turn;                 /* shed.h */
    unsigned reject_code;           /* what BD_SIP_SCREEN_REJECT answers */
};

enum bd_step { BD_STEP_REPLY, BD_STEP_SILENT, BD_STEP_VERIFY, BD_STEP_CONTROL };

/* The requests of a burst go through the stages together, so that their cache misses overlap.
 * `place` < BD_BURST tells them apart. */
/* Reads who is to be served, and whether at all, and fetches the bucket. The request must stay
 * until it is handled, its policy too. */
void bd_registrar_prepare(struct bd_registrar *registrar, unsigned place,
                          const struct bd_request *request);
/* Fetches the begin of the record; the rest of it, to be asked for a few places before handle
 * comes to this one. Leaving them out changes nothing but time. */
void bd_registrar_prefetch(const struct bd_registrar *registrar, unsigned place);
#define BD_PREFETCH_AHEAD 4
void bd_registrar_prefetch_rest(const struct bd_registrar *registrar, unsigned place);
/* Serves the request that was prepared at this place, once. `job` has BD_JOB_SZ bytes; slot,
 * sequence and generations are the caller's to fill. */
enum bd_step bd_registrar_handle(struct bd_registrar *registrar, unsigned place,
                                 struct bd_wire *reply, struct bd_verify_job *job,
                                 enum bd_verdict *verdict);
/* The same for a request that waited for a verifier, prepared anew. Whether message and turn are
 * those of before, or it was parsed again, makes no difference but in time. */
enum bd_step bd_registrar_resume(struct bd_registrar *registrar, unsigned place,
                                 const struct bd_verify_result *result, struct bd_wire *reply,
                                 enum bd_verdict *verdict);
/* After BD_STEP_CONTROL, until the next request: who asks (authenticated as the domain wants it)
 * and for which AoR, both canonical. Empty for the response to a NOTIFY; the AoR is empty within a
 * dialog, too. */
struct bd_handed {
    struct bd_str watcher, resource;
    uint64_t transaction;
};
const struct bd_handed *bd_registrar_handed(const struct bd_registrar *registrar);

/* verdict: BD_SIP_VERIFIER_BUSY, _GONE, BD_SIP_NOTIFIER_BUSY, BD_SIP_TOO_LARGE,
 * BD_SIP_SCREEN_REJECT; writes the reply. False when there is none that may be sent; *verdict then
 * says so. */
bool bd_registrar_refuse(struct bd_registrar *registrar, const struct bd_request *request,
                         enum bd_verdict *verdict, struct bd_wire *reply);

/* Operator's commands that came through the channel. */
/* Removes one Contact (19.1.4 equality) of an AoR, or all of them when contact.len is 0. Returns
 * the number removed, -1 when the commit lost every race (try again). */
int bd_registrar_unregister(struct bd_registrar *registrar, struct bd_str aor,
                            struct bd_str contact, uint64_t now_ms);
/* A due bucket: bd_table_expire with this registrar's counters. */
void bd_registrar_expire(struct bd_registrar *registrar, uint32_t bucket, uint64_t now_ms);

#endif
