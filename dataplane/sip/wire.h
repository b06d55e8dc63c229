/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing messages: a cursor with a sticky error. Write everything, check once.
 *
 *     begin         p                        end
 *     |  written    |        room            |
 *
 * No allocation; a write that does not fit sets `overflow` and writes nothing more. */
#ifndef BD_WIRE_H
#define BD_WIRE_H

#include "message.h"

struct bd_wire {
    char *begin, *p, *end;
    bool overflow;
};

static inline struct bd_wire bd_wire_init(char *buf, uint32_t cap)
{
    return (struct bd_wire){.begin = buf, .p = buf, .end = buf + cap, .overflow = false};
}
static inline uint32_t bd_wire_len(const struct bd_wire *w)
{
    return (uint32_t)(w->p - w->begin);
}

void bd_wire_put(struct bd_wire *w, struct bd_str s);
void bd_wire_char(struct bd_wire *w, char c);
void bd_wire_u32(struct bd_wire *w, uint32_t n);                  /* decimal */
void bd_wire_hex(struct bd_wire *w, const void *p, uint32_t len); /* lower case */
/* "1", "0.7", "0.125": a q value in thousandths, trailing zeros removed. */
void bd_wire_q(struct bd_wire *w, uint16_t q_milli);

/* Begins a reply (RFC 3261 8.2.6): status line, every Via in order, From, To, Call-ID, CSeq.
 * The topmost Via gets `received` when the source address differs from sent-by or rport was asked
 * for, and the rport value (RFC 3581 4, 18.2.1). `to_tag` is added to To when it has none and is
 * not NULL. Malformed requests too: what parsed is copied as it stood. */
void bd_reply_begin(struct bd_wire *w, const struct bd_message *m, unsigned status,
                    struct bd_str reason, struct bd_str to_tag, const struct bd_endpoint *source);
/* Adds one header field. */
void bd_reply_header(struct bd_wire *w, struct bd_str name, struct bd_str value);
/* Ends it: "Content-Length: 0", empty line. */
void bd_reply_end(struct bd_wire *w);

/* Where the reply goes (18.2.2, RFC 3581 4), for unreliable transport. maddr of the topmost Via, if
 * it is the address of a host, of the source's family: there, to the sent-by port, else 5060. A
 * multicast, broadcast, loopback or zero maddr is not followed (reflection). Otherwise the source
 * address; port: rport asked for: the source port, else the sent-by port, else 5060. */
struct bd_endpoint bd_reply_destination(const struct bd_message *m,
                                        const struct bd_endpoint *source);

/* Standard reason phrase of a status code (RFC 3261 21 and later), "Unknown" otherwise. */
struct bd_str bd_reason(unsigned status);

#endif
