/* SPDX-License-Identifier: BSD-3-Clause */
#include "flood.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "checksum.h"
#include "digits.h"

enum { IP = BD_ETHER_SZ, UDP = IP + BD_IPV4_SZ, PAYLOAD_MAX = PHONE_FRAME_MAX - PHONE_HEADERS_SZ };
enum { NUMBERS = 1 << 20 };
enum { WIDER = BD_IPV6_SZ - BD_IPV4_SZ };
/* No branch of a phone begins so. */
#define BRANCH_HIGH 0xa7000000U

const char *const flood_kind_name[FLOOD_KINDS + 1] = {
    "plain", "forged", "garbage", "truncated", "giant", "fragments", "torture", "ipv6", "mix"};

struct flood {
    struct flood_options options;
    struct wire *wire;
    struct flood_counts counts;
    enum flood_kind kind; /* now */
    uint64_t random;
    double owed_s; /* what was due until then has been asked for */
    struct phone_form plain[PHONE_MAKES], forged[PHONE_MAKES], giant[PHONE_MAKES];
    unsigned torture_cnt;
    struct {
        uint32_t len;
        uint8_t text[PAYLOAD_MAX];
    } torture[FLOOD_TORTURES_MAX];
};

/* --- chance ----------------------------------------------------------------------------------- */

/* xorshift64*: the same run each time. */
static uint32_t chance(struct flood *f)
{
    f->random ^= f->random >> 12;
    f->random ^= f->random << 25;
    f->random ^= f->random >> 27;
    return (uint32_t)((f->random * 0x2545f4914f6cdd1dULL) >> 32);
}

static uint32_t below(struct flood *f, uint32_t end)
{
    return (uint32_t)((uint64_t)chance(f) * end >> 32);
}

/* --- frames ----------------------------------------------------------------------------------- */

static uint32_t source_of(struct flood *f)
{
    uint32_t host = (1 << 8 | 1) + below(f, f->options.sources);
    return 0xc6120000 + (host < 100 << 8 ? host : host + (100 << 8));
}

static void set_ip_checksum(uint8_t *ip)
{
    ip[10] = ip[11] = 0;
    uint16_t sum = (uint16_t)~bd_sum_fold(bd_sum_ipv4(ip));
    memcpy(ip + 10, &sum, sizeof(sum));
}

/* RFC 1624: the sum without the old words, with the new ones. */
static void set_source(uint8_t *frame, uint32_t source)
{
    uint8_t was[4];
    uint16_t sum;
    memcpy(was, frame + IP + 12, sizeof(was));
    bd_put32(frame + IP + 12, source);
    memcpy(&sum, frame + UDP + 6, sizeof(sum));
    uint64_t all = (uint16_t)~sum;
    for (unsigned i = 0; i < 4; i += 2) {
        uint16_t out, in;
        memcpy(&out, was + i, sizeof(out));
        memcpy(&in, frame + IP + 12 + i, sizeof(in));
        all += (uint16_t)~out + (uint64_t)in;
    }
    sum = (uint16_t)~bd_sum_fold(all);
    sum = sum ? sum : 0xffff;
    memcpy(frame + UDP + 6, &sum, sizeof(sum));
    set_ip_checksum(frame + IP);
}

/* Lengths and checksums anew for another payload than the form had. */
static uint32_t close_frame(uint8_t *frame, uint32_t payload)
{
    uint32_t udp_len = BD_UDP_SZ + payload;
    bd_put16(frame + IP + 2, BD_IPV4_SZ + udp_len);
    bd_put16(frame + UDP + 4, udp_len);
    bd_put16(frame + UDP + 6, 0);
    struct bd_ip from = bd_ip_from_v4(frame + IP + 12), to = bd_ip_from_v4(frame + IP + 16);
    uint16_t sum =
        bd_sum_finish(bd_sum_pseudo(&from, &to, BD_PROTO_UDP, udp_len), frame + UDP, udp_len);
    sum = sum ? sum : 0xffff;
    memcpy(frame + UDP + 6, &sum, sizeof(sum));
    set_ip_checksum(frame + IP);
    return PHONE_HEADERS_SZ + payload;
}

static uint32_t write_form(struct flood *f, const struct phone_form forms[PHONE_MAKES],
                           uint8_t *frame)
{
    uint64_t user = digits_decimal8(below(f, NUMBERS));
    struct phone_request r =
        phone_request_of(user, digits_decimal8(10000000 + below(f, NUMBERS)),
                         (uint64_t)(BRANCH_HIGH | below(f, NUMBERS)) << 32 | chance(f));
    if (forms == f->forged) {
        for (unsigned i = PHONE_NC; i < PHONE_FIELDS; i++)
            r.field[i] = digits_hex8(chance(f));
    }
    const struct phone_form *form = &forms[phone_make_of(user)];
    phone_write(form, &r, frame);
    set_source(frame, source_of(f));
    return form->len;
}

static uint32_t write_garbage(struct flood *f, uint8_t *frame)
{
    uint32_t len = 1 + below(f, PAYLOAD_MAX);
    write_form(f, f->plain, frame);
    for (uint32_t i = 0; i < len; i++)
        frame[PHONE_HEADERS_SZ + i] = (uint8_t)chance(f);
    return close_frame(frame, len);
}

/* The IP payload of all but a last fragment is a multiple of eight bytes. */
static uint32_t write_fragment(struct flood *f, uint8_t *frame)
{
    enum { MORE_FRAGMENTS = 0x2000, OFFSETS = 180 };
    uint32_t payload = (write_form(f, f->giant, frame) - UDP) & ~7U;
    bd_put16(frame + IP + 2, BD_IPV4_SZ + payload);
    bd_put16(frame + IP + 4, (uint16_t)chance(f));
    bd_put16(frame + IP + 6, (uint16_t)(MORE_FRAGMENTS | (chance(f) & 1 ? below(f, OFFSETS) : 0)));
    set_ip_checksum(frame + IP);
    return UDP + payload;
}

static uint32_t write_torture(struct flood *f, uint8_t *frame)
{
    uint32_t i = below(f, f->torture_cnt);
    write_form(f, f->plain, frame);
    memcpy(frame + PHONE_HEADERS_SZ, f->torture[i].text, f->torture[i].len);
    return close_frame(frame, f->torture[i].len);
}

static void put_ipv6(struct flood *f, uint8_t *ip, uint32_t len)
{
    static const uint8_t begin[8] = {0x60, [6] = BD_PROTO_UDP, 64};
    static const uint8_t network[4] = {0x20, 0x01, 0x0d, 0xb8},
                         registrar[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    memcpy(ip, begin, sizeof(begin));
    bd_put16(ip + 4, len);
    memcpy(ip + 8, network, sizeof(network));
    bd_put32(ip + 12, (1 << 16) + below(f, f->options.sources));
    bd_put32(ip + 16, chance(f));
    bd_put32(ip + 20, chance(f));
    memcpy(ip + 24, registrar, sizeof(registrar));
}

static uint32_t write_ipv6(struct flood *f, uint8_t *frame)
{
    uint32_t len = write_form(f, f->plain, frame) - UDP;
    uint8_t *ip = frame + IP, *udp = ip + BD_IPV6_SZ;
    memmove(udp, frame + UDP, len);
    bd_put16(ip - 2, BD_ETHERTYPE_IPV6);
    put_ipv6(f, ip, len);
    struct bd_ip from, to;
    memcpy(from.b, ip + 8, sizeof(from.b));
    memcpy(to.b, ip + 24, sizeof(to.b));
    bd_put16(udp + 6, 0);
    uint16_t sum = bd_sum_finish(bd_sum_pseudo(&from, &to, BD_PROTO_UDP, len), udp, len);
    sum = sum ? sum : 0xffff;
    memcpy(udp + 6, &sum, sizeof(sum));
    return UDP + WIDER + len;
}

uint32_t flood_write(struct flood *f, enum flood_kind kind, uint8_t frame[PHONE_FRAME_MAX])
{
    switch (kind) {
    case FLOOD_FORGED:
        return write_form(f, f->forged, frame);
    case FLOOD_GARBAGE:
        return write_garbage(f, frame);
    case FLOOD_TRUNCATED: {
        uint32_t len = write_form(f, f->plain, frame) - PHONE_HEADERS_SZ;
        return close_frame(frame, 1 + below(f, len - 1));
    }
    case FLOOD_GIANT:
        return write_form(f, f->giant, frame);
    case FLOOD_FRAGMENTS:
        return write_fragment(f, frame);
    case FLOOD_TORTURE:
        return write_torture(f, frame);
    case FLOOD_IPV6:
        return write_ipv6(f, frame);
    default:
        return write_form(f, f->plain, frame);
    }
}

/* --- sending ---------------------------------------------------------------------------------- */

unsigned flood_due(struct flood *f, double now_s)
{
    const struct flood_options *o = &f->options;
    double owed = (now_s - f->owed_s) * o->rate_per_s;
    if (owed < 1)
        return 0;
    unsigned due = owed < WIRE_BURST ? (unsigned)owed : WIRE_BURST;
    /* A second behind: the generator cannot do more. */
    if (owed > o->rate_per_s) {
        f->counts.skipped += (uint64_t)owed - due;
        f->owed_s = now_s;
    } else {
        f->owed_s += due / o->rate_per_s;
    }
    f->kind = o->kind;
    if (o->rotate_s > 0)
        f->kind = (enum flood_kind)((uint64_t)(now_s / o->rotate_s) % FLOOD_KINDS);
    return due;
}

static enum flood_kind next_kind(struct flood *f)
{
    enum flood_kind kind = f->kind;
    if (kind == FLOOD_MIX)
        kind = (enum flood_kind)below(f, FLOOD_KINDS);
    return kind == FLOOD_TORTURE && f->torture_cnt == 0 ? FLOOD_TRUNCATED : kind;
}

void flood_send(struct flood *f, unsigned cnt)
{
    enum flood_kind kind[WIRE_BURST];
    if (cnt == 0)
        return;
    if (wire_room(f->wire, cnt) == 0) {
        f->counts.lost += cnt;
        return;
    }
    for (unsigned i = 0; i < cnt; i++) {
        kind[i] = next_kind(f);
        uint8_t *frame = wire_frame(f->wire, i, PHONE_FRAME_MAX);
        wire_frame(f->wire, i, flood_write(f, kind[i], frame));
    }
    unsigned lost = wire_push(f->wire) ? 0 : wire_drop(f->wire);
    f->counts.lost += lost;
    for (unsigned i = 0; i + lost < cnt; i++)
        f->counts.taken[kind[i]]++;
}

const struct flood_counts *flood_counts(const struct flood *f)
{
    return &f->counts;
}

/* --- the flood -------------------------------------------------------------------------------- */

static void read_torture(struct flood *f, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    uint32_t len = (uint32_t)fread(f->torture[f->torture_cnt].text, 1, PAYLOAD_MAX, file);
    f->torture[f->torture_cnt].len = len;
    f->torture_cnt += len > 0;
    fclose(file);
}

static bool read_tortures(struct flood *f, const char *folder)
{
    char pattern[4096];
    glob_t found;
    if (!folder)
        return true;
    snprintf(pattern, sizeof(pattern), "%s/*/*.dat", folder);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && f->torture_cnt < FLOOD_TORTURES_MAX; i++)
            read_torture(f, found.gl_pathv[i]);
        globfree(&found);
    }
    if (f->torture_cnt == 0)
        fprintf(stderr, "bindery-attack: no messages: %s\n", pattern);
    return f->torture_cnt > 0;
}

static bool make_forms(struct flood *f)
{
    struct phone_world large = f->options.world;
    large.size = PAYLOAD_MAX;
    for (unsigned make = 0; make < PHONE_MAKES; make++) {
        if (!phone_form_make(&f->plain[make], &f->options.world, PHONE_REGISTER, make) ||
            !phone_form_make(&f->forged[make], &f->options.world, PHONE_REGISTER_DIGEST, make) ||
            !phone_form_make(&f->giant[make], &large, PHONE_REGISTER, make) ||
            f->plain[make].len + WIDER > PHONE_FRAME_MAX) {
            fprintf(stderr, "bindery-attack: a request of %s does not fit into a frame\n",
                    phone_make_name[make]);
            return false;
        }
    }
    return true;
}

struct flood *flood_new(const struct flood_options *options, struct wire *wire)
{
    struct flood *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->options = *options;
    f->wire = wire;
    f->random = 0x5eed5eed5eed5eedULL;
    if (make_forms(f) && read_tortures(f, options->torture))
        return f;
    flood_free(f);
    return NULL;
}

void flood_free(struct flood *f)
{
    free(f);
}
