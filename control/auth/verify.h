/* SPDX-License-Identifier: BSD-3-Clause */
/* The judgement on one set of credentials (RFC 3261 22.4, RFC 7616 3.4, 5.x; RFC 3261 10.3 (3),
 * (4)).
 *
 * In this order: nonce made by us for this realm, else BAD_NONCE and no look-up at all; subscriber
 * and response, else WRONG, at the same cost for an unknown user as for a wrong password; age of
 * the nonce; nonce count; whose AoR it is. So STALE and REPLAYED are only told to who knows the
 * password (RFC 7616 3.3, stale). */
#ifndef BD_VERIFY_H
#define BD_VERIFY_H

#include "channel.h"
#include "digest.h"
#include "nonce.h"
#include "replay.h"
#include "store.h"

/* What a thread judges with. digest and nonce are its own. */
struct bd_verify {
    struct bd_digest *digest;
    struct bd_nonce *nonce;
    struct bd_replay *replay;
    const struct bd_subscriber_store *store;
    const struct bd_hash_key *hash_key;
};

/* Judges a job. The domain is the host of the job's AoR, which the worker has made canonical; the
 * username may be "user" or "user@domain". `case_sensitive` says whether user parts of AoRs of that
 * domain differ by case. The caller is online in the store's epoch. Allocates nothing itself
 * (see digest.h). */
enum bd_verify_rc bd_verify_job(const struct bd_verify *verify, const struct bd_verify_job *job,
                                bool case_sensitive, uint64_t wall_ms);

/* Ahead of bd_verify_job, for each of several jobs: fetches what it will look up, the second round
 * by what the first one returned. They change nothing but time. */
uint64_t bd_verify_prefetch(const struct bd_verify *verify, const struct bd_verify_job *job);
void bd_verify_prefetch_entry(const struct bd_verify *verify, uint64_t hash);

/* The rspauth of the reply to a job that was found OK: the digest with the method left out, and for
 * auth-int over the empty body that every reply here has (RFC 7616 3.5). Writes bd_digest_sz bytes
 * of the job's algorithm; false when the subscriber is gone meanwhile or OpenSSL fails. */
bool bd_verify_rspauth(const struct bd_verify *verify, const struct bd_verify_job *job,
                       uint8_t out[BD_DIGEST_MAX]);

/* The host part of a canonical AoR. */
struct bd_str bd_verify_domain(const struct bd_verify_job *job);

#endif
