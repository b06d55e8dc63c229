/* SPDX-License-Identifier: BSD-3-Clause */
/* A registrar that does as it is told, at the other end of a wire that is nothing but this memory,
 * and the clock: what the simulator's phones do is looked at message by message. */
#ifndef AVALANCHE_TEST_REGISTRAR_H
#define AVALANCHE_TEST_REGISTRAR_H

#include "crowd.h"

enum { SEEN_MAX = 4096, DELAY = CROWD_TICKS_PER_S / 100 };

/* A REGISTER as it came. */
struct seen {
    uint32_t tick, len;
    uint8_t frame[PHONE_FRAME_MAX];
};

/* What is done with a request: 0 it is ignored, else the status of the reply, and more lines. */
struct orders {
    unsigned status;
    const char *lines;
};

struct registrar {
    struct orders plain, secret; /* without and with credentials */
    bool full;                   /* the wire takes nothing */
    bool wrong;                  /* the reply's CSeq is another's */
    uint32_t tick, seen_cnt;
    struct seen seen[SEEN_MAX];
};

extern struct registrar registrar;

/* The nonce of the first challenge; the second one is another. */
#define NONCE_1 "0123456789abcdef0123456789abcdef"
#define NONCE_2 "fedcba9876543210fedcba9876543210"
#define CHALLENGE(nonce)                                                                           \
    "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"" nonce "\", qop=\"auth\""
#define GRANTED(seconds) "Contact: %c;expires=" #seconds "\r\n"

/* Phones, a silent registrar and the time 0. */
struct crowd *world_new(struct crowd_options options);

/* Lets the time pass, each tick of it. */
void world_run(struct crowd *crowd, double until_s);

/* The text of a header field of a request; it holds for seven more calls. */
const char *seen_field(const struct seen *seen, const char *name);
unsigned seen_cseq(const struct seen *seen);
double seen_s(const struct seen *seen);

/* Whether its credentials are those of its phone: user, realm, URI, qop, nc and the MD5 of them all
 * (RFC 7616 3.4.1), reckoned by another library than the phones'. */
bool seen_credentials_right(const struct seen *seen, const char *nonce, unsigned nc);

/* The registrar's reply to a request, `lines` with %c for its Contact, to the crowd. */
void reply_to(struct crowd *crowd, const struct seen *seen, const struct orders *orders);

#endif
