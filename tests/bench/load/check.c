/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checksum.h"
#include "digits.h"

enum { IP = BD_ETHER_SZ, UDP = IP + BD_IPV4_SZ, SIP = UDP + BD_UDP_SZ, WORD = 8, STEP = 64 };

/* --- the sequence ----------------------------------------------------------------------------- */

static const char cookie[] = "z9hG4bK";
enum { COOKIE_SZ = sizeof(cookie) - 1, SEQUENCE_SZ = 2 * WORD };

/* Where the branch's digits are when the reply has a 200's status line and our Via. */
#define USUAL "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.1nn.1nn:1nnnn;branch=z9hG4bK"
enum { USUAL_OFF = SIP + sizeof(USUAL) - 1 };

static uint64_t read_sequence(const uint8_t *text)
{
    uint64_t word[2];
    memcpy(word, text, sizeof(word));
    uint32_t high = digits_unhex8(word[0]), low = digits_unhex8(word[1]);
    if (digits_hex8(high) != word[0] || digits_hex8(low) != word[1])
        return 0;
    return (uint64_t)high << 32 | low;
}

uint64_t check_sequence(const uint8_t *frame, uint32_t len)
{
    if (len < USUAL_OFF + SEQUENCE_SZ)
        return 0;
    if (memcmp(frame + USUAL_OFF - COOKIE_SZ, cookie, COOKIE_SZ) == 0)
        return read_sequence(frame + USUAL_OFF);
    if (memcmp(frame + SIP, "SIP/2.0 ", 8) != 0)
        return 0;
    const uint8_t *at = memmem(frame + SIP, len - SIP - SEQUENCE_SZ, cookie, COOKIE_SZ);
    return at ? read_sequence(at + COOKIE_SZ) : 0;
}

/* --- the slow way ----------------------------------------------------------------------------- */

struct text {
    const char *p;
    uint32_t len;
};

/* The value of the first header field of that name ("Via"), as our forms and the registrar write
 * it: long names, no folding. */
static struct text field_of(const uint8_t *frame, uint32_t len, const char *name)
{
    const char *p = (const char *)frame + SIP, *end = (const char *)frame + len;
    size_t name_len = strlen(name);
    while (p < end) {
        const char *line_end = memchr(p, '\r', (size_t)(end - p));
        if (!line_end || line_end == p)
            break;
        if ((size_t)(line_end - p) > name_len + 2 && memcmp(p, name, name_len) == 0 &&
            memcmp(p + name_len, ": ", 2) == 0)
            return (struct text){p + name_len + 2,
                                 (uint32_t)(line_end - p) - (uint32_t)name_len - 2};
        p = line_end + 2;
    }
    return (struct text){NULL, 0};
}

/* A Contact from its beginning to the end of its URI. */
static struct text uri_of(struct text contact)
{
    const char *end = contact.p ? memchr(contact.p, '>', contact.len) : NULL;
    return (struct text){contact.p, end ? (uint32_t)(end - contact.p) + 1 : 0};
}

static bool begins_with(struct text a, struct text b)
{
    return a.p && b.p && a.len >= b.len && memcmp(a.p, b.p, b.len) == 0;
}

/* Via may gain received, rport's value; To gains a tag; the others go back as they came. */
static bool same_transaction(const uint8_t *reply, uint32_t len, const uint8_t *request,
                             uint32_t request_len)
{
    static const char *const name[] = {"Via", "To", "From", "Call-ID", "CSeq"};
    for (unsigned i = 0; i < 5; i++) {
        struct text got = field_of(reply, len, name[i]);
        struct text sent = field_of(request, request_len, name[i]);
        if (!begins_with(got, sent) || (i >= 2 && got.len != sent.len))
            return false;
    }
    return true;
}

static bool same_contact(const struct check *check, const struct phone_request *request,
                         const uint8_t *reply, uint32_t len)
{
    if (!check->contact)
        return true;
    uint8_t frame[PHONE_FRAME_MAX];
    const struct phone_form *form = &check->contact[phone_make_of(request->field[PHONE_USER])];
    phone_write(form, request, frame);
    struct text sent = uri_of(field_of(frame, form->len, "Contact"));
    return sent.len > 0 && begins_with(field_of(reply, len, "Contact"), sent);
}

/* Whether it goes to the phone's address and port. */
static bool goes_to(const uint8_t *frame, const struct phone_request *request)
{
    uint16_t host, port;
    memcpy(&host, frame + IP + 18, sizeof(host));
    memcpy(&port, frame + UDP + 2, sizeof(port));
    return host == phone_host_bytes(request->field[PHONE_USER]) &&
           port == phone_port_bytes(request->field[PHONE_USER]);
}

static bool headers_right(const uint8_t *frame, uint32_t len, const struct phone_request *request)
{
    uint32_t total = bd_get16(frame + IP + 2), udp_len = bd_get16(frame + UDP + 4);
    if (bd_get16(frame + 12) != BD_ETHERTYPE_IPV4 || frame[IP] != 0x45 || total > len - IP ||
        udp_len + BD_IPV4_SZ != total || !goes_to(frame, request) ||
        !bd_sum_right(0, frame + IP, BD_IPV4_SZ))
        return false;
    struct bd_ip from = bd_ip_from_v4(frame + IP + 12), to = bd_ip_from_v4(frame + IP + 16);
    return bd_sum_right(bd_sum_pseudo(&from, &to, BD_PROTO_UDP, udp_len), frame + UDP, udp_len);
}

unsigned check_status(const uint8_t *frame, uint32_t len)
{
    return len > SIP + 12 ? (unsigned)strtoul((const char *)frame + SIP + 8, NULL, 10) : 0;
}

static enum check_verdict read_slowly(const struct check *check,
                                      const struct phone_request *request, const uint8_t *frame,
                                      uint32_t len)
{
    uint8_t sent[PHONE_FRAME_MAX];
    const struct phone_form *form = &check->form[phone_make_of(request->field[PHONE_USER])];
    if (!headers_right(frame, len, request))
        return CHECK_SUM;
    if (check_status(frame, len) != check->status)
        return CHECK_STATUS;
    phone_write(form, request, sent);
    if (!same_transaction(frame, len, sent, form->len) || !same_contact(check, request, frame, len))
        return CHECK_FIELD;
    return CHECK_RIGHT;
}

/* --- the fast way ----------------------------------------------------------------------------- */

static void ignore(struct check_model *m, uint32_t off, uint32_t len)
{
    memset(m->mask + off, 0, len);
}

static void ignore_text(struct check_model *m, struct text text)
{
    if (text.p)
        ignore(m, (uint32_t)((const uint8_t *)text.p - m->frame), text.len);
}

/* The value of `name="..."`, or of `;tag=...`, within a field. */
static struct text value_in(struct text field, const char *name, char end)
{
    size_t name_len = strlen(name);
    const char *at = field.p ? memmem(field.p, field.len, name, name_len) : NULL;
    if (!at)
        return (struct text){NULL, 0};
    at += name_len;
    const char *stop = memchr(at, end, (size_t)(field.p + field.len - at));
    stop = stop ? stop : field.p + field.len;
    return (struct text){at, (uint32_t)(stop - at)};
}

/* A part of a field stands where the whole of it would be at `off`. */
static void model_hole(struct check_model *m, uint32_t off, unsigned field, uint32_t from,
                       uint32_t len)
{
    if (m->hole_cnt == CHECK_HOLES_MAX)
        return;
    m->hole[m->hole_cnt].off = (uint16_t)off;
    m->hole[m->hole_cnt].mask = UINT64_MAX >> (WORD - len) * 8 << from * 8;
    m->hole[m->hole_cnt++].field = (uint16_t)field;
    ignore(m, off + from, len);
}

static void model_holes(struct check_model *m, const struct phone_request *request,
                        enum phone_field field)
{
    for (uint32_t off = SIP; off + WORD <= m->len; off++) {
        if (memcmp(m->frame + off, &request->field[field], WORD) == 0 && m->mask[off] != 0)
            model_hole(m, off, field, 0, WORD);
    }
}

/* The address stands with its port, or without it as the value of "received". */
static void model_hosts(struct check_model *m, const struct phone_request *request)
{
    enum { ADDRESS_SZ = 2 };
    const uint64_t *host = &request->field[PHONE_HOST];
    for (uint32_t off = SIP; off + 2 * WORD <= m->len; off++) {
        if (memcmp(m->frame + off, host, WORD + ADDRESS_SZ) != 0)
            continue;
        bool port = memcmp(m->frame + off, host, 2 * WORD) == 0;
        model_hole(m, off, PHONE_HOST, 0, WORD);
        model_hole(m, off + WORD, PHONE_HOST + 1, 0, port ? WORD : ADDRESS_SZ);
    }
}

/* The port again, as the value of "rport". */
static void model_rport(struct check_model *m)
{
    enum { PORT_SZ = 5 };
    struct text rport = value_in(field_of(m->frame, m->len, "Via"), ";rport=", ';');
    if (rport.len == PORT_SZ)
        model_hole(m, (uint32_t)((const uint8_t *)rport.p - m->frame) - (WORD - PORT_SZ),
                   PHONE_HOST + 1, WORD - PORT_SZ, PORT_SZ);
}

/* Makes a reply that was found right the model of its make. */
static void model_make(struct check_model *m, const struct phone_request *request,
                       const uint8_t *frame, uint32_t len)
{
    m->len = len;
    m->hole_cnt = 0;
    memset(m->mask, 0, sizeof(m->mask));
    memset(m->mask, 0xff, len);
    memcpy(m->frame, frame, len);
    ignore(m, IP + 4, 2);  /* identification */
    ignore(m, IP + 10, 2); /* checksums, and what goes_to() looks at */
    ignore(m, IP + 18, 2);
    ignore(m, UDP + 2, 2);
    ignore(m, UDP + 6, 2);
    ignore_text(m, field_of(m->frame, len, "Date"));
    ignore_text(m, value_in(field_of(m->frame, len, "To"), ";tag=", ';'));
    /* Another one in each reply (RFC 5627 5.4). */
    ignore_text(m, value_in(field_of(m->frame, len, "Contact"), "temp-gruu=\"", '"'));
    ignore_text(m, value_in(field_of(m->frame, len, "WWW-Authenticate"), "nonce=\"", '"'));
    /* What is left of a registration when it is asked for; a 200 has just granted it. */
    if (check_status(frame, len) == 302)
        ignore_text(m, value_in(field_of(m->frame, len, "Contact"), ";expires=", ';'));
    struct text cseq = field_of(m->frame, len, "CSeq");
    model_hole(m, (uint32_t)((const uint8_t *)cseq.p - m->frame), PHONE_CSEQ, 0, WORD);
    model_holes(m, request, PHONE_SEQUENCE);
    model_holes(m, request, PHONE_SEQUENCE + 1);
    model_holes(m, request, PHONE_USER);
    model_hosts(m, request);
    model_rport(m);
}

static bool matches(const struct check_model *m, const struct phone_request *request,
                    const uint8_t *frame, uint32_t len)
{
    if (len != m->len)
        return false;
    uint64_t differs = 0;
    for (uint32_t step = 0; step < len; step += STEP) {
        for (uint32_t i = step; i < step + STEP; i += WORD) {
            uint64_t got, wanted, mask;
            memcpy(&got, frame + i, WORD);
            memcpy(&wanted, m->frame + i, WORD);
            memcpy(&mask, m->mask + i, WORD);
            differs |= (got ^ wanted) & mask;
        }
    }
    for (uint32_t i = 0; i < m->hole_cnt; i++) {
        uint64_t got;
        memcpy(&got, frame + m->hole[i].off, WORD);
        differs |= (got ^ request->field[m->hole[i].field]) & m->hole[i].mask;
    }
    return differs == 0 && goes_to(frame, request);
}

enum check_verdict check_reply(struct check *check, const struct phone_request *request,
                               const uint8_t *frame, uint32_t len)
{
    struct check_model *model = &check->model[phone_make_of(request->field[PHONE_USER])];
    if (matches(model, request, frame, len))
        return CHECK_RIGHT;
    check->slow++;
    enum check_verdict verdict = read_slowly(check, request, frame, len);
    if (verdict == CHECK_RIGHT && len <= CHECK_MODEL_MAX - STEP)
        model_make(model, request, frame, len);
    return verdict;
}
