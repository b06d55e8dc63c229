/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two processes say to each other, one channel a worker:
 *
 *   jobs      worker -> verifier   credentials to verify                    1,024 B each
 *   verdicts  verifier -> worker   what came of it                             64 B
 *   sweeps    control -> worker    numbers of buckets that are due              8 B
 *   commands  control -> worker    unregister                               1,024 B
 *   reports   worker -> control    what came of a command                      64 B
 *   inbound   worker -> control    a SIP datagram that control answers      2,560 B
 *   outbound  control -> worker    a SIP datagram to send                   9,088 B
 *
 * Every element names the generation (struct bd_role_line) of the process that asked; an answer or
 * a job of another generation is dropped by whoever reads it, so nobody serves a predecessor's. */
#ifndef BD_CHANNEL_H
#define BD_CHANNEL_H

#include "arena.h"
#include "copy.h"
#include "ip.h"
#include "ring.h"

#define BD_JOBS_CNT     4096
#define BD_VERDICTS_CNT 4096
#define BD_SWEEPS_CNT   4096
#define BD_COMMANDS_CNT 64
#define BD_INBOUND_CNT  256
#define BD_OUTBOUND_CNT 64

/* Texts of a job, laid one after the other in text[]. */
enum bd_job_text {
    BD_JOB_USERNAME, /* unescaped; with userhash the hexadecimal hash */
    BD_JOB_REALM,
    BD_JOB_NONCE,
    BD_JOB_URI,
    BD_JOB_CNONCE,
    BD_JOB_NC,
    BD_JOB_RESPONSE,
    BD_JOB_METHOD,
    BD_JOB_BODY_HASH, /* H(entity-body) in hexadecimal, auth-int only */
    BD_JOB_AOR,       /* canonical AoR that is to be registered */
    BD_JOB_PRIMARY,   /* the primary of its implicit registration set; empty: it is in none */
    BD_JOB_TEXT_CNT
};

struct bd_verify_job {
    uint32_t slot, sequence; /* the worker's pending entry; given back in the verdict */
    uint32_t dataplane_generation;
    uint32_t control_generation; /* the control process this was meant for */
    uint64_t transaction;        /* hash of datagram and source: a retransmission has the same */
    uint32_t nonce_expire_s;
    uint32_t nc;
    uint8_t algorithm, qop, userhash;
    uint8_t authinfo; /* the verdict shall carry rspauth */
    uint16_t text_len[BD_JOB_TEXT_CNT];
    char text[]; /* up to BD_JOB_TEXT_MAX */
};
#define BD_JOB_SZ       1024
#define BD_JOB_TEXT_MAX (BD_JOB_SZ - sizeof(struct bd_verify_job))

/* Appends the texts, each once and in enum order. One that does not fit sets
 * `overflow`, and the job is worth nothing. Behind the last one the rest of a job is
 * anybody's: it may be written to. */
struct bd_job_writer {
    struct bd_verify_job *job;
    uint32_t used;
    bool overflow;
};
static inline struct bd_job_writer bd_job_begin(struct bd_verify_job *job)
{
    return (struct bd_job_writer){.job = job};
}
static inline void bd_job_put(struct bd_job_writer *writer, enum bd_job_text which, struct bd_str s)
{
    uint32_t room = BD_JOB_TEXT_MAX - writer->used;
    writer->overflow |= s.len > room;
    if (writer->overflow)
        return;
    char *to = writer->job->text + writer->used;
    if (s.len == 0) /* where an absent text would be read the processor stumbles for 50 ns */
        ;
    else if (s.len + BD_COPY_SLACK <= room)
        bd_copy(to, s.p, s.len);
    else
        bd_copy_exact(to, s.p, s.len);
    writer->job->text_len[which] = (uint16_t)s.len;
    writer->used += s.len;
}
/* Fetches for writing what most jobs take of a place in the ring (bd_ring_later). */
static inline void bd_job_prefetch(const struct bd_verify_job *job)
{
    enum { LINES = 6 };
    for (unsigned line = 0; line < LINES; line++)
        __builtin_prefetch((const char *)job + 64 * line, 1);
}
struct bd_str bd_job_get(const struct bd_verify_job *job, enum bd_job_text which);

enum bd_verify_rc {
    BD_VERIFY_OK,
    BD_VERIFY_OTHER_AOR, /* right credentials, but the AoR is not this user's: 403 */
    BD_VERIFY_WRONG,     /* wrong password or unknown user: the same on purpose */
    BD_VERIFY_STALE,     /* right credentials, nonce too old */
    BD_VERIFY_REPLAYED,  /* nonce count not above the last one */
    BD_VERIFY_BAD_NONCE  /* not made by us, for another realm */
};

struct bd_verify_result {
    uint32_t slot, sequence, dataplane_generation;
    uint32_t rc; /* enum bd_verify_rc */
    /* RFC 7616 3.5: the digest by which the server proves itself, for which credentials. */
    uint8_t rspauth[32];
    uint8_t rspauth_sz; /* 16 or 32; 0: none */
    uint8_t algorithm, qop;
    uint8_t reserved[13];
};
_Static_assert(sizeof(struct bd_verify_result) == 64, "kept in shared memory");

struct bd_command {
    uint64_t id;
    uint32_t control_generation;
    uint16_t aor_len, contact_len; /* contact_len 0: all contacts */
    char text[1008];               /* AoR, then Contact URI */
};
_Static_assert(sizeof(struct bd_command) == 1024, "kept in shared memory");

struct bd_report {
    uint64_t id;
    uint32_t control_generation;
    int32_t removed; /* bindings removed; -1: could not be done (try again) */
    uint64_t reserved[6];
};
_Static_assert(sizeof(struct bd_report) == 64, "kept in shared memory");

/* The way of a datagram in or out: struct bd_datagram of nic.h without the buffer. */
struct bd_way_back {
    struct bd_endpoint peer, local;
    uint8_t mac[6]; /* link-layer source of what came in, destination of what goes out */
    uint16_t port;  /* nic port index */
    uint16_t vlan;
};
_Static_assert(sizeof(struct bd_way_back) == 46, "kept in shared memory");

/* A request that control answers, or the response to one of its own. A request has been through the
 * domain's authentication; who it said it was and what it is about stand as canonical AoRs before
 * the datagram. A response has neither. */
struct bd_inbound {
    uint64_t transaction; /* hash of datagram and source: a retransmission has the same */
    uint32_t control_generation;
    struct bd_way_back way;
    uint16_t watcher_len, resource_len, len;
    char text[]; /* watcher, resource, datagram: up to BD_INBOUND_TEXT_MAX */
};
#define BD_INBOUND_SZ       2560
#define BD_INBOUND_TEXT_MAX (BD_INBOUND_SZ - sizeof(struct bd_inbound))
_Static_assert(sizeof(struct bd_inbound) == 64, "kept in shared memory");

/* Lays the three texts into the element. False when they do not fit. */
bool bd_inbound_put(struct bd_inbound *in, struct bd_str watcher, struct bd_str resource,
                    struct bd_str datagram);
/* Their slices, NULL when the lengths pass the end of the element. */
struct bd_inbound_texts {
    struct bd_str watcher, resource, datagram;
};
struct bd_inbound_texts bd_inbound_get(const struct bd_inbound *in);

struct bd_outbound {
    uint32_t dataplane_generation; /* the dataplane this was meant for */
    uint32_t len;
    struct bd_way_back way;
    uint16_t reserved;
    char payload[];
};
#define BD_OUTBOUND_SZ  9088
#define BD_OUTBOUND_MAX BD_SIP_REPLY_MAX
_Static_assert(sizeof(struct bd_outbound) == 56, "kept in shared memory");
_Static_assert(sizeof(struct bd_outbound) + BD_OUTBOUND_MAX <= BD_OUTBOUND_SZ, "a reply fits");

struct bd_channel {
    struct bd_ring *jobs, *verdicts, *sweeps, *commands, *reports, *inbound, *outbound;
};

uint64_t bd_channels_footprint(unsigned workers);
void bd_channels_format(struct bd_arena *arena, unsigned workers);
/* The channel of one worker. */
struct bd_channel bd_channel_of(const struct bd_arena *arena, unsigned worker);

#endif
