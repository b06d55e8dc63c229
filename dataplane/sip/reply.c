/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include "parse.h"
#include "scan.h"

/* X(status, reason phrase): RFC 3261 21 and the RFCs that added to it. */
// clang-format off
#define REASONS(X) \
    X(100, "Trying") \
    X(180, "Ringing") \
    X(181, "Call Is Being Forwarded") \
    X(182, "Queued") \
    X(183, "Session Progress") \
    X(200, "OK") \
    X(202, "Accepted") \
    X(300, "Multiple Choices") \
    X(301, "Moved Permanently") \
    X(302, "Moved Temporarily") \
    X(305, "Use Proxy") \
    X(380, "Alternative Service") \
    X(400, "Bad Request") \
    X(401, "Unauthorized") \
    X(402, "Payment Required") \
    X(403, "Forbidden") \
    X(404, "Not Found") \
    X(405, "Method Not Allowed") \
    X(406, "Not Acceptable") \
    X(407, "Proxy Authentication Required") \
    X(408, "Request Timeout") \
    X(410, "Gone") \
    X(412, "Conditional Request Failed") \
    X(413, "Request Entity Too Large") \
    X(414, "Request-URI Too Long") \
    X(415, "Unsupported Media Type") \
    X(416, "Unsupported URI Scheme") \
    X(420, "Bad Extension") \
    X(421, "Extension Required") \
    X(423, "Interval Too Brief") \
    X(430, "Flow Failed") \
    X(439, "First Hop Lacks Outbound Support") \
    X(480, "Temporarily Unavailable") \
    X(481, "Call/Transaction Does Not Exist") \
    X(482, "Loop Detected") \
    X(483, "Too Many Hops") \
    X(484, "Address Incomplete") \
    X(485, "Ambiguous") \
    X(486, "Busy Here") \
    X(487, "Request Terminated") \
    X(488, "Not Acceptable Here") \
    X(489, "Bad Event") \
    X(491, "Request Pending") \
    X(493, "Undecipherable") \
    X(494, "Security Agreement Required") \
    X(500, "Server Internal Error") \
    X(501, "Not Implemented") \
    X(502, "Bad Gateway") \
    X(503, "Service Unavailable") \
    X(504, "Server Time-out") \
    X(505, "Version Not Supported") \
    X(513, "Message Too Large") \
    X(600, "Busy Everywhere") \
    X(603, "Decline") \
    X(604, "Does Not Exist Anywhere") \
    X(606, "Not Acceptable")
// clang-format on

/* Whole status lines, by status. */
static const struct {
    const char *p;
    uint32_t len;
} status_line[] = {
#define X(code, text) [code] = {"SIP/2.0 " #code " " text, sizeof("SIP/2.0 " #code " " text) - 1},
    REASONS(X)
#undef X
};
enum { REASON_AT = sizeof("SIP/2.0 200 ") - 1 };

static bool is_known(unsigned status)
{
    return status < sizeof(status_line) / sizeof(status_line[0]) && status_line[status].p;
}

struct bd_str bd_reason(unsigned status)
{
    if (!is_known(status))
        return BD_STR("Unknown");
    return (struct bd_str){status_line[status].p + REASON_AT, status_line[status].len - REASON_AT};
}

static void put_status_line(struct bd_wire *w, unsigned status, struct bd_str reason)
{
    if (is_known(status) && reason.p == status_line[status].p + REASON_AT) {
        bd_wire_put(w, (struct bd_str){status_line[status].p, status_line[status].len});
        return;
    }
    bd_wire_put(w, BD_STR("SIP/2.0 "));
    bd_wire_u32(w, status);
    bd_wire_char(w, ' ');
    bd_wire_put(w, reason);
}

/* 18.2.1: `received` when sent-by is a name or another address; RFC 3581 4: always with rport. */
static bool wants_received(const struct bd_via *via, const struct bd_endpoint *source)
{
    return via->rport || !via->is_ip || !bd_ip_eq(&via->ip, &source->ip);
}

/* The value that the server gives a parameter which came without one; 0: it has none to give. */
static uint32_t value_of(struct bd_str name, uint16_t source_port, uint32_t keep_s)
{
    if (bd_str_eq_nocase(name, BD_STR("rport")))
        return source_port;
    return bd_str_eq_nocase(name, BD_STR("keep")) ? keep_s : 0; /* RFC 6223 4.4 */
}

/* RFC 7339: what the server says anew. */
static bool is_overload(struct bd_str name)
{
    return bd_str_eq_nocase(name, BD_STR("oc")) || bd_str_eq_nocase(name, BD_STR("oc-algo")) ||
           bd_str_eq_nocase(name, BD_STR("oc-seq")) ||
           bd_str_eq_nocase(name, BD_STR("oc-validity"));
}

/* Copies the parameters but for those that only the server may set. */
static void put_via_params(struct bd_wire *w, const struct bd_via *via, uint16_t source_port,
                           const struct bd_via_values *values)
{
    struct bd_str cursor = via->params, name, value;
    bool bad = false;
    while (bd_param_step(&cursor, BD_C_TOKEN, &name, &value, &bad)) {
        uint32_t ours = value.p ? 0 : value_of(name, source_port, values->keep_s);
        if (bd_str_eq_nocase(name, BD_STR("received")) || (values->oc.p && is_overload(name)))
            continue;
        bd_wire_char(w, ';');
        bd_wire_put(w, name);
        if (value.p || ours)
            bd_wire_char(w, '=');
        if (ours)
            bd_wire_u32(w, ours);
        bd_wire_put(w, value);
    }
}

static void put_received(struct bd_wire *w, const struct bd_endpoint *source)
{
    bd_wire_put(w, BD_STR(";received="));
    bd_wire_ip(w, &source->ip);
}

/* Parameter by parameter, LWS left out. */
static __attribute__((noinline)) void put_unplain_via(struct bd_wire *w, const struct bd_via *via,
                                                      const struct bd_endpoint *source,
                                                      const struct bd_via_values *values)
{
    /* What a client has mangled goes back as it came: its branch is in there somewhere. */
    if (!bd_params_valid(via->params, BD_C_TOKEN)) {
        bd_wire_put(w, via->text);
        return;
    }
    struct bd_str sent = via->text;
    if (via->params.p)
        sent = bd_trim(sent.p, via->params.p - 1);
    bd_wire_put(w, sent);
    put_via_params(w, via, source->port, values);
    if (wants_received(via, source))
        put_received(w, source);
    if (values->oc.p) {
        bd_wire_char(w, ';');
        bd_wire_put(w, values->oc);
    }
}

static inline void put_topmost_via(struct bd_wire *w, const struct bd_via *via,
                                   const struct bd_endpoint *source,
                                   const struct bd_via_values *values)
{
    bool received = wants_received(via, source);
    bool valued = (via->keep && values->keep_s) || values->oc.p;
    if (!received && !valued) {
        bd_wire_put(w, via->text);
        return;
    }
    if (!via->plain || valued) {
        struct bd_wire there = *w;
        put_unplain_via(&there, via, source, values);
        *w = there;
        return;
    }
    const char *rest = via->text.p;
    if (via->rport) {
        bd_wire_put(w, bd_slice(rest, via->rport_end));
        bd_wire_char(w, '=');
        bd_wire_u32(w, source->port);
        rest = via->rport_end;
    }
    bd_wire_put(w, bd_slice(rest, bd_str_end(via->text)));
    put_received(w, source);
}

static inline void put_vias(struct bd_wire *w, const struct bd_message *m,
                            const struct bd_endpoint *source, const struct bd_via_values *values)
{
    const struct bd_header *first = bd_header_first(m, BD_HDR_VIA);
    for (const struct bd_header *h = first; h; h = bd_header_next(m, h)) {
        struct bd_str rest = h->value;
        bd_wire_put(w, BD_STR("\r\nVia: "));
        if (h == first && m->via.host.p) {
            put_topmost_via(w, &m->via, source, values);
            rest = bd_slice(bd_str_end(m->via.text), bd_str_end(h->value));
        }
        if (rest.len)
            bd_wire_put(w, rest);
    }
}

/* Copies the value of the first field of an id. `name` ends the line before, too. */
static inline void put_copy(struct bd_wire *w, const struct bd_message *m, enum bd_header_id id,
                            struct bd_str name)
{
    const struct bd_header *h = bd_header_first(m, id);
    if (!h)
        return;
    bd_wire_put(w, name);
    bd_wire_put(w, h->value);
}

static inline void put_to(struct bd_wire *w, const struct bd_message *m, struct bd_str tag)
{
    put_copy(w, m, BD_HDR_TO, BD_STR("\r\nTo: "));
    /* A To that could not be read cannot be added to. */
    if (!tag.p || m->to_tag.p || !m->to.text.p)
        return;
    bd_wire_put(w, BD_STR(";tag="));
    bd_wire_put(w, tag);
}

void bd_reply_begin(struct bd_wire *w, const struct bd_message *m, unsigned status,
                    struct bd_str reason, struct bd_str to_tag, const struct bd_endpoint *source)
{
    static const struct bd_via_values none = {.keep_s = 0};
    bd_reply_begin_with(w, m, status, reason, to_tag, source, &none);
}

__attribute__((flatten)) void bd_reply_begin_with(struct bd_wire *w, const struct bd_message *m,
                                                  unsigned status, struct bd_str reason,
                                                  struct bd_str to_tag,
                                                  const struct bd_endpoint *source,
                                                  const struct bd_via_values *values)
{
    struct bd_wire out = *w;
    put_status_line(&out, status, reason);
    put_vias(&out, m, source, values);
    put_copy(&out, m, BD_HDR_FROM, BD_STR("\r\nFrom: "));
    put_to(&out, m, to_tag);
    put_copy(&out, m, BD_HDR_CALL_ID, BD_STR("\r\nCall-ID: "));
    put_copy(&out, m, BD_HDR_CSEQ, BD_STR("\r\nCSeq: "));
    bd_wire_put(&out, BD_STR("\r\n"));
    *w = out;
}

void bd_reply_header(struct bd_wire *w, struct bd_str name, struct bd_str value)
{
    bd_wire_put(w, name);
    bd_wire_put(w, BD_STR(": "));
    bd_wire_put(w, value);
    bd_wire_put(w, BD_STR("\r\n"));
}

void bd_reply_header_u32(struct bd_wire *w, struct bd_str name, uint32_t value)
{
    bd_wire_put(w, name);
    bd_wire_put(w, BD_STR(": "));
    bd_wire_u32(w, value);
    bd_wire_put(w, BD_STR("\r\n"));
}

void bd_reply_end(struct bd_wire *w)
{
    bd_wire_put(w, BD_STR("Content-Length: 0\r\n\r\n"));
}

/* Whether an maddr may be followed: an address of one host, reachable the way the request came.
 * Multicast, broadcast and the addresses that mean this host or none would only serve somebody who
 * wants to hit others with our replies. */
static bool is_host_like(const struct bd_ip *ip, const struct bd_ip *source)
{
    if (bd_ip_is_v4(ip) != bd_ip_is_v4(source))
        return false;
    if (bd_ip_is_v4(ip))
        return ip->b[12] != 0 && ip->b[12] != 127 && ip->b[12] < 224;
    static const struct bd_ip none, loopback = {{[15] = 1}};
    return ip->b[0] != 0xff && !bd_ip_eq(ip, &none) && !bd_ip_eq(ip, &loopback);
}

struct bd_endpoint bd_reply_destination(const struct bd_message *m,
                                        const struct bd_endpoint *source, bool follow_maddr)
{
    struct bd_endpoint to = {.port = m->via.port ? m->via.port : 5060};
    if (follow_maddr && m->via.maddr.p && bd_ip_parse(m->via.maddr, &to.ip) &&
        is_host_like(&to.ip, &source->ip))
        return to;
    to.ip = source->ip;
    if (m->via.rport)
        to.port = source->port;
    return to;
}
