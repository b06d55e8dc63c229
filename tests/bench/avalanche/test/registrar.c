/* SPDX-License-Identifier: BSD-3-Clause */
#include "registrar.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bytes.h>
#include <checksum.h>

enum { IP = BD_ETHER_SZ, UDP = IP + BD_IPV4_SZ, SIP = UDP + BD_UDP_SZ, REPLY_MAX = 2048 };

struct registrar registrar;

static uint32_t answered; /* of the requests seen */
static struct seen *writing;
static unsigned room;

/* --- the wire: in wire.c's place -------------------------------------------------------------- */

unsigned wire_room(struct wire *wire, unsigned cnt)
{
    if (registrar.full || registrar.seen_cnt + cnt > SEEN_MAX)
        return 0;
    writing = &registrar.seen[registrar.seen_cnt];
    room = cnt;
    return cnt;
}

uint8_t *wire_frame(struct wire *wire, unsigned i, uint32_t len)
{
    writing[i].len = len;
    writing[i].tick = registrar.tick;
    return writing[i].frame;
}

bool wire_push(struct wire *wire)
{
    registrar.seen_cnt += room;
    return true;
}

unsigned wire_drop(struct wire *wire)
{
    return 0;
}

/* --- requests --------------------------------------------------------------------------------- */

const char *seen_field(const struct seen *seen, const char *name)
{
    static char text[8][PHONE_FRAME_MAX];
    static unsigned next;
    char *out = text[next++ % 8], key[64];
    snprintf(key, sizeof(key), "\r\n%s: ", name);
    const char *at = memmem(seen->frame + SIP, seen->len - SIP, key, strlen(key));
    if (!at)
        return NULL;
    at += strlen(key);
    size_t len = strcspn(at, "\r");
    memcpy(out, at, len);
    out[len] = '\0';
    return out;
}

unsigned seen_cseq(const struct seen *seen)
{
    return (unsigned)strtoul(seen_field(seen, "CSeq"), NULL, 10);
}

double seen_s(const struct seen *seen)
{
    return (double)seen->tick / CROWD_TICKS_PER_S;
}

static void md5(const char *text, char hex[33])
{
    uint8_t sum[16];
    EVP_Digest(text, strlen(text), sum, NULL, EVP_md5(), NULL);
    for (unsigned i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

/* `user` has eight digits. */
static void credentials(const char *user, const char *nonce, unsigned nc, char *out, size_t sz)
{
    char text[512], ha1[33], ha2[33], response[33];
    snprintf(text, sizeof(text), "4930%s:example.com:secret-%s", user, user);
    md5(text, ha1);
    md5("REGISTER:sip:example.com", ha2);
    snprintf(text, sizeof(text), "%s:%s:%08x:%s:auth:%s", ha1, nonce, nc, PHONE_CNONCE, ha2);
    md5(text, response);
    snprintf(
        out, sz,
        "Digest username=\"4930%s\", realm=\"example.com\", nonce=\"%s\", uri=\"sip:example.com\", "
        "response=\"%s\", algorithm=MD5, cnonce=\"%s\", qop=auth, nc=%08x",
        user, nonce, response, PHONE_CNONCE, nc);
}

bool seen_credentials_right(const struct seen *seen, const char *nonce, unsigned nc)
{
    char user[9], wanted[512];
    const char *got = seen_field(seen, "Authorization");
    snprintf(user, sizeof(user), "%s", strstr(seen_field(seen, "From"), "sip:4930") + 8);
    credentials(user, nonce, nc, wanted, sizeof(wanted));
    return got && strcmp(got, wanted) == 0;
}

/* --- replies ---------------------------------------------------------------------------------- */

static uint32_t write_text(char *out, const struct seen *seen, const struct orders *orders)
{
    const char *contact = strstr(orders->lines, "%c");
    char lines[REPLY_MAX];
    snprintf(lines, sizeof(lines), "%.*s%.*s%s",
             contact ? (int)(contact - orders->lines) : (int)strlen(orders->lines), orders->lines,
             contact ? (int)strcspn(seen_field(seen, "Contact"), ">") + 1 : 0,
             seen_field(seen, "Contact"), contact ? contact + 2 : "");
    return (uint32_t)snprintf(
        out, REPLY_MAX - SIP,
        "SIP/2.0 %u %s\r\nVia: %s\r\nTo: %s;tag=1\r\nFrom: %s\r\nCall-ID: %s\r\n"
        "CSeq: %u REGISTER\r\n%s%sContent-Length: 0\r\n\r\n",
        orders->status, orders->status == 200 ? "OK" : "No", seen_field(seen, "Via"),
        seen_field(seen, "To"), seen_field(seen, "From"), seen_field(seen, "Call-ID"),
        seen_cseq(seen) + registrar.wrong, lines, contact || !*lines ? "" : "\r\n");
}

void reply_to(struct crowd *crowd, const struct seen *seen, const struct orders *orders)
{
    uint8_t frame[REPLY_MAX] = {0}, *ip = frame + IP, *udp = frame + UDP;
    uint32_t len = SIP + write_text((char *)frame + SIP, seen, orders);
    memcpy(frame, seen->frame, SIP);
    memcpy(ip + 12, seen->frame + IP + 16, 4);
    memcpy(ip + 16, seen->frame + IP + 12, 4);
    memcpy(udp, seen->frame + UDP + 2, 2);
    memcpy(udp + 2, seen->frame + UDP, 2);
    bd_put16(ip + 2, len - IP);
    bd_put16(udp + 4, len - UDP);
    memset(ip + 10, 0, 2);
    memset(udp + 6, 0, 2);
    uint16_t sum = (uint16_t)~bd_sum_fold(bd_sum_add(0, ip, BD_IPV4_SZ));
    memcpy(ip + 10, &sum, 2);
    struct bd_ip from = bd_ip_from_v4(ip + 12), to = bd_ip_from_v4(ip + 16);
    sum = (uint16_t)~bd_sum_fold(
        bd_sum_add(bd_sum_pseudo(&from, &to, BD_PROTO_UDP, len - UDP), udp, len - UDP));
    memcpy(udp + 6, &sum, 2);
    crowd_take(crowd, registrar.tick, frame, len);
}

/* --- the clock -------------------------------------------------------------------------------- */

struct crowd *world_new(struct crowd_options options)
{
    static struct wire wire;
    memset(&registrar, 0, sizeof(registrar));
    answered = 0;
    options.world = (struct phone_world){.domain = "example.com",
                                         .run = "12345678",
                                         .registrar = {198, 18, 0, 1},
                                         .registrar_port = 5060,
                                         .nonce_words = 4};
    options.spread_s = options.spread_s > 0 ? options.spread_s : 0.1;
    return crowd_new(&options, &wire);
}

/* Replies take a hundredth of a second. */
static void answer_due(struct crowd *crowd)
{
    for (; answered < registrar.seen_cnt; answered++) {
        const struct seen *seen = &registrar.seen[answered];
        if (seen->tick + DELAY > registrar.tick)
            return;
        const struct orders *orders =
            seen_field(seen, "Authorization") ? &registrar.secret : &registrar.plain;
        if (orders->status)
            reply_to(crowd, seen, orders);
    }
}

void world_run(struct crowd *crowd, double until_s)
{
    for (; registrar.tick < until_s * CROWD_TICKS_PER_S; registrar.tick++) {
        answer_due(crowd);
        while (crowd_turn(crowd, registrar.tick))
            ;
    }
}
