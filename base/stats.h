/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of one worker, in the arena.
 *
 * One writer (that worker), any readers. All words only grow; a reader may see them at slightly
 * different instants, never torn. Written with relaxed stores: nothing is published through them.
 * They go on counting over a restart of either process. */
#ifndef BD_STATS_H
#define BD_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "verdict.h"

/* X(NAME, text, help) */
#define BD_COUNTERS(X)                                                                             \
    X(RX_FRAMES, "rx_frames", "frames received")                                                   \
    X(RX_BYTES, "rx_bytes", "bytes received")                                                      \
    X(TX_FRAMES, "tx_frames", "frames sent")                                                       \
    X(TX_BYTES, "tx_bytes", "bytes sent")                                                          \
    X(TX_DROPPED, "tx_dropped", "frames the port did not take")                                    \
    X(POLLS, "polls", "turns of the worker loop")                                                  \
    X(POLLS_IDLE, "polls_idle", "turns that found nothing to do")                                  \
    X(SLEEPS, "sleeps", "naps of an idle worker (poll: adaptive)")                                 \
    X(REGISTER_REQUESTS, "register_requests",                                                      \
      "well-formed REGISTER requests that passed screening")                                       \
    X(REGISTER_FAILED, "register_failed",                                                          \
      "of those, answered with a failure (RFC 6076 4.2; a challenge is none)")                     \
    X(REDIRECT_REQUESTS, "redirect_requests", "requests for users of domains with redirect")       \
    X(REDIRECT_CONTACTS_LEFT_OFF, "redirect_contacts_left_off",                                    \
      "contacts that a 302 had no room for")                                                       \
    X(BINDINGS_ADDED, "bindings_added", "bindings created")                                        \
    X(BINDINGS_REFRESHED, "bindings_refreshed", "bindings refreshed or changed")                   \
    X(BINDINGS_REMOVED, "bindings_removed", "bindings removed by their owner or an operator")      \
    X(BINDINGS_EXPIRED, "bindings_expired", "bindings removed because their time was over")        \
    X(BINDINGS_DISPLACED, "bindings_displaced", "bindings that max_contacts_policy pushed out")    \
    X(AORS_ADDED, "aors_added", "addresses of record that got their first binding")                \
    X(AORS_REMOVED, "aors_removed", "addresses of record that lost their last binding")            \
    X(TABLE_RETRIES, "table_retries", "commits begun again because another worker was first")      \
    X(VERIFY_JOBS, "verify_jobs", "jobs handed to the verifiers")                                  \
    X(VERIFY_LATE, "verify_late", "verdicts that came after their request was answered")           \
    X(REPLIES_HELD, "replies_held", "replies that waited for the disk (durability: sync)")         \
    X(REPLIES_UNDURABLE, "replies_undurable", "held replies dropped as the disk did not follow")   \
    X(CONTROL_SENT, "control_sent", "datagrams sent for the control process")                      \
    X(CONTROL_UNSENT, "control_unsent", "datagrams of the control process that could not be sent") \
    X(SCREEN_SCANNED, "screen_scanned", "requests of which fields were scanned")                   \
    X(SCREEN_SKIPPED, "screen_skipped", "requests whose fields had passed the same rules before")  \
    X(SCREEN_COUNT, "screen_count", "requests that a screening rule with action count matched")    \
    X(SCREEN_FAILED, "screen_failed", "requests let through as they could not be scanned")         \
    X(BANS_ADDED, "bans_added", "sources that became banned")                                      \
    X(BANS_DISPLACED, "bans_displaced", "bans that gave way to another, as their bucket was full") \
    X(BANNED_PASSED, "banned_passed", "datagrams of banned sources let through (bans: count)")     \
    X(LIMITED_PASSED, "limited_passed", "datagrams beyond source_rate let through (rates: count)") \
    X(AOR_LIMITED_PASSED, "aor_limited_passed",                                                    \
      "registrations beyond aor_rate let through (rates: count)")                                  \
    X(AUTH_SLOWED_PASSED, "auth_slowed_passed",                                                    \
      "credentials tried in spite of those that failed before (rates: count)")                     \
    X(AUTH_FAILED, "auth_failed", "wrong credentials, retransmissions not counted")                \
    X(AUTH_FAILED_FOREIGN, "auth_failed_foreign",                                                  \
      "of those, with a nonce that another source was given: no proof of who sent them")           \
    X(AUTH_GUARDED, "auth_guarded",                                                                \
      "credentials not tried as their address of record is being guessed at")

enum bd_counter {
#define X(name, text, help) BD_CTR_##name,
    BD_COUNTERS(X)
#undef X
        BD_COUNTER_CNT
};

struct bd_counter_info {
    const char *text, *help;
};
extern const struct bd_counter_info bd_counter_info[BD_COUNTER_CNT];

/* Time from receive burst until the reply was given to the port, log-linear: 4 sub-buckets per
 * power of two of nanoseconds, from 256 ns to 2^36 ns; the first and last bucket take the rest. */
#define BD_LATENCY_SUB     4
#define BD_LATENCY_BUCKETS 116

/* Counters of screening rules (screen.h): twice as many as there may be rules, so that new ones
 * find some that the rules before them do not use. */
#define BD_SCREEN_CELLS 4000

struct bd_worker_stats {
    _Alignas(64) _Atomic uint64_t verdict[BD_VERDICT_CNT];
    _Atomic uint64_t counter[BD_COUNTER_CNT];
    _Atomic uint64_t latency[BD_LATENCY_BUCKETS];
    _Atomic uint64_t latency_sum_ns;
    _Atomic uint64_t cpu; /* that it runs on, as the kernel numbers them */
    /* Overload control, as of now: longest standing wait, and the part of each class that is shed
     * of what needs the worker alone, and of what needs a verifier too; in parts of 65,536. */
    _Atomic uint64_t overload_wait_us;
    _Atomic uint64_t overload_shed[2][3];
    _Atomic uint64_t
        screen_hits[BD_SCREEN_CELLS]; /* of screening rules, by their cell (screen.h) */
};

/* Only the owning worker may call: a plain load and store is enough, no locked instruction. */
static inline void bd_stat_add(_Atomic uint64_t *word, uint64_t n)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline uint64_t bd_stat_read(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Bucket of a latency, and the lower and upper bound of a bucket in ns (upper of the last is
 * UINT64_MAX). */
unsigned bd_latency_bucket(uint64_t ns);
uint64_t bd_latency_lower_ns(unsigned bucket);
uint64_t bd_latency_upper_ns(unsigned bucket);

#endif
