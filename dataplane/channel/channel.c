/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel.h"

/* The rings of one channel, in the order they lie in the region. A worker can have no more reports
 * under way than commands, so both rings are of one size. */
static const struct {
    uint32_t cnt, elem_sz;
} rings[] = {
    {BD_JOBS_CNT, BD_JOB_SZ},
    {BD_VERDICTS_CNT, sizeof(struct bd_verify_result)},
    {BD_SWEEPS_CNT, sizeof(uint64_t)},
    {BD_COMMANDS_CNT, sizeof(struct bd_command)},
    {BD_COMMANDS_CNT, sizeof(struct bd_report)},
    {BD_INBOUND_CNT, BD_INBOUND_SZ},
    {BD_OUTBOUND_CNT, BD_OUTBOUND_SZ},
};
enum { RING_CNT = sizeof(rings) / sizeof(rings[0]) };

/* Where ring `which` begins in a channel; RING_CNT gives the size of a channel. */
static uint64_t ring_off(unsigned which)
{
    uint64_t off = 0;
    for (unsigned i = 0; i < which; i++)
        off += bd_ring_footprint(rings[i].cnt, rings[i].elem_sz);
    return off;
}

static void *ring_at(const struct bd_arena *arena, unsigned worker, unsigned which)
{
    uint8_t *region = bd_arena_region(arena, BD_REGION_CHANNELS);
    return region + worker * ring_off(RING_CNT) + ring_off(which);
}

uint64_t bd_channels_footprint(unsigned workers)
{
    return workers <= BD_WORKERS_MAX ? workers * ring_off(RING_CNT) : 0;
}

void bd_channels_format(struct bd_arena *arena, unsigned workers)
{
    for (unsigned w = 0; w < workers; w++) {
        for (unsigned i = 0; i < RING_CNT; i++)
            bd_ring_format(ring_at(arena, w, i), rings[i].cnt, rings[i].elem_sz);
    }
}

struct bd_channel bd_channel_of(const struct bd_arena *arena, unsigned worker)
{
    return (struct bd_channel){
        .jobs = ring_at(arena, worker, 0),
        .verdicts = ring_at(arena, worker, 1),
        .sweeps = ring_at(arena, worker, 2),
        .commands = ring_at(arena, worker, 3),
        .reports = ring_at(arena, worker, 4),
        .inbound = ring_at(arena, worker, 5),
        .outbound = ring_at(arena, worker, 6),
    };
}

static uint32_t text_off(const struct bd_verify_job *job, enum bd_job_text which)
{
    uint32_t off = 0;
    for (unsigned i = 0; i < which; i++)
        off += job->text_len[i];
    return off;
}

struct bd_str bd_job_get(const struct bd_verify_job *job, enum bd_job_text which)
{
    uint32_t off = text_off(job, which);
    /* The lengths come from the other process: never trust them with the end of the element. */
    if (off > BD_JOB_TEXT_MAX || job->text_len[which] > BD_JOB_TEXT_MAX - off)
        return BD_STR_NULL;
    return (struct bd_str){job->text + off, job->text_len[which]};
}

bool bd_inbound_put(struct bd_inbound *in, struct bd_str watcher, struct bd_str resource,
                    struct bd_str datagram)
{
    if ((uint64_t)watcher.len + resource.len + datagram.len > BD_INBOUND_TEXT_MAX)
        return false;
    in->watcher_len = (uint16_t)watcher.len;
    in->resource_len = (uint16_t)resource.len;
    in->len = (uint16_t)datagram.len;
    if (watcher.len)
        memcpy(in->text, watcher.p, watcher.len);
    if (resource.len)
        memcpy(in->text + watcher.len, resource.p, resource.len);
    memcpy(in->text + watcher.len + resource.len, datagram.p, datagram.len);
    return true;
}

struct bd_inbound_texts bd_inbound_get(const struct bd_inbound *in)
{
    struct bd_inbound_texts t = {BD_STR_NULL, BD_STR_NULL, BD_STR_NULL};
    if ((uint64_t)in->watcher_len + in->resource_len + in->len > BD_INBOUND_TEXT_MAX)
        return t;
    t.watcher = (struct bd_str){in->text, in->watcher_len};
    t.resource = (struct bd_str){in->text + in->watcher_len, in->resource_len};
    t.datagram = (struct bd_str){t.resource.p + in->resource_len, in->len};
    return t;
}
