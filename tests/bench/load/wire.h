/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator's end of a memif, or a packet socket on an interface: one queue, one thread. */
#ifndef LOAD_WIRE_H
#define LOAD_WIRE_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;

enum { WIRE_BURST = 32, WIRE_BUFFERS = 8191 };

struct wire {
    uint16_t port;
    struct rte_mempool *pool;         /* of what is sent, and of nothing else */
    struct rte_mbuf *out[WIRE_BURST]; /* written, not yet taken by the ring */
    unsigned out_at, out_cnt;
    uint64_t sent, received, refused; /* frames; refused: tries that found the ring full */
};

struct wire_options {
    const char *socket;    /* memif: path */
    const char *interface; /* its frames by a packet socket, and no memif; or NULL */
    bool server;           /* listens; else the peer must be there already */
    unsigned cpu, ring_log2, memory_mb;
    uint8_t mac[6];
};

/* Starts the EAL on one core, and the port; waits until the link is up, for at most timeout_s. A
 * line on stderr and false when it cannot be. */
bool wire_open(struct wire *wire, const struct wire_options *options, unsigned timeout_s);
void wire_close(struct wire *wire);

/* Room for so many frames, at most WIRE_BURST: where to write each. Only after all that was written
 * before has gone. */
unsigned wire_room(struct wire *wire, unsigned cnt);
uint8_t *wire_frame(struct wire *wire, unsigned i, uint32_t len);

/* Gives the ring what it takes. True when nothing is left. */
bool wire_push(struct wire *wire);

/* Throws away what the ring did not take, and says how many frames. */
unsigned wire_drop(struct wire *wire);

#endif
