/* SPDX-License-Identifier: BSD-3-Clause */
/* The REGISTER requests of the socket generator and the check of their replies.
 *
 * Request number `seq` of a trial is for address of record `index`. All requests have REQUEST_SZ
 * bytes, so that the kernel can cut one long send into many of them (UDP_SEGMENT), and differ only
 * in digits of fixed width: writing one is a copy of 600 bytes and some stores. Sizes are typical
 * ones: AoR 24 bytes, Contact URI 56, its parameters 40, Call-ID 36, User-Agent 32. */
#ifndef BENCH_SOCKET_MESSAGE_H
#define BENCH_SOCKET_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_SZ = 600 };

struct register_id {
    uint64_t branch; /* unique in a run; comes back in the reply */
    uint32_t index;  /* of the address of record, below 100,000,000 */
    uint32_t cseq;   /* below 100,000,000 */
};

/* Sets what all requests have in common: the sender's address and port as in Via and Contact, and
 * the lifetime asked for. Once, before any other function here. */
void message_prepare(const char *host, uint16_t port, uint32_t expires_s);

/* Writes REQUEST_SZ bytes. */
void message_write(char *out, const struct register_id *id);

/* Reads the branch out of the top Via of a reply. Returns false when there is none of ours. */
bool message_branch(const char *reply, size_t len, uint64_t *branch);

/* Whether it is the 200 to the request that its branch names: Call-ID, CSeq, and a Contact that is
 * the one sent. */
bool message_accepted(const char *reply, size_t len, const struct register_id *id);

#endif
