/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces of packets, five bytes each, put together by DPDK's tables:
 *
 *   packet:4 more:1 variant:1 extension:1 | offset / 8 | length / 8 | length % 8 | time
 *
 * Two variants of a packet have different bytes. Judged: a packet that comes out is as long as one
 * of its last pieces says, and each of its bytes was in a piece at that place; pieces that just fit
 * do become a packet; and no buffer is lost. */
#include "fuzz.h"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include "fragment.h"
#include "frames.h"

enum {
    BUFFERS = 255,
    PACKETS = 16,
    PACKETS_MAX = 8, /* of the table */
    FEW = 4,         /* no place is taken away from so many */
    PIECES_MAX = 48,
    TIMEOUT_MS = 1000,
    ROOM = RTE_MBUF_DEFAULT_BUF_SIZE - RTE_PKTMBUF_HEADROOM - 14 - 40, /* behind Ethernet, IPv6 */
    MORE = 0x10,
    OTHER = 0x20,
    EXTENSION = 0x40
};

struct piece {
    unsigned packet, offset, len;
    bool more, other, extension;
};

/* What has come of one packet. */
struct heap {
    struct piece piece[PIECES_MAX];
    unsigned cnt;
    bool unclear; /* it is no longer sure that it becomes a packet when it is whole */
};

static struct bd_station station;
static struct rte_mempool *pool;
static struct heap heaps[PACKETS];
static unsigned packets_seen;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char lcores[32];
    static char *eal[] = {(char *)"fuzz",
                          lcores,
                          (char *)"--no-huge",
                          (char *)"--no-pci",
                          (char *)"--no-telemetry",
                          (char *)"--no-shconf",
                          (char *)"--log-level=*:error",
                          (char *)"-m",
                          (char *)"64",
                          NULL};
    snprintf(lcores, sizeof(lcores), "--lcores=0@(0-%u)",
             (unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1);
    fuzz_judge(rte_eal_init((int)(sizeof(eal) / sizeof(eal[0])) - 1, eal) >= 0, "no EAL");
    pool = rte_pktmbuf_pool_create("fuzz", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    fuzz_judge(pool, "no buffers");
    station = make_station();
    return 0;
}

static uint8_t byte_at(const struct piece *p, unsigned offset)
{
    return (uint8_t)(offset * 31 + offset / 256 + p->packet * 17 + (p->other ? 101 : 0));
}

static bool is_v6(const struct piece *p)
{
    return p->packet >= PACKETS / 2;
}

/* The frame of a piece, as the wire would give it. */
static void write_frame(struct frame *f, const struct piece *p)
{
    static const uint8_t options[8] = {BD_PROTO_FRAGMENT, 0, 1, 4};
    uint32_t ip, words = p->offset / 8;
    f->len = 0;
    put_ether(f, our_mac, -1, is_v6(p) ? 0x86dd : 0x0800);
    if (is_v6(p)) {
        ip = put_ipv6(f, "2001:db8::2", "2001:db8::1",
                      p->extension ? BD_PROTO_DSTOPTS : BD_PROTO_FRAGMENT, 64);
        if (p->extension)
            put(f, options, sizeof(options));
        put16(f, BD_PROTO_UDP << 8);
        put16(f, words << 3 | p->more);
        put16(f, 0);
        put16(f, p->packet);
        set16(f, ip + 4, f->len - ip - 40 + p->len);
    } else {
        ip = put_ipv4(f, "198.18.0.2", "198.18.0.1", BD_PROTO_UDP, NULL, 0);
        set16(f, ip + 2, 20 + p->len);
        set16(f, ip + 4, p->packet);
        set16(f, ip + 6, (p->more ? 0x2000U : 0U) | words);
        resum(f, ip);
    }
    for (unsigned i = 0; i < p->len; i++) {
        uint8_t byte = byte_at(p, p->offset + i);
        put(f, &byte, 1);
    }
}

static struct rte_mbuf *mbuf_of(const struct frame *f)
{
    struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
    char *to = mbuf ? rte_pktmbuf_append(mbuf, (uint16_t)f->len) : NULL;
    if (to)
        memcpy(to, f->b, f->len);
    else
        rte_pktmbuf_free(mbuf);
    return to ? mbuf : NULL;
}

/* --- what must come of it --------------------------------------------------------------------- */

static void time_goes_by(void)
{
    for (unsigned i = 0; i < PACKETS; i++)
        heaps[i].unclear |= heaps[i].cnt > 0;
}

/* A piece that is odd by itself, or touches another one, may spoil its packet. */
static void note(struct heap *heap, const struct piece *p)
{
    packets_seen += heap->cnt == 0;
    heap->unclear |= p->len == 0 || (p->more && p->len % 8) ||
                     heap->cnt + 1 > BD_FRAGMENT_PIECES_MAX || packets_seen > FEW;
    for (unsigned i = 0; i < heap->cnt; i++) {
        const struct piece *q = &heap->piece[i];
        heap->unclear |= p->offset < q->offset + q->len && q->offset < p->offset + p->len;
        heap->unclear |= !p->more && !q->more;
    }
    heap->piece[heap->cnt++] = *p;
}

/* Whether the pieces just fit: none of them touches another, there is no hole before the end, and
 * the packet has room in a buffer. */
static bool is_whole(const struct heap *heap)
{
    unsigned sum = 0, end = 0, furthest = 0;
    for (unsigned i = 0; i < heap->cnt; i++) {
        const struct piece *p = &heap->piece[i];
        sum += p->len;
        end = p->more ? end : p->offset + p->len;
        furthest = p->offset + p->len > furthest ? p->offset + p->len : furthest;
    }
    return end > 0 && sum == end && furthest == end && heap->cnt > 1 && end <= ROOM;
}

static bool has(const struct heap *heap, unsigned offset, uint8_t byte)
{
    for (unsigned i = 0; i < heap->cnt; i++) {
        const struct piece *p = &heap->piece[i];
        if (offset >= p->offset && offset < p->offset + p->len && byte_at(p, offset) == byte)
            return true;
    }
    return false;
}

static void judge_packet(struct heap *heap, struct rte_mbuf *whole)
{
    const uint8_t *bytes = rte_pktmbuf_mtod(whole, const uint8_t *);
    bool v6 = is_v6(&heap->piece[0]), ends = false;
    unsigned l4 = v6 ? 54 : 34, len = rte_pktmbuf_data_len(whole) - l4;
    for (unsigned i = 0; i < heap->cnt; i++) {
        const struct piece *p = &heap->piece[i];
        ends |= !p->more && p->offset + p->len == len;
    }
    fuzz_judge(ends, "a packet of %u bytes that nobody sent", len);
    fuzz_judge(bd_get16(bytes + (v6 ? 18 : 16)) == len + (v6 ? 0 : 20),
               "its header says %u, not %u", bd_get16(bytes + (v6 ? 18 : 16)), len);
    for (unsigned i = 0; i < len; i++)
        fuzz_judge(has(heap, i, bytes[l4 + i]), "byte %u of %u was in no piece", i, len);
}

/* --- one input -------------------------------------------------------------------------------- */

static struct piece next_piece(struct fuzz_input *in)
{
    unsigned what = fuzz_u8(in);
    struct piece p = {.packet = what % PACKETS,
                      .more = what & MORE,
                      .other = what & OTHER,
                      .extension = what & EXTENSION};
    p.offset = fuzz_u8(in) * 8;
    p.len = fuzz_below(in, 180) * 8;
    p.len += fuzz_below(in, 8);
    return p;
}

static void give(struct bd_fragments *fragments, struct fuzz_input *in, uint64_t *now_tsc)
{
    static struct frame f;
    struct bd_frame read;
    struct rte_mbuf *whole = NULL;
    struct piece p = next_piece(in);
    unsigned time_ms = fuzz_u8(in) / 32 * 200;
    *now_tsc += rte_get_tsc_hz() / 1000 * time_ms;
    if (time_ms > 0)
        time_goes_by();
    write_frame(&f, &p);
    struct rte_mbuf *mbuf = mbuf_of(&f);
    if (!mbuf)
        return;
    enum bd_verdict verdict = bd_frame_read(&station, rte_pktmbuf_mtod(mbuf, const uint8_t *),
                                            f.len, (struct bd_frame_hint){0}, &read);
    if (verdict != BD_VERDICT_NONE || read.kind != BD_FRAME_IS_FRAGMENT) {
        rte_pktmbuf_free(mbuf);
        return;
    }
    struct heap *heap = &heaps[p.packet];
    note(heap, &p);
    verdict = bd_fragments_add(fragments, mbuf, &read, *now_tsc, pool, &whole);
    fuzz_judge((verdict == BD_VERDICT_NONE) == (whole != NULL), "verdict %d", verdict);
    fuzz_judge(whole || heap->unclear || !is_whole(heap), "pieces that fit: verdict %d", verdict);
    if (whole)
        judge_packet(heap, whole);
    else if (verdict == BD_FRAME_FRAGMENT_BAD)
        heap->unclear = true;
    if (whole)
        *heap = (struct heap){.unclear = heap->unclear};
    rte_pktmbuf_free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct bd_error error;
    uint64_t now_tsc = rte_get_tsc_hz();
    struct bd_fragments *fragments = bd_fragments_new(PACKETS_MAX, TIMEOUT_MS, &error);
    fuzz_judge(fragments, "%s", error.text);
    memset(heaps, 0, sizeof(heaps));
    packets_seen = 0;
    for (unsigned i = 0; i < PIECES_MAX && in.left > 0; i++)
        give(fragments, &in, &now_tsc);
    bd_fragments_delete(fragments);
    fuzz_judge(rte_mempool_avail_count(pool) == BUFFERS, "%u buffers are lost",
               BUFFERS - rte_mempool_avail_count(pool));
    return 0;
}
