/* SPDX-License-Identifier: BSD-3-Clause */
#include "request.h"

#include <stdlib.h>

#include "hex.h"

/* In the templates: @h host, @b branch, @i Call-ID, @u user, @c CSeq, @n nonce, @r response, @N
 * nonce count, @A the place of the credentials. */
static const char *const register_template[REPLAY_MAKES] = {
    "REGISTER sip:" REPLAY_DOMAIN " SIP/2.0\r\n"
    "Via: SIP/2.0/UDP @h:5060;branch=z9hG4bK-524287-1-@b;rport\r\n"
    "Max-Forwards: 70\r\n"
    "Contact: <sip:@u@@h:5060;rinstance=4ea17c06d28a1b9f;transport=UDP>\r\n"
    "To: \"Subscriber @u\" <sip:@u@" REPLAY_DOMAIN ">\r\n"
    "From: \"Subscriber @u\" <sip:@u@" REPLAY_DOMAIN ">;tag=5a29f84c\r\n"
    "Call-ID: @iZGE0NzY3NTQ1ZTdlOTQ5\r\n"
    "CSeq: @c REGISTER\r\n"
    "Expires: 3600\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n"
    "@AUser-Agent: Example Softphone 5.3.8 rv2.10.19\r\n"
    "Content-Length: 0\r\n\r\n",
    "REGISTER sip:" REPLAY_DOMAIN ":5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP @h:5060;branch=z9hG4bK@b\r\n"
    "From: <sip:@u@" REPLAY_DOMAIN ":5060>;tag=1694507243\r\n"
    "To: <sip:@u@" REPLAY_DOMAIN ":5060>\r\n"
    "Call-ID: 0_@i@192.0.2.1\r\n"
    "CSeq: @c REGISTER\r\n"
    "Contact: <sip:@u@@h:5060>\r\n"
    "@AAllow: INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, "
    "PUBLISH, UPDATE, MESSAGE\r\n"
    "Max-Forwards: 70\r\n"
    "User-Agent: Example T46U 108.86.0.75\r\n"
    "Expires: 3600\r\n"
    "Allow-Events: talk,hold,conference,refer,check-sync\r\n"
    "Content-Length: 0\r\n\r\n",
    "REGISTER sip:" REPLAY_DOMAIN " SIP/2.0\r\n"
    "v: SIP/2.0/UDP @h:5060;branch=z9hG4bK-@b;rport\r\n"
    "f: <sip:@u@" REPLAY_DOMAIN ">;tag=xklp2m0qzq\r\n"
    "t: <sip:@u@" REPLAY_DOMAIN ">\r\n"
    "i: 313630323432333536-@i\r\n"
    "CSeq: @c REGISTER\r\n"
    "Max-Forwards: 70\r\n"
    "User-Agent: example-desk/10.1.152.12\r\n"
    "m: <sip:@u@@h:5060;line=7tqe1xmy>;q=1.0;audio;mobility=\"fixed\";duplex=\"full\";"
    "description=\"desk\";actor=\"principal\";events=\"dialog\";methods=\"INVITE,ACK,CANCEL,BYE,"
    "REFER,OPTIONS,NOTIFY,SUBSCRIBE,PRACK,MESSAGE,INFO\"\r\n"
    "@AAllow-Events: dialog\r\n"
    "X-Real-IP: 192.0.2.1\r\n"
    "Expires: 3600\r\n"
    "l: 0\r\n\r\n",
    "REGISTER sip:" REPLAY_DOMAIN ";transport=udp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP @h:5060;rport;branch=z9hG4bK@b\r\n"
    "Max-Forwards: 70\r\n"
    "To: <sip:@u@" REPLAY_DOMAIN ">\r\n"
    "From: <sip:@u@" REPLAY_DOMAIN ">;tag=8aa0a3b15b0a4c39a1df2cf2\r\n"
    "Call-ID: @i-bb8c-4d5e-a1f2\r\n"
    "CSeq: @c REGISTER\r\n"
    "Contact: \"@u\" <sip:@u@@h:5060;transport=udp>;expires=3600\r\n"
    "Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, "
    "OPTIONS\r\n"
    "@AUser-Agent: Example ATA/2.4.1-6a27c1e\r\n"
    "Supported: path, replaces, timer\r\n"
    "Content-Length: 0\r\n\r\n",
};

static const char invite_template[] =
    "INVITE sip:@u@" REPLAY_DOMAIN " SIP/2.0\r\n"
    "Via: SIP/2.0/UDP @h:5060;branch=z9hG4bK-524287-1-@b;rport\r\n"
    "Max-Forwards: 70\r\n"
    "Contact: <sip:caller@@h:5060;transport=UDP>\r\n"
    "To: <sip:@u@" REPLAY_DOMAIN ">\r\n"
    "From: \"Caller\" <sip:caller@" REPLAY_DOMAIN ">;tag=5a29f84c\r\n"
    "Call-ID: @iZGE0NzY3NTQ1ZTdlOTQ5\r\n"
    "CSeq: @c INVITE\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO\r\n"
    "Supported: replaces, timer\r\n"
    "User-Agent: Example Softphone 5.3.8 rv2.10.19\r\n"
    "Content-Length: 0\r\n\r\n";

static const char authorization[] =
    "Authorization: Digest username=\"@u\",realm=\"" REPLAY_DOMAIN "\",nonce=\"@n\","
    "uri=\"sip:" REPLAY_DOMAIN "\",response=\"@r\",cnonce=\"" REPLAY_CNONCE "\",nc=@N,qop=auth,"
    "algorithm=MD5\r\n";

static uint32_t width_of(char what)
{
    switch (what) {
    case 'h':
        return REPLAY_HOST;
    case 'b':
        return REPLAY_BRANCH;
    case 'i':
        return REPLAY_CALL_ID;
    case 'u':
        return REPLAY_USER;
    case 'c':
        return REPLAY_CSEQ;
    case 'n':
        return REPLAY_NONCE;
    case 'r':
        return REPLAY_RESPONSE;
    case 'N':
        return REPLAY_NC;
    default:
        return 0; /* an '@' of the message itself */
    }
}

/* Copies a template, leaves room for its fields and notes where they are. */
static void form_add(struct replay_form *form, const char *text, bool authorized)
{
    for (const char *p = text; *p; p++) {
        uint32_t width = *p == '@' ? width_of(p[1]) : 0;
        if (p[0] == '@' && p[1] == 'A') {
            if (authorized)
                form_add(form, authorization, false);
            p++;
        } else if (width > 0) {
            form->field[form->field_cnt++] = (struct replay_field){(uint16_t)form->len, *++p};
            form->len += width;
        } else {
            form->text[form->len++] = *p;
        }
    }
}

void replay_form_make(struct replay_form *form, enum replay_method method, unsigned make)
{
    memset(form, 0, sizeof(*form));
    const char *text = method == REPLAY_INVITE ? invite_template : register_template[make];
    form_add(form, text, method == REPLAY_AUTHORIZED);
}

/* The finaliser of SplitMix64: a bijection, so no two subscribers share a Call-ID. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}

/* Sixteen hexadecimal digits at once: spreads the nibbles over bytes, then adds '0' or 'a' - 10. */
static void put_hex(uint64_t x, char out[16])
{
    for (unsigned half = 0; half < 2; half++) {
        uint64_t v = (uint32_t)(x >> 32 * half);
        v = (v | v << 16) & 0x0000ffff0000ffffULL;
        v = (v | v << 8) & 0x00ff00ff00ff00ffULL;
        v = (v | v << 4) & 0x0f0f0f0f0f0f0f0fULL;
        uint64_t letter = (v + 0x0606060606060606ULL) >> 4 & 0x0101010101010101ULL;
        v += 0x3030303030303030ULL + letter * ('a' - '0' - 10);
        memcpy(out + 8 * half, &v, 8);
    }
}

static void put_digits(uint32_t x, unsigned cnt, char *out)
{
    for (; cnt > 0; x /= 10)
        out[--cnt] = (char)('0' + x % 10);
}

void replay_user_of(uint32_t number, char out[REPLAY_USER])
{
    put_digits(10000000 + number, REPLAY_USER, out);
}

void replay_nc_of(uint32_t nc, char out[REPLAY_NC])
{
    const uint8_t bytes[] = {(uint8_t)(nc >> 24), (uint8_t)(nc >> 16), (uint8_t)(nc >> 8),
                             (uint8_t)nc};
    bd_hex_encode(bytes, sizeof(bytes), out);
}

/* A hundred phones in each of a hundred networks, numbers of three digits: the rest share them. */
static void host_of(uint32_t number, uint8_t ip[4])
{
    ip[0] = 198;
    ip[1] = 18;
    ip[2] = (uint8_t)(100 + number / 100 % 100);
    ip[3] = (uint8_t)(100 + number % 100);
}

struct bd_ip replay_source_of(uint32_t number)
{
    uint8_t ip[4];
    host_of(number, ip);
    return bd_ip_from_v4(ip);
}

struct replay_ids replay_ids_of(uint32_t number, unsigned round)
{
    struct replay_ids ids = {.number = number, .host = "198.18.000.000"};
    uint8_t ip[4];
    host_of(number, ip);
    put_digits(ip[2], 3, ids.host + 7);
    put_digits(ip[3], 3, ids.host + 11);
    put_hex(mix(number + 1), ids.call_id);
    put_hex(mix((uint64_t)(round + 1) << 32 | number), ids.branch);
    replay_user_of(number, ids.user);
    put_digits(1000 + round, REPLAY_CSEQ, ids.cseq);
    return ids;
}

uint32_t replay_request_write(const struct replay_form *form, const struct replay_ids *ids,
                              const struct replay_credentials *credentials,
                              const char nc[REPLAY_NC], char out[REPLAY_REQUEST_MAX])
{
    memcpy(out, form->text, form->len);
    for (uint32_t i = 0; i < form->field_cnt; i++) {
        char *at = out + form->field[i].off;
        switch (form->field[i].what) {
        case 'h':
            memcpy(at, ids->host, REPLAY_HOST);
            break;
        case 'b':
            memcpy(at, ids->branch, REPLAY_BRANCH);
            break;
        case 'i':
            memcpy(at, ids->call_id, REPLAY_CALL_ID);
            break;
        case 'u':
            memcpy(at, ids->user, REPLAY_USER);
            break;
        case 'c':
            memcpy(at, ids->cseq, REPLAY_CSEQ);
            break;
        case 'n':
            memcpy(at, credentials->nonce, REPLAY_NONCE);
            break;
        case 'r':
            memcpy(at, credentials->response, REPLAY_RESPONSE);
            break;
        case 'N':
            memcpy(at, nc, REPLAY_NC);
            break;
        }
    }
    return form->len;
}
