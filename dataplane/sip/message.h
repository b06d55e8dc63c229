/* SPDX-License-Identifier: BSD-3-Clause */
/* A SIP message, split without copying (RFC 3261 7, 20, 25).
 *
 * bd_message_parse() walks the buffer once, names every header field, and validates what a
 * registrar must trust: start line, topmost Via, From, To, Call-ID, CSeq, Max-Forwards,
 * Content-Length, Expires, and that every header field is well formed. Comma-list headers
 * (Contact, Route, Require, ...) are walked on demand with the iterators below.
 *
 * No allocation, no global state, no byte read outside [buf, buf+len). All slices point into the
 * buffer, which must outlive the message. Tuned for REGISTERs of 450..900 bytes. Linear time. */
#ifndef BD_MESSAGE_H
#define BD_MESSAGE_H

#include "limits.h"
#include "str.h"
#include "uri.h"
#include "verdict.h"

/* X(NAME, "canonical name", compact letter or 0) */
#define BD_HEADERS(X)                                                                              \
    X(VIA, "Via", 'v')                                                                             \
    X(FROM, "From", 'f')                                                                           \
    X(TO, "To", 't')                                                                               \
    X(CALL_ID, "Call-ID", 'i')                                                                     \
    X(CSEQ, "CSeq", 0)                                                                             \
    X(CONTACT, "Contact", 'm')                                                                     \
    X(EXPIRES, "Expires", 0)                                                                       \
    X(MAX_FORWARDS, "Max-Forwards", 0)                                                             \
    X(AUTHORIZATION, "Authorization", 0)                                                           \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0)                                               \
    X(REQUIRE, "Require", 0)                                                                       \
    X(PROXY_REQUIRE, "Proxy-Require", 0)                                                           \
    X(SUPPORTED, "Supported", 'k')                                                                 \
    X(ROUTE, "Route", 0)                                                                           \
    X(RECORD_ROUTE, "Record-Route", 0)                                                             \
    X(PATH, "Path", 0)                                                                             \
    X(USER_AGENT, "User-Agent", 0)                                                                 \
    X(CONTENT_LENGTH, "Content-Length", 'l')                                                       \
    X(CONTENT_TYPE, "Content-Type", 'c')                                                           \
    X(CONTENT_ENCODING, "Content-Encoding", 'e')                                                   \
    X(CONTENT_DISPOSITION, "Content-Disposition", 0)                                               \
    X(ACCEPT, "Accept", 0)                                                                         \
    X(ALLOW, "Allow", 0)                                                                           \
    X(EVENT, "Event", 'o')                                                                         \
    X(DATE, "Date", 0)                                                                             \
    X(TIMESTAMP, "Timestamp", 0)                                                                   \
    X(ACCEPT_CONTACT, "Accept-Contact", 'a')                                                       \
    X(REJECT_CONTACT, "Reject-Contact", 'j')                                                       \
    X(REQUEST_DISPOSITION, "Request-Disposition", 'd')

enum bd_header_id {
    BD_HDR_OTHER,
#define X(name, text, compact) BD_HDR_##name,
    BD_HEADERS(X)
#undef X
        BD_HDR_CNT
};

enum bd_method {
    BD_METHOD_UNKNOWN,
    BD_METHOD_REGISTER,
    BD_METHOD_OPTIONS,
    BD_METHOD_INVITE,
    BD_METHOD_ACK,
    BD_METHOD_BYE,
    BD_METHOD_CANCEL,
    BD_METHOD_INFO,
    BD_METHOD_MESSAGE,
    BD_METHOD_NOTIFY,
    BD_METHOD_PRACK,
    BD_METHOD_PUBLISH,
    BD_METHOD_REFER,
    BD_METHOD_SUBSCRIBE,
    BD_METHOD_UPDATE
};

#define BD_HDR_NONE 0xff

struct bd_header {
    struct bd_str name;  /* as received */
    struct bd_str value; /* outer LWS trimmed; may hold folds (CRLF + SP/HT) */
    uint8_t id;          /* enum bd_header_id */
    uint8_t next;        /* index of the next field with the same id, or BD_HDR_NONE */
};

struct bd_via {
    struct bd_str text;      /* this via-parm only */
    struct bd_str transport; /* "UDP", "TCP", ... as received */
    struct bd_str host;      /* sent-by, IPv6 with brackets */
    uint16_t port;           /* 0 when absent */
    struct bd_str params;    /* after the first ';'. NULL when absent */
    struct bd_str branch;    /* NULL when absent */
    struct bd_str maddr;     /* NULL when absent */
    bool rport;              /* RFC 3581: an rport parameter without a value is present */
    bool keep;               /* RFC 6223: a keep parameter without a value is present */
    bool oc;                 /* RFC 7339: asks for overload feedback, knows "loss" */
    bool is_ip;              /* sent-by is an address: ip */
    /* The parameters may be sent back byte for byte but for the value of rport: no LWS stands
     * around their parts, there is no `received`, and neither rport nor keep twice. */
    bool plain;
    const char *rport_end; /* the byte behind the name; NULL without rport */
    struct bd_ip ip;
};

/* name-addr or addr-spec with header parameters (From, To, Contact, Route, Path). */
struct bd_name_addr {
    struct bd_str display; /* as received, quotes included. NULL when absent */
    struct bd_uri uri;
    struct bd_str params; /* header parameters after the first ';'. NULL when absent */
    struct bd_str text;   /* the whole element */
};

/* One Contact of a REGISTER (20.10). */
struct bd_contact {
    bool star; /* "*": nothing else is set */
    struct bd_name_addr addr;
    bool has_expires; /* malformed counts as 3600 (20.10 with 20.19) */
    uint32_t expires_s;
    bool has_q;
    uint16_t q_milli;       /* 0..1000 */
    struct bd_str instance; /* +sip.instance, quotes removed, angle brackets kept; NULL absent */
    uint32_t reg_id;        /* 0 when absent (RFC 5626: 1..2^31-1) */
    /* The parameters but q, expires, and the GRUUs, which are not the client's to say (RFC 5627
     * 5.1), when they lie side by side without LWS around them. NULL when there are none. */
    struct bd_str extensions;
    bool scattered; /* they do not lie so: addr.params has them */
};

struct bd_message {
    struct bd_str text; /* the whole buffer given */
    bool is_request;
    enum bd_method method;
    struct bd_str method_text;
    struct bd_uri request_uri;
    unsigned status; /* of a response */
    uint8_t header_cnt;
    uint8_t first[BD_HDR_CNT]; /* index of the first field of an id, or BD_HDR_NONE */
    struct bd_header header[BD_SIP_HEADERS_MAX];
    struct bd_via via; /* topmost */
    struct bd_name_addr from, to;
    struct bd_str from_tag, to_tag; /* NULL when absent */
    struct bd_str call_id;
    uint32_t cseq;
    struct bd_str cseq_method;
    bool has_expires; /* an Expires field is there; malformed counts as 3600 (20.19) */
    uint32_t expires_s;
    int max_forwards;   /* -1 when absent */
    struct bd_str body; /* Content-Length bytes; trailing bytes of the datagram are cut */
    const char *reason; /* what is wrong, for the reason phrase; NULL when nothing is */
};

/* Parses one datagram.
 * Returns BD_VERDICT_NONE when the message may be used whole. Otherwise the verdict:
 *   BD_SIP_KEEPALIVE      only CRLFs, empty, or the four zero bytes that old phones send
 *   BD_SIP_NOT_SIP        the first line is not SIP's
 *   BD_SIP_UNADDRESSABLE  no topmost Via with a readable sent-by, hence nowhere to reply to; or a
 *   malformed ACK, which is never replied to
 *   BD_SIP_MALFORMED (400), BD_SIP_BAD_VERSION (505), BD_SIP_TOO_LARGE (513: more than
 *   BD_SIP_MESSAGE_MAX), BD_SIP_BAD_SCHEME (416: unknown scheme in the Request-URI): a reply can be
 *   written with bd_reply_begin(). Then m->method, m->via and first[] are usable; From, To, Call-ID
 *   and CSeq may be absent (RFC 4475 3.3.1 wants a 400 without them), their slices are then NULL.
 *   BD_SIP_UNKNOWN_METHOD is not this function's: an unknown method parses, also when the method in
 *   CSeq is another one (RFC 4475 3.1.2.18).
 * A response that parses returns BD_VERDICT_NONE with is_request false; a malformed response is
 * BD_SIP_NOT_SIP or BD_SIP_UNADDRESSABLE, as nothing may be replied to it.
 * Lines end with CRLF only. Looser than the grammar: CRLFs before the start line are skipped, and
 * the empty line after the last header field may be missing at the end of the datagram.
 * RFC 4475 3.1.2 and 3.3 give the cases; a Content-Length beyond the datagram is 400 (18.3). */
enum bd_verdict bd_message_parse(struct bd_message *m, const char *buf, uint32_t len);

/* First field of an id, or NULL; next one after h, or NULL. */
static inline const struct bd_header *bd_header_first(const struct bd_message *m,
                                                      enum bd_header_id id)
{
    return m->first[id] == BD_HDR_NONE ? NULL : &m->header[m->first[id]];
}

static inline const struct bd_header *bd_header_next(const struct bd_message *m,
                                                     const struct bd_header *h)
{
    return h->next == BD_HDR_NONE ? NULL : &m->header[h->next];
}

extern const char *const bd_header_name[BD_HDR_CNT];
extern const char *const bd_method_name[BD_METHOD_UPDATE + 1];

/* Walks the elements of a comma list over all fields of one id (7.3.1), quotes and angle brackets
 * respected. Start with an iterator made by bd_list_begin(). False at the end. `bad` is set when a
 * field is malformed (an empty element, an unclosed quote); the walk then ends. Supported, Allow
 * and Accept may be empty as a whole. */
struct bd_list {
    const struct bd_message *m;
    const struct bd_header *h; /* field being walked */
    struct bd_str rest;
    bool bad;
};
struct bd_list bd_list_begin(const struct bd_message *m, enum bd_header_id id);
bool bd_list_next(struct bd_list *list, struct bd_str *element);
/* Whether a list of tokens (Supported, Require, ...) holds one, in any case. */
bool bd_list_has(const struct bd_message *m, enum bd_header_id id, struct bd_str token);

/* Parses one From/To/Route/Path element. In addr-spec form (no angle brackets) parameters belong to
 * the header (20.10), and a URI with ',', ';' or '?' is refused. False when malformed. */
bool bd_name_addr_parse(struct bd_str element, struct bd_name_addr *na);

/* One Contact.
 * False when malformed (q out of range, bad URI, reg-id no number or 0, instance not "<...>" in
 * quotes, any of the four doubled). Its URI may be of any scheme. */
bool bd_contact_parse(struct bd_str element, struct bd_contact *contact);
/* Whether a parameter of this name belongs to the extensions. */
bool bd_contact_is_extension(struct bd_str name);
/* The next element of a list of Contacts, found and parsed in one go. False at the end, or with
 * `bad` when it is malformed. */
bool bd_contact_next(struct bd_list *list, struct bd_contact *contact);

/* Digest credentials (RFC 3261 22.4, RFC 7616 3.4). Quotes are removed from the slices; a slice may
 * still hold backslash escapes (bd_unquote undoes them). Absent fields are NULL. */
enum bd_qop { BD_QOP_NONE, BD_QOP_AUTH, BD_QOP_AUTH_INT, BD_QOP_UNKNOWN };
enum bd_digest_alg {
    BD_ALG_MD5,
    BD_ALG_SHA256,
    BD_ALG_SHA512_256,
    BD_ALG_CNT,
    BD_ALG_UNKNOWN = BD_ALG_CNT
};
extern const char *const bd_digest_alg_name[BD_ALG_CNT]; /* "MD5", "SHA-256", "SHA-512-256" */

struct bd_credentials {
    struct bd_str username, realm, nonce, uri, response, cnonce, opaque;
    enum bd_qop qop;
    enum bd_digest_alg algorithm; /* absent: MD5 */
    uint32_t nc;                  /* valid when has_nc */
    bool has_nc, userhash;
    bool username_ext;     /* username is the ext-value of "username*" (RFC 7616 3.4) */
    struct bd_str nc_text; /* the eight hexadecimal digits */
};
enum bd_credentials_rc {
    BD_CREDENTIALS_OK,
    BD_CREDENTIALS_OTHER_SCHEME, /* Basic, Bearer, ...: not ours, go on with the next field */
    /* Missing or doubled fields (username and username* are one), cnonce or nc missing with qop,
     * bad nc, unbalanced quotes, a field above its limit of limits.h: 400. An empty field is none
     * of this: phones begin with some. */
    BD_CREDENTIALS_MALFORMED
};
enum bd_credentials_rc bd_credentials_parse(struct bd_str value, struct bd_credentials *c);

/* Undoes an ext-value (RFC 5987 3.2: charset'language'text with %HH): writes its text in UTF-8.
 * Reads the two charsets that 3.2 wants of a recipient, UTF-8 and ISO-8859-1. Returns the length,
 * or UINT32_MAX when it is malformed, of another charset, or beyond cap. */
uint32_t bd_ext_value_decode(struct bd_str s, char *out, uint32_t cap);

/* Undoes quoted-pair escapes into out. Returns the length, or UINT32_MAX when beyond cap. */
uint32_t bd_unquote(struct bd_str s, char *out, uint32_t cap);

#endif
