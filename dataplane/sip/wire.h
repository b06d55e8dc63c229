/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing messages: a cursor with a sticky error. Write everything, check once.
 *
 *     begin         p                        end
 *     |  written    |        room            |
 *
 * No allocation; a write that does not fit sets `overflow` and writes nothing more. Bytes of the
 * room may be scribbled over, bytes behind `end` never.
 *
 * Tuned for replies of some 25 pieces: while the room is ample a piece is a check, a load and a
 * store, here in the header; what is rare is in wire.c. A function that writes a lot works on a
 * copy of the cursor and gives it back at the end: through a pointer, every char stored might have
 * changed it, while a copy lives in registers as long as its address stays at home. Hence nothing
 * in wire.c takes the cursor itself. */
#ifndef BD_WIRE_H
#define BD_WIRE_H

#include "copy.h"
#include "decimal.h"
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

/* Whether n bytes fit, and what bd_copy() writes behind them. */
static inline bool bd_wire_ample(const struct bd_wire *w, size_t n)
{
    return __builtin_expect(!w->overflow && n + BD_COPY_SLACK <= (size_t)(w->end - w->p), 1);
}

/* Copies a text to [p, end), to the byte. Returns what follows it; NULL: it does not fit. */
__attribute__((cold, noinline)) char *bd_wire_squeeze(char *p, char *end, struct bd_str s);

/* Where room may be short. */
static inline void bd_wire_put_squeezed(struct bd_wire *w, struct bd_str s)
{
    char *p = w->overflow ? NULL : bd_wire_squeeze(w->p, w->end, s);
    w->overflow = !p;
    w->p = p ? p : w->p;
}

static inline void bd_wire_put(struct bd_wire *w, struct bd_str s)
{
    if (!bd_wire_ample(w, s.len)) {
        bd_wire_put_squeezed(w, s);
        return;
    }
    bd_copy(w->p, s.p, s.len);
    w->p += s.len;
}

static inline void bd_wire_char(struct bd_wire *w, char c)
{
    if (w->overflow || w->p == w->end)
        w->overflow = true;
    else
        *w->p++ = c;
}

/* Write n and return the length: in decimal; as a q value in thousandths, "1", "0.7", "0.125",
 * trailing zeros removed. */
__attribute__((cold, noinline)) uint32_t bd_wire_u32_text(uint32_t n, char out[10]);
uint32_t bd_wire_q_text(uint16_t q_milli, char out[5]);

static inline void bd_wire_u32(struct bd_wire *w, uint32_t n)
{
    if (bd_wire_ample(w, 0) && n <= BD_DECIMAL_MAX) {
        w->p += bd_decimal_put(w->p, n);
        return;
    }
    char text[10];
    bd_wire_put_squeezed(w, (struct bd_str){text, bd_wire_u32_text(n, text)});
}

static inline void bd_wire_q(struct bd_wire *w, uint16_t q_milli)
{
    char text[5];
    bd_wire_put_squeezed(w, (struct bd_str){text, bd_wire_q_text(q_milli, text)});
}

/* As bd_ip_format() has it: IPv6 without brackets. */
static inline void bd_wire_ip(struct bd_wire *w, const struct bd_ip *ip)
{
    _Static_assert(BD_IP_TEXT_MAX <= BD_COPY_SLACK, "room that is ample takes an address");
    if (bd_wire_ample(w, 0)) {
        w->p += bd_ip_format(ip, w->p);
        return;
    }
    char text[BD_IP_TEXT_MAX];
    bd_wire_put_squeezed(w, (struct bd_str){text, bd_ip_format(ip, text)});
}

void bd_wire_hex(struct bd_wire *w, const void *p, uint32_t len); /* lower case */

/* Begins a reply (RFC 3261 8.2.6): status line, every Via in order, From, To, Call-ID, CSeq.
 * The topmost Via gets `received` when the source address differs from sent-by or rport was asked
 * for, and the rport value (RFC 3581 4, 18.2.1). `to_tag` is added to To when it has none and is
 * not NULL. Malformed requests too: what parsed is copied as it stood. */
void bd_reply_begin(struct bd_wire *w, const struct bd_message *m, unsigned status,
                    struct bd_str reason, struct bd_str to_tag, const struct bd_endpoint *source);
/* What the server has to say in the topmost Via. */
struct bd_via_values {
    /* A `keep` parameter that came without a value gets this one (RFC 6223 4.4): the keep-alives
     * that it offers are wanted, this often. 0: it stays as it came. */
    uint32_t keep_s;
    /* Parameters in place of those of RFC 7339, for a Via that has `oc`. NULL: they stay. */
    struct bd_str oc;
};
/* bd_reply_begin with them. */
void bd_reply_begin_with(struct bd_wire *w, const struct bd_message *m, unsigned status,
                         struct bd_str reason, struct bd_str to_tag,
                         const struct bd_endpoint *source, const struct bd_via_values *values);
/* Adds one header field. */
void bd_reply_header(struct bd_wire *w, struct bd_str name, struct bd_str value);
void bd_reply_header_u32(struct bd_wire *w, struct bd_str name, uint32_t value);
/* Ends it: "Content-Length: 0", empty line. */
void bd_reply_end(struct bd_wire *w);

/* Where the reply goes (18.2.2, RFC 3581 4), for unreliable transport. maddr of the topmost Via, if
 * it is to be followed and is the address of a host, of the source's family: there, to the sent-by
 * port, else 5060. A multicast, broadcast, loopback or zero maddr never is (reflection). Otherwise
 * the source address; port: rport asked for: the source port, else the sent-by port, else 5060. */
struct bd_endpoint bd_reply_destination(const struct bd_message *m,
                                        const struct bd_endpoint *source, bool follow_maddr);

/* Standard reason phrase of a status code (RFC 3261 21 and later), "Unknown" otherwise. */
struct bd_str bd_reason(unsigned status);

#endif
