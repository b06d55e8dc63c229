/* SPDX-License-Identifier: BSD-3-Clause */
/* A registrar on a private arena, a clock that jumps, and phones that speak plain text. */
#ifndef LAB_H
#define LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "limiter.h"
#include "registrar.h"

#define LAB_REPLY_MAX 9000

struct lab {
    struct bd_arena arena;
    struct bd_table table;
    struct bd_memory *memory;
    struct bd_writer *writer;
    struct bd_worker_stats *stats;
    struct bd_registrar *registrar;
    struct bd_limiter *limiter; /* NULL: nothing is limited */
    void *policy;
    struct bd_policy_limits limits;     /* of the next policy */
    struct bd_policy_texts registrants; /* of example.com, likewise */
    uint64_t policies;                  /* published so far */
    /* Of the subscribers that are provisioned with number 1, from the next policy on; NULL: none.
     */
    const struct bd_policy_profile *profile;
    uint64_t now_ms, wall_ms;
    struct bd_endpoint source, local;
    uint32_t reply_cap;
    bool undurable;               /* of the requests */
    struct bd_shedding *shedding; /* likewise; NULL at first */
    bool took_turn;               /* likewise */
    /* What the last request drew. */
    struct bd_message message;
    struct bd_turn turn;
    char request[LAB_REPLY_MAX], reply[LAB_REPLY_MAX + 1];
    uint32_t request_len, reply_len;
    enum bd_verdict verdict;
    enum bd_step step;
    union {
        struct bd_verify_job job;
        char job_space[BD_JOB_SZ];
    };
};

/* The domain under test: example.com, open, with 198.18.0.1 as an alias, default domain unless
 * lab_no_default; 3600 s, 60..7200 s, min_expires_mode 1, 4 contacts, reject, 503, Retry-After 1.
 */
extern const struct bd_policy_domain lab_settings;

/* lab_settings with every extension and option switched on. */
struct bd_policy_domain lab_all_switched_on(void);

struct lab *lab_new(uint64_t bindings_max);
/* With room for so many provisioned subscribers; else 1000. */
struct lab *lab_new_of(uint64_t bindings_max, uint64_t subscribers_max);
void lab_free(struct lab *lab);
/* The dataplane dies between two requests, and another takes its place. */
void lab_kill(struct lab *lab);
/* A second worker on the same table, for another thread; freed by lab_free_second first. */
struct lab *lab_new_second(struct lab *lab);
void lab_free_second(struct lab *second);
/* Makes the policy anew. Besides the domain under test: other.example (open; its
 * PBX pbx has +4930555000-999 and +493044*), trusted.example
 * (192.0.2.0/24), digest.example (realm with a quote, SHA-256 then MD5, auth and auth-int). */
void lab_policy(struct lab *lab, const struct bd_policy_domain *settings, bool with_default);
/* The same with other settings for digest.example; example.com has lab_settings. */
void lab_digest_policy(struct lab *lab, const struct bd_policy_domain *settings);

/* Limits all that follows; digest.example then has lab_settings. */
void lab_limit(struct lab *lab, const struct bd_policy_limits *limits);

/* Both at once. */
void lab_policies(struct lab *lab, const struct bd_policy_domain *settings,
                  const struct bd_policy_domain *digest);

/* Sends one datagram; the reply stands in lab->reply, NUL-terminated. Returns its status, 0 for
 * silence. Stops at BD_STEP_VERIFY (status 0) with the job in lab->job. */
unsigned lab_send(struct lab *lab, const char *text);
/* The same with what stands in lab->request already: len bytes, NULs too. */
unsigned lab_send_bytes(struct lab *lab, size_t len);
/* The same request again with a verifier's result. */
unsigned lab_resume(struct lab *lab, enum bd_verify_rc rc);
unsigned lab_resume_with(struct lab *lab, const struct bd_verify_result *result);

/* Copies the n-th header field of a name from the reply; false when there is none. */
bool lab_header(const struct lab *lab, const char *name, unsigned n, char *out, size_t out_sz);
/* All Contact values of the reply, joined by '|'. */
void lab_contacts(const struct lab *lab, char *out, size_t out_sz);
uint64_t lab_counter(const struct lab *lab, enum bd_counter counter);

#endif
