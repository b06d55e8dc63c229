/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_format.h"

#include <xxhash.h>

#include "clock.h"
#include "journal_bytes.h"

#define BYTE_ORDER_MARK 0x01020304U

static const char magic[16] = "BINDERY-JOURNAL\n";

/* --- header ----------------------------------------------------------------------------------- */

void bd_journal_header_encode(const struct bd_journal_header *header,
                              uint8_t out[BD_JOURNAL_HEADER_SZ])
{
    struct cursor c = {out};
    memset(out, 0, BD_JOURNAL_HEADER_SZ);
    put_bytes(&c, magic, sizeof(magic));
    put_u32(&c, BYTE_ORDER_MARK);
    put_u16(&c, header->version);
    put_u16(&c, header->kind);
    put_u64(&c, header->number);
    put_u64(&c, header->previous);
    put_u64(&c, header->geometry);
    put_u64(&c, header->slots);
    put_u64(&c, header->salt);
    put_u64(&c, header->made.wall_ms);
    put_u64(&c, header->made.clock_ms);
    put_u64(&c, header->made.boot);
    c.p = out + BD_JOURNAL_HEADER_SZ - sizeof(uint64_t);
    put_u64(&c, XXH3_64bits(out, BD_JOURNAL_HEADER_SZ - sizeof(uint64_t)));
}

static bool header_sane(const struct bd_journal_header *header)
{
    return header->slots <= BD_JOURNAL_SLOTS_MAX &&
           (header->kind == BD_JOURNAL_FILE_JOURNAL || header->kind == BD_JOURNAL_FILE_SNAPSHOT);
}

bool bd_journal_header_decode(const uint8_t in[BD_JOURNAL_HEADER_SZ],
                              struct bd_journal_header *header)
{
    struct input end = {in + BD_JOURNAL_HEADER_SZ - sizeof(uint64_t), sizeof(uint64_t), false};
    struct input i = {in + sizeof(magic), BD_JOURNAL_HEADER_SZ - sizeof(magic), false};
    if (memcmp(in, magic, sizeof(magic)) != 0 || get_u32(&i) != BYTE_ORDER_MARK ||
        get_u64(&end) != XXH3_64bits(in, BD_JOURNAL_HEADER_SZ - sizeof(uint64_t)))
        return false;
    *header = (struct bd_journal_header){.version = get_u16(&i)};
    header->kind = get_u16(&i);
    header->number = get_u64(&i);
    if (header->version != BD_JOURNAL_VERSION)
        return true;
    header->previous = get_u64(&i);
    header->geometry = get_u64(&i);
    header->slots = get_u64(&i);
    header->salt = get_u64(&i);
    header->made.wall_ms = get_u64(&i);
    header->made.clock_ms = get_u64(&i);
    header->made.boot = get_u64(&i);
    return header_sane(header);
}

/* --- frame ------------------------------------------------------------------------------------ */

void bd_journal_frame_encode(uint8_t *record, uint64_t seed, uint8_t type, uint32_t len,
                             uint64_t seq)
{
    uint8_t *body = record + BD_JOURNAL_FRAME_SZ;
    uint32_t padded = bd_journal_padded(len);
    memset(body + len, 0, padded - len);
    struct cursor c = {record + 4};
    put_u32(&c, len | (uint32_t)type << 24);
    put_u64(&c, seq);
    put_u64(&c, XXH3_64bits_withSeed(body, padded, seed));
    c.p = record;
    put_u32(&c, (uint32_t)XXH3_64bits_withSeed(record + 4, BD_JOURNAL_FRAME_SZ - 4, seed));
}

uint32_t bd_journal_frame_peek(const uint8_t in[BD_JOURNAL_FRAME_SZ],
                               struct bd_journal_frame *frame)
{
    struct input i = {in, BD_JOURNAL_FRAME_SZ, false};
    uint32_t check = get_u32(&i), word = get_u32(&i);
    frame->len = word & 0xffffffU;
    frame->type = (uint8_t)(word >> 24);
    frame->seq = get_u64(&i);
    frame->body_check = get_u64(&i);
    return check;
}

bool bd_journal_frame_decode(const uint8_t in[BD_JOURNAL_FRAME_SZ], uint64_t seed,
                             struct bd_journal_frame *frame)
{
    return bd_journal_frame_peek(in, frame) ==
               (uint32_t)XXH3_64bits_withSeed(in + 4, BD_JOURNAL_FRAME_SZ - 4, seed) &&
           frame->len <= BD_JOURNAL_BODY_MAX;
}

bool bd_journal_body_whole(const struct bd_journal_frame *frame, const uint8_t *body, uint64_t seed)
{
    return XXH3_64bits_withSeed(body, bd_journal_padded(frame->len), seed) == frame->body_check;
}

/* --- time ------------------------------------------------------------------------------------- */

struct bd_journal_time bd_journal_time_read(void)
{
    return (struct bd_journal_time){bd_wall_ms(), bd_clock_ms(), bd_clock_boot()};
}
