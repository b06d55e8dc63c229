/* SPDX-License-Identifier: BSD-3-Clause */
#include "screener.h"

#include <stdlib.h>

#include "ban.h"
#include "scratch.h"
#include "seen.h"

/* Fields of one message that are hashed; one with more is scanned each time. */
enum { PARTS_MAX = 16 };

/* A request of the burst. */
struct place {
    const struct bd_message *m; /* NULL: is not screened */
    uint64_t hash;              /* of its lasting fields; 0: no such thing */
};

struct bd_screener {
    const struct bd_arena *arena;
    struct bd_worker_stats *stats;
    const struct bd_policy *policy;
    uint64_t sequence;              /* of the policy that was taken up */
    const struct bd_screen *screen; /* NULL: nothing to scan for, or not possible */
    bool lasting, passing;          /* rules name fields of a phone; of a single request */
    bool failed;                    /* there are rules, but this worker cannot use them */
    struct bd_scratch memory;
    hs_scratch_t *scratch;
    struct bd_seen seen;
    struct place place[BD_BURST];
};

struct bd_screener *bd_screener_new(const struct bd_arena *arena, struct bd_worker_stats *stats,
                                    uint64_t phones, struct bd_error *error)
{
    bd_scratch_init();
    struct bd_screener *s = calloc(1, sizeof(*s));
    if (s) {
        s->arena = arena;
        s->stats = stats;
        s->memory.memory = aligned_alloc(BD_SCREEN_ALIGN, BD_SCREEN_SCRATCH_MAX);
        if (s->memory.memory && bd_seen_init(&s->seen, phones))
            return s;
    }
    bd_screener_free(s);
    bd_fail(error, "screening: out of memory");
    return NULL;
}

void bd_screener_free(struct bd_screener *screener)
{
    if (!screener)
        return;
    bd_seen_free(&screener->seen);
    free(screener->memory.memory);
    free(screener);
}

static void count(struct bd_screener *s, enum bd_counter counter)
{
    bd_stat_add(&s->stats->counter[counter], 1);
}

/* --- rules ------------------------------------------------------------------------------------ */

static bool names(const struct bd_screen *screen, unsigned first, unsigned end)
{
    bool any = false;
    for (unsigned f = first; screen && f < end; f++)
        any |= screen->database_off[f] != 0;
    return any;
}

void bd_screener_use(struct bd_screener *s, const struct bd_policy *policy)
{
    s->policy = policy;
    if (policy->sequence == s->sequence)
        return;
    s->sequence = policy->sequence;
    const struct bd_screen *screen = bd_policy_screen(policy);
    s->scratch = screen ? bd_scratch_make(&s->memory, screen) : NULL;
    s->failed = screen && !s->scratch;
    s->screen = s->scratch ? screen : NULL;
    s->lasting = names(s->screen, 0, BD_SCREEN_LASTING_CNT);
    s->passing = names(s->screen, BD_SCREEN_LASTING_CNT, BD_SCREEN_FIELD_CNT);
}

/* --- fields ----------------------------------------------------------------------------------- */

static const enum bd_header_id header_of[BD_SCREEN_FIELD_CNT] = {
    [BD_SCREEN_USER_AGENT] = BD_HDR_USER_AGENT,
    [BD_SCREEN_FROM] = BD_HDR_FROM,
    [BD_SCREEN_TO] = BD_HDR_TO,
    [BD_SCREEN_CONTACT] = BD_HDR_CONTACT,
    [BD_SCREEN_CALL_ID] = BD_HDR_CALL_ID,
    [BD_SCREEN_VIA] = BD_HDR_VIA,
};

/* Walks the texts of a field: all header fields of a name, the Request-URI, or the message. */
struct walk {
    const struct bd_message *m;
    const struct bd_header *header;
    struct bd_str text;
};

static struct walk walk_begin(const struct bd_message *m, enum bd_screen_field field)
{
    struct walk walk = {.m = m};
    if (field == BD_SCREEN_RAW)
        walk.text = m->text;
    else if (field == BD_SCREEN_REQUEST_URI)
        walk.text = m->request_uri.text;
    else if ((walk.header = bd_header_first(m, header_of[field])))
        walk.text = walk.header->value;
    return walk;
}

static void walk_step(struct walk *walk)
{
    if (walk->header)
        walk->header = bd_header_next(walk->m, walk->header);
    walk->text = walk->header ? walk->header->value : BD_STR_NULL;
}

/* --- what has passed -------------------------------------------------------------------------- */

/* Of the fields that rules name, and how often each is there. 0: too many to be hashed. */
static uint64_t hash_of(const struct bd_screener *s, const struct bd_message *m)
{
    const struct bd_hash_key *key = &s->arena->hash_key;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): rules name fields, so there are rules */
    uint64_t part[PARTS_MAX + 2] = {s->screen->identity};
    unsigned cnt = 2;
    for (unsigned f = 0; f < BD_SCREEN_LASTING_CNT; f++) {
        if (!s->screen->database_off[f])
            continue;
        unsigned before = cnt;
        struct walk walk = walk_begin(m, (enum bd_screen_field)f);
        for (; walk.text.p && cnt < PARTS_MAX + 2; walk_step(&walk))
            part[cnt++] = bd_hash64(key, walk.text.p, walk.text.len);
        if (walk.text.p)
            return 0;
        part[1] = part[1] << 8 | (cnt - before);
    }
    return bd_hash64(key, part, cnt * sizeof(part[0]));
}

/* Of what did not parse, only requests whose header fields are known. */
static bool is_readable(const struct bd_message *m, enum bd_verdict parsed)
{
    bool read = parsed == BD_VERDICT_NONE || parsed == BD_SIP_MALFORMED ||
                parsed == BD_SIP_BAD_VERSION || parsed == BD_SIP_BAD_SCHEME;
    return read && m->is_request;
}

void bd_screener_begin(struct bd_screener *s, unsigned place, const struct bd_message *m,
                       enum bd_verdict parsed)
{
    struct place *p = &s->place[place];
    *p = (struct place){.m = NULL};
    if ((!s->screen && !s->failed) || !is_readable(m, parsed))
        return;
    p->m = m;
    if (!s->lasting)
        return;
    p->hash = hash_of(s, m);
    bd_seen_prefetch(&s->seen, p->hash);
}

/* --- scanning --------------------------------------------------------------------------------- */

struct scan {
    struct bd_screener *screener;
    const struct bd_screen_rule *rules;
    uint32_t first; /* that decides; UINT32_MAX: none does */
    uint32_t would; /* the first of those that would ban, while bans are only counted */
    bool counted, failed;
};

static void hit(struct bd_screener *s, const struct bd_screen_rule *rule)
{
    bd_stat_add(&s->stats->screen_hits[rule->cell], 1);
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *arg)
{
    struct scan *scan = arg;
    const struct bd_screen_rule *rule = &scan->rules[id];
    if (rule->action == BD_SCREEN_COUNT) {
        hit(scan->screener, rule);
        scan->counted = true;
    } else if (rule->action == BD_SCREEN_BAN && !scan->screener->policy->bans_enforced) {
        scan->would = id < scan->would ? id : scan->would;
    } else if (id < scan->first) {
        scan->first = id;
    }
    return 0;
}

static void scan_field(struct scan *scan, const struct bd_message *m, enum bd_screen_field field)
{
    struct bd_screener *s = scan->screener;
    const hs_database_t *database = bd_screen_database(s->screen, field);
    if (!database)
        return;
    struct walk walk = walk_begin(m, field);
    for (; walk.text.p; walk_step(&walk))
        scan->failed |= hs_scan(database, walk.text.p, walk.text.len, 0, s->scratch, on_match,
                                scan) != HS_SUCCESS;
}

static void scan_fields(struct scan *scan, const struct bd_message *m, unsigned first, unsigned end)
{
    for (unsigned f = first; f < end; f++)
        scan_field(scan, m, (enum bd_screen_field)f);
}

static bool is_clean(const struct scan *scan)
{
    return scan->first == UINT32_MAX && scan->would == UINT32_MAX && !scan->counted &&
           !scan->failed;
}

static void scan_all(struct scan *scan, const struct place *p)
{
    struct bd_screener *s = scan->screener;
    bool seen = !s->lasting || (p->hash && bd_seen_has(&s->seen, p->hash));
    if (!seen) {
        scan_fields(scan, p->m, 0, BD_SCREEN_LASTING_CNT);
        if (p->hash && is_clean(scan))
            bd_seen_add(&s->seen, p->hash);
    }
    if (s->passing)
        scan_fields(scan, p->m, BD_SCREEN_LASTING_CNT, BD_SCREEN_FIELD_CNT);
    count(s, seen && !s->passing ? BD_CTR_SCREEN_SKIPPED : BD_CTR_SCREEN_SCANNED);
}

/* --- verdicts --------------------------------------------------------------------------------- */

static void ban(struct bd_screener *s, const struct bd_screen_rule *rule, uint32_t id,
                const struct bd_ip *source, uint32_t now_s)
{
    if (!bd_policy_may_ban(s->policy, source))
        return;
    enum bd_ban_rc rc = bd_ban_put(s->arena, source, now_s, rule->seconds, (uint16_t)(id + 1));
    if (rc != BD_BAN_KNOWN)
        count(s, BD_CTR_BANS_ADDED);
    if (rc == BD_BAN_DISPLACED)
        count(s, BD_CTR_BANS_DISPLACED);
}

static enum bd_verdict apply(struct bd_screener *s, const struct scan *scan,
                             const struct bd_ip *source, uint32_t now_s, unsigned *code)
{
    const struct bd_screen_rule *rule = &scan->rules[scan->first];
    hit(s, rule);
    *code = rule->code;
    if (rule->action == BD_SCREEN_REJECT)
        return BD_SIP_SCREEN_REJECT;
    if (rule->action == BD_SCREEN_DROP)
        return BD_SIP_SCREEN_DROP;
    ban(s, rule, scan->first, source, now_s);
    return BD_SIP_SCREEN_BAN;
}

/* Behind a rule that decides, one that would ban is not reached. */
static void note_ban(struct bd_screener *s, const struct scan *scan, const struct bd_ip *source,
                     uint32_t now_s)
{
    if (scan->would >= scan->first)
        return;
    const struct bd_screen_rule *rule = &scan->rules[scan->would];
    hit(s, rule);
    ban(s, rule, scan->would, source, now_s);
}

enum bd_verdict bd_screener_judge(struct bd_screener *s, unsigned place, const struct bd_ip *source,
                                  uint32_t now_s, unsigned *code)
{
    const struct place *p = &s->place[place];
    if (!p->m)
        return BD_VERDICT_NONE;
    struct scan scan = {
        .screener = s, .first = UINT32_MAX, .would = UINT32_MAX, .failed = s->failed};
    if (!s->failed) {
        scan.rules = bd_screen_rules(s->screen);
        scan_all(&scan, p);
    }
    if (scan.failed)
        count(s, BD_CTR_SCREEN_FAILED);
    if (scan.counted)
        count(s, BD_CTR_SCREEN_COUNT);
    note_ban(s, &scan, source, now_s);
    return scan.first == UINT32_MAX ? BD_VERDICT_NONE : apply(s, &scan, source, now_s, code);
}
