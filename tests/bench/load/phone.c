/* SPDX-License-Identifier: BSD-3-Clause */
#include "phone.h"

#include <string.h>

#include "bytes.h"
#include "checksum.h"
#include "digits.h"
#include "makes.h"

enum { WORD = 8, ETHER = 0, IP = BD_ETHER_SZ, UDP = IP + BD_IPV4_SZ };

/* --- a form ----------------------------------------------------------------------------------- */

/* What is still being put into a form. */
struct writer {
    struct phone_form *form;
    const struct phone_world *world;
    enum phone_method method;
    uint32_t fill;
    bool full;
};

static void put(struct writer *w, const char *text, uint32_t len)
{
    if (len > PHONE_FRAME_MAX - w->form->len) {
        w->full = true;
        return;
    }
    memcpy(w->form->frame + w->form->len, text, len);
    w->form->len += len;
}

static void put_hole(struct writer *w, enum phone_field field, unsigned words)
{
    static const char zero[WORD];
    for (unsigned i = 0; i < words; i++) {
        if (w->form->hole_cnt == PHONE_HOLES_MAX) {
            w->full = true;
            return;
        }
        w->form->hole[w->form->hole_cnt].off = (uint16_t)w->form->len;
        w->form->hole[w->form->hole_cnt++].field = (uint16_t)(field + i);
        put(w, zero, WORD);
    }
}

/* A header field that is nobody's business, of w->fill bytes. */
static void put_filler(struct writer *w)
{
    static const char name[] = "X-Device-Note: ";
    if (w->fill == 0)
        return;
    put(w, name, sizeof(name) - 1);
    for (uint32_t i = sizeof(name) + 1; i < w->fill; i++)
        put(w, "n", 1);
    put(w, "\r\n", 2);
}

static void put_text(struct writer *w, const char *text);

static void put_directive(struct writer *w, char directive)
{
    switch (directive) {
    case 'u':
        put_hole(w, PHONE_USER, 1);
        break;
    case 'h':
        put_hole(w, PHONE_HOST, 2);
        break;
    case 's':
        put_hole(w, PHONE_SEQUENCE, 2);
        break;
    case 'c':
        put_hole(w, PHONE_CSEQ, 1);
        break;
    case 'i':
        put_hole(w, PHONE_NC, 1);
        break;
    case 'e':
        put_hole(w, PHONE_RESPONSE, 4);
        break;
    case 'n':
        put_hole(w, PHONE_NONCE, w->world->nonce_words);
        break;
    case 'd':
        put(w, w->world->domain, (uint32_t)strlen(w->world->domain));
        break;
    case 'r':
        put(w, w->world->run, (uint32_t)strlen(w->world->run));
        break;
    case 'p':
        put_filler(w);
        break;
    default: /* 'a' */
        if (w->method == PHONE_REGISTER_DIGEST)
            put_text(w, make_authorization);
    }
}

static void put_text(struct writer *w, const char *text)
{
    while (*text) {
        uint32_t plain = (uint32_t)strcspn(text, "%");
        put(w, text, plain);
        text += plain;
        if (*text) {
            put_directive(w, text[1]);
            text += 2;
        }
    }
}

static void put_headers(struct phone_form *form, const struct phone_world *world)
{
    uint8_t *ether = form->frame + ETHER, *ip = form->frame + IP, *udp = form->frame + UDP;
    memcpy(ether, world->registrar_mac, BD_MAC_SZ);
    memcpy(ether + BD_MAC_SZ, world->own_mac, BD_MAC_SZ);
    bd_put16(ether + 12, BD_ETHERTYPE_IPV4);
    ip[0] = 0x45;
    bd_put16(ip + 2, form->len - IP);
    bd_put16(ip + 6, 0x4000);
    ip[8] = 64;
    ip[9] = BD_PROTO_UDP;
    ip[12] = 198;
    ip[13] = 18;
    memcpy(ip + 16, world->registrar, 4);
    bd_put16(udp + 2, world->registrar_port);
    bd_put16(udp + 4, form->len - UDP);
    form->ip_sum = bd_sum_add(0, ip, BD_IPV4_SZ);
    struct bd_ip from = bd_ip_from_v4(ip + 12), to = bd_ip_from_v4(ip + 16);
    form->udp_sum =
        bd_sum_add(bd_sum_pseudo(&from, &to, BD_PROTO_UDP, form->len - UDP), udp, form->len - UDP);
}

static bool make_with(struct phone_form *form, const struct phone_world *world,
                      enum phone_method method, unsigned make, uint32_t fill)
{
    *form = (struct phone_form){.len = PHONE_HEADERS_SZ};
    struct writer w = {.form = form, .world = world, .method = method, .fill = fill};
    put_text(&w, method == PHONE_INVITE ? make_invite : make_register[make]);
    put_headers(form, world);
    return !w.full;
}

bool phone_form_make(struct phone_form *form, const struct phone_world *world,
                     enum phone_method method, unsigned make)
{
    enum { FILL_LEAST = 24 };
    if (!make_with(form, world, method, make, 0))
        return false;
    uint32_t len = form->len - PHONE_HEADERS_SZ;
    return len + FILL_LEAST > world->size ||
           make_with(form, world, method, make, world->size - len);
}

/* --- a request -------------------------------------------------------------------------------- */

struct phone_request phone_request_of(uint64_t user, uint64_t cseq, uint64_t sequence)
{
    struct phone_request request = {
        .field = {[PHONE_USER] = user,
                  [PHONE_SEQUENCE] = digits_hex8((uint32_t)(sequence >> 32)),
                  [PHONE_SEQUENCE + 1] = digits_hex8((uint32_t)sequence),
                  [PHONE_CSEQ] = cseq}};
    phone_host_text(user, &request.field[PHONE_HOST]);
    return request;
}

void phone_write(const struct phone_form *form, const struct phone_request *request, uint8_t *frame)
{
    uint16_t host = phone_host_bytes(request->field[PHONE_USER]);
    uint16_t port = phone_port_bytes(request->field[PHONE_USER]);
    uint64_t sum[2] = {form->udp_sum + host + port, 0}; /* of words at even and at odd places */
    memcpy(frame, form->frame, form->len);
    for (uint32_t i = 0; i < form->hole_cnt; i++) {
        uint64_t word = request->field[form->hole[i].field];
        memcpy(frame + form->hole[i].off, &word, WORD);
        sum[form->hole[i].off & 1] += (word & 0xffffffff) + (word >> 32);
    }
    /* RFC 1071 2 (B): the sum of words at odd places is that of even ones with its bytes swapped.
     */
    uint16_t udp = (uint16_t)~bd_sum_fold(sum[0] + __builtin_bswap16(bd_sum_fold(sum[1])));
    uint16_t ip = (uint16_t)~bd_sum_fold(form->ip_sum + host);
    udp = udp ? udp : 0xffff;
    memcpy(frame + IP + 10, &ip, sizeof(ip));
    memcpy(frame + IP + 14, &host, sizeof(host));
    memcpy(frame + UDP, &port, sizeof(port));
    memcpy(frame + UDP + 6, &udp, sizeof(udp));
}
