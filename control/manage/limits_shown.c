/* SPDX-License-Identifier: BSD-3-Clause */
#include "limits_shown.h"

#include <stdlib.h>

#include "clock.h"
#include "limiter.h"
#include "render.h"
#include "source.h"

enum { SHOWN_MAX = 20 };

/* --- settings --------------------------------------------------------------------------------- */

static void add(json_t *list, const char *name, uint32_t value)
{
    char set_by[48];
    snprintf(set_by, sizeof(set_by), "limits.%s", name);
    json_array_append_new(list, json_pack("{s:s, s:n, s:I, s:s}", "limit", name, "used", "max",
                                          (json_int_t)value, "set_by", set_by));
}

void bd_limits_add_settings(json_t *list, const struct bd_config *config)
{
    add(list, "source_rate", config->source_rate);
    add(list, "source_burst", config->source_burst);
    add(list, "aor_rate", config->aor_rate);
    add(list, "aor_burst", config->aor_burst);
    add(list, "failed_per_source", config->failed_per_source);
    add(list, "failed_per_aor", config->failed_per_aor);
    add(list, "failed_aor_pause", config->failed_aor_pause_s);
    add(list, "failed_ban", config->failed_ban_s);
    add(list, "failed_ban_max", config->failed_ban_max_s);
    add(list, "allow", config->allow.cnt + config->allow.filed_cnt);
    add(list, "deny", config->deny.cnt + config->deny.filed_cnt);
}

uint32_t bd_known_sources_cnt(const struct bd_control *control)
{
    return bd_known_cnt(&bd_limits_of(&control->arena)->known, (uint32_t)(bd_clock_ms() / 1000));
}

/* --- sources and addresses of record ---------------------------------------------------------- */

struct refused {
    uint64_t key, cnt;
    char name[BD_REFUSED_TEXT + 1]; /* of an AoR */
};

struct collected {
    struct refused *row;
    size_t cnt;
};

static int by_key(const void *a, const void *b)
{
    const struct refused *x = a, *y = b;
    int order = memcmp(x->name, y->name, sizeof(x->name));
    return order ? order : x->key < y->key ? -1 : x->key > y->key;
}

static int by_cnt(const void *a, const void *b)
{
    const struct refused *x = a, *y = b;
    return x->cnt > y->cnt ? -1 : x->cnt < y->cnt;
}

/* What several workers have of one becomes one row; the heaviest come first. */
static void rank(struct collected *all)
{
    size_t kept = 0;
    qsort(all->row, all->cnt, sizeof(*all->row), by_key);
    for (size_t i = 0; i < all->cnt; i++) {
        if (kept && by_key(&all->row[kept - 1], &all->row[i]) == 0)
            all->row[kept - 1].cnt += all->row[i].cnt;
        else
            all->row[kept++] = all->row[i];
    }
    all->cnt = kept;
    qsort(all->row, kept, sizeof(*all->row), by_cnt);
}

static const struct bd_worker_limits *limits_of(const struct bd_control *control, unsigned worker)
{
    return &bd_limits_of(&control->arena)->worker[worker];
}

static struct collected sources_of(const struct bd_control *control)
{
    struct collected all = {NULL, 0};
    uint64_t key, now_ms = bd_clock_ms(), lately_ms = BD_REFUSED_LATELY_S * 1000ULL;
    uint64_t since = now_ms > lately_ms ? bd_rate_now(now_ms - lately_ms) : 0;
    uint32_t cnt;
    all.row = calloc((size_t)BD_RATES_MAX * bd_control_workers(control), sizeof(*all.row));
    for (unsigned w = 0; all.row && w < bd_control_workers(control); w++) {
        for (unsigned i = 0; i < BD_RATES_MAX; i++) {
            if (bd_rate_refused_at(&limits_of(control, w)->sources, i, since, &key, &cnt))
                all.row[all.cnt++] = (struct refused){.key = key, .cnt = cnt};
        }
    }
    if (all.row)
        rank(&all);
    return all;
}

json_t *bd_limited_sources_json(const struct bd_control *control)
{
    const struct bd_config *config = control->config;
    struct collected all = sources_of(control);
    json_t *list = json_array();
    for (size_t i = 0; i < all.cnt && i < SHOWN_MAX; i++) {
        char text[BD_ENDPOINT_TEXT_MAX];
        uint64_t key = all.row[i].key;
        uint32_t bits =
            bd_source_is_v4(key) ? 96 + config->source_prefix_ipv4 : config->source_prefix_ipv6;
        struct bd_prefix source = {.ip = bd_source_ip(key), .len = (uint8_t)bits};
        bd_prefix_format(&source, text);
        json_array_append_new(list, json_pack("{s:s, s:I}", "limited_source", text, "refused",
                                              (json_int_t)all.row[i].cnt));
    }
    free(all.row);
    return list;
}

json_t *bd_refused_aors_json(const struct bd_control *control)
{
    struct refused row[BD_REFUSED_MAX * BD_WORKERS_MAX] = {{0}};
    struct collected all = {row, 0};
    for (unsigned w = 0; w < bd_control_workers(control); w++) {
        for (unsigned i = 0; i < BD_REFUSED_MAX; i++) {
            struct refused *r = &row[all.cnt];
            all.cnt += bd_refused_at(&limits_of(control, w)->refused, i, &r->cnt, r->name);
        }
    }
    rank(&all);
    json_t *list = json_array();
    for (size_t i = 0; i < all.cnt && i < SHOWN_MAX; i++)
        json_array_append_new(list, json_pack("{s:o, s:I}", "limited_aor",
                                              bd_json_str(bd_str_from(row[i].name)), "refused",
                                              (json_int_t)row[i].cnt));
    return list;
}

/* --- counters --------------------------------------------------------------------------------- */

static void add_total(json_t *list, const char *name, uint64_t total)
{
    json_array_append_new(list,
                          json_pack("{s:s, s:I}", "counted", name, "total", (json_int_t)total));
}

json_t *bd_limit_counters_json(const struct bd_control *control)
{
    static const enum bd_verdict verdicts[] = {BD_FRAME_DENIED,    BD_FRAME_BANNED,
                                               BD_FRAME_LIMITED,   BD_SIP_AOR_LIMITED,
                                               BD_SIP_AUTH_SLOWED, BD_SIP_LIMIT_DROP};
    static const enum bd_counter counters[] = {
        BD_CTR_LIMITED_PASSED, BD_CTR_AOR_LIMITED_PASSED, BD_CTR_AUTH_SLOWED_PASSED,
        BD_CTR_BANNED_PASSED,  BD_CTR_AUTH_FAILED,        BD_CTR_AUTH_FAILED_FOREIGN,
        BD_CTR_AUTH_GUARDED,   BD_CTR_BANS_ADDED};
    json_t *list = json_array();
    for (unsigned i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
        add_total(list, bd_verdict_info[verdicts[i]].text, bd_control_judged(control, verdicts[i]));
    for (unsigned i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        add_total(list, bd_counter_info[counters[i]].text,
                  bd_control_counted(control, counters[i]));
    return list;
}
