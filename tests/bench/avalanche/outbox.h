/* SPDX-License-Identifier: BSD-3-Clause */
/* What the phones send: requests gather here and leave sixteen at a time, as many as md5_lanes
 * makes at once. A frame that the ring does not take is lost, as on a wire. */
#ifndef AVALANCHE_OUTBOX_H
#define AVALANCHE_OUTBOX_H

#include <digest.h>
#include <phone.h>
#include <wire.h>

enum { OUTBOX_BATCH = 16 };

/* Who sends what: the CSeq grows by one with each transaction, and the branch has both numbers. */
struct outbox_request {
    uint32_t number, tx, nc;
};

struct outbox_batch {
    unsigned cnt;
    struct outbox_request request[OUTBOX_BATCH];
};

struct outbox {
    struct wire *wire;
    struct digest *digest;
    uint64_t sent, lost;          /* lost: of the sent */
    struct outbox_batch batch[2]; /* without and with credentials */
    struct phone_form form[2][PHONE_MAKES];
};

/* False, with a line on stderr: a request does not fit into a frame. */
bool outbox_init(struct outbox *outbox, const struct phone_world *world, uint32_t phones,
                 struct wire *wire);

void outbox_put(struct outbox *outbox, const struct outbox_request *request, bool secret);

/* Sends all that is there. Whether there was anything. */
bool outbox_flush(struct outbox *outbox);

/* The branch's number. The number of a phone and its transaction, modulo 2^24, come back out of it;
 * false: it is none of ours. */
uint64_t outbox_sequence(uint32_t number, uint32_t tx);
bool outbox_whose(uint64_t sequence, uint32_t *number);

/* Without what a digest is. */
struct phone_request outbox_request(const struct outbox_request *request);

#endif
