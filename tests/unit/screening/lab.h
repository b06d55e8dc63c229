/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules as an operator writes them, compiled, published, and used by a worker's screener. */
#ifndef BD_TEST_SCREENING_LAB_H
#define BD_TEST_SCREENING_LAB_H

#include "../policy/test_arena.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compile.h"
#include "limiter.h"
#include "screen.h"
#include "screen_compile.h"
#include "screener.h"

struct lab {
    struct bd_arena arena;
    struct bd_epoch epoch;
    struct bd_worker_stats *stats;
    struct bd_screener *screener;
    struct bd_limiter *limiter;
};

static inline void lab_open(struct lab *lab)
{
    struct bd_error error;
    test_arena_make(&lab->arena, 64);
    bd_epoch_init(&lab->epoch);
    lab->stats = bd_arena_region(&lab->arena, BD_REGION_STATS);
    lab->screener = bd_screener_new(&lab->arena, lab->stats, 1000, &error);
    lab->limiter = bd_limiter_new(&lab->arena, lab->stats, 0, &error);
    assert_non_null(lab->screener);
    assert_non_null(lab->limiter);
}

static inline void lab_close(struct lab *lab)
{
    bd_screener_free(lab->screener);
    bd_limiter_free(lab->limiter);
    bd_arena_leave(&lab->arena);
}

/* A configuration with these rules; `more` are further sections. */
static inline struct bd_config *lab_config(const char *rules, const char *more)
{
    char folder[] = "/tmp/bindery-screen-XXXXXX", config[64], file[64];
    assert_non_null(mkdtemp(folder));
    snprintf(config, sizeof(config), "%s/bindery.yaml", folder);
    snprintf(file, sizeof(file), "%s/rules.yaml", folder);
    FILE *out = fopen(config, "we");
    fprintf(out,
            "ports: [{name: a, driver: ring, addresses: [198.18.0.1/24]}]\n"
            "listen: [\"198.18.0.1:5060\"]\n"
            "domains: [{name: example.com}]\n"
            "auth: {secret: sixteen letters!}\n"
            "screening: {rules: rules.yaml}\n%s",
            more);
    fclose(out);
    out = fopen(file, "we");
    fputs(rules, out);
    fclose(out);
    struct bd_config *c = bd_config_load(config, stderr);
    assert_non_null(c);
    unlink(config);
    unlink(file);
    rmdir(folder);
    return c;
}

/* Compiles and publishes, as control does. */
static inline void lab_publish(struct lab *lab, const struct bd_config *config)
{
    struct bd_error error;
    uint32_t size;
    void *blob = bd_policy_compile(&lab->arena, config, &size, &error);
    if (!blob)
        fail_msg("%s", error.text);
    assert_int_equal(bd_policy_publish(&lab->arena, &lab->epoch, blob, size), 0);
    free(blob);
    bd_screener_use(lab->screener, bd_policy_current(&lab->arena));
}

static inline void lab_rules(struct lab *lab, const char *rules, const char *more)
{
    struct bd_config *config = lab_config(rules, more);
    lab_publish(lab, config);
    bd_config_free(config);
}

static inline enum bd_verdict lab_screen_at(struct lab *lab, const char *text, uint32_t len,
                                            uint32_t now_s, unsigned *code)
{
    static struct bd_message m;
    struct bd_ip source;
    assert_true(bd_ip_parse(BD_STR("192.0.2.1"), &source));
    enum bd_verdict parsed = bd_message_parse(&m, text, len);
    bd_screener_begin(lab->screener, 3, &m, parsed);
    return bd_screener_judge(lab->screener, 3, &source, now_s, code);
}

static inline uint64_t lab_counter(const struct lab *lab, enum bd_counter counter)
{
    return bd_stat_read(&lab->stats->counter[counter]);
}

/* Of the n-th rule, from 0. */
static inline uint64_t lab_hits(const struct lab *lab, unsigned n)
{
    const struct bd_screen *screen = bd_policy_screen(bd_policy_current(&lab->arena));
    const struct bd_screen_rule *rule = &bd_screen_rules(screen)[n];
    return bd_screen_cell_sum(&lab->arena, rule->cell) - rule->base;
}

/* A phone's REGISTER, and the same with one field changed. */
struct phone {
    const char *uri, *from, *to, *contact, *call_id, *agent, *branch;
};
static const struct phone honest = {"sip:example.com",
                                    "\"Alice\" <sip:alice@example.com>;tag=1",
                                    "<sip:alice@example.com>",
                                    "<sip:alice@192.0.2.1:5062>;expires=60",
                                    "c1@192.0.2.1",
                                    "Phone 1.0",
                                    "z9hG4bK1"};

static inline enum bd_verdict lab_screen_code(struct lab *lab, struct phone p, unsigned *code)
{
    char text[2048];
    int n = snprintf(text, sizeof(text),
                     "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=%s\r\nFrom: %s\r\n"
                     "To: %s\r\nCall-ID: %s\r\nCSeq: 1 REGISTER\r\nContact: %s\r\n"
                     "User-Agent: %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                     p.uri, p.branch, p.from, p.to, p.call_id, p.contact, p.agent);
    return lab_screen_at(lab, text, (uint32_t)n, 100, code);
}

static inline enum bd_verdict lab_screen(struct lab *lab, struct phone p)
{
    unsigned ignored;
    return lab_screen_code(lab, p, &ignored);
}

#define WITH(field, text)                                                                          \
    ({                                                                                             \
        struct phone changed = honest;                                                             \
        changed.field = text;                                                                      \
        changed;                                                                                   \
    })

#endif
