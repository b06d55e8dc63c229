/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_fixture.h"

enum { CLOCK_MS = 5000000, EXPIRES_S = 9000 };

void model_open(struct model *m, struct memfs *fs, uint64_t seed)
{
    *m = (struct model){
        .fs = fs, .now = {1700000000123ULL, CLOCK_MS, 7}, .geometry = 0xabcdef, .random = seed};
    m->journal.fd = -1;
    for (int s = 0; s < MODEL_SLOTS; s++)
        m->slot[s].aor = -1;
}

struct bd_str model_aor(int aor, char out[32])
{
    int n = snprintf(out, 32, "user%d@example.org", aor);
    return (struct bd_str){out, (uint32_t)n};
}

unsigned model_bindings(const struct model *m, int aor, uint16_t version,
                        struct bd_binding *bindings)
{
    static char text[BD_CONTACTS_PER_AOR_MAX][BD_TEXT_CNT][48];
    const struct model_version *v = &m->history[aor][version];
    for (unsigned c = 0; c < v->cnt; c++) {
        struct bd_binding *b = &bindings[c];
        uint16_t cseq = c == 0 ? version : v->put;
        *b = (struct bd_binding){.state = bd_state_make(cseq, EXPIRES_S + cseq * 3U + c),
                                 .txn = bd_txn_make(cseq, aor * 77777U + c),
                                 .source = {bd_ip_from_v4("\xc6\x12\x00\x02"), v->put},
                                 .local = {{{0x20, 1, 0xd, 0xb8}}, 5060},
                                 .reg_id = c,
                                 .created_at_s = v->put,
                                 .q_milli = (uint16_t)(c * 100),
                                 .flags = BD_BINDING_AUTHENTICATED};
        for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
            int n =
                snprintf(text[c][t], sizeof(text[c][t]), "text-%u-of-%d-%u-%u", t, aor, v->put, c);
            if (t == BD_TEXT_URI || (t + c + v->put) % 3 != 1)
                b->text[t] = (struct bd_str){text[c][t], (uint32_t)n};
        }
    }
    return v->cnt;
}

/* --- changes ---------------------------------------------------------------------------------- */

static struct model_slot *slot_of(struct model *m, int aor)
{
    for (int s = 0; s < MODEL_SLOTS; s++) {
        if (m->slot[s].aor == aor)
            return &m->slot[s];
    }
    return NULL;
}

static void new_version(struct model *m, int aor, uint16_t put, unsigned cnt)
{
    uint16_t v = ++m->version[aor];
    assert_true(v < MODEL_VERSIONS_MAX);
    m->history[aor][v] = (struct model_version){put, (uint8_t)cnt};
}

void model_insert(struct model *m, int aor, int slot, unsigned cnt)
{
    new_version(m, aor, (uint16_t)(m->version[aor] + 1), cnt);
    m->slot[slot] = (struct model_slot){aor, MODEL_CHANGED};
}

void model_refresh(struct model *m, int aor)
{
    const struct model_version *v = &m->history[aor][m->version[aor]];
    struct model_slot *slot = slot_of(m, aor);
    new_version(m, aor, v->put, v->cnt);
    slot->dirty = slot->dirty == MODEL_CLEAN ? MODEL_REFRESHED : slot->dirty;
}

void model_replace(struct model *m, int aor, unsigned cnt)
{
    new_version(m, aor, (uint16_t)(m->version[aor] + 1), cnt);
    slot_of(m, aor)->dirty = MODEL_CHANGED;
}

void model_remove(struct model *m, int aor)
{
    new_version(m, aor, 0, 0);
    *slot_of(m, aor) = (struct model_slot){-1, MODEL_CHANGED};
}

void model_step(struct model *m)
{
    int aor = (int)(fixture_random(&m->random) % MODEL_AORS);
    unsigned cnt = 1 + (unsigned)(fixture_random(&m->random) % 8 == 0);
    if (!slot_of(m, aor)) {
        int slot = (int)(fixture_random(&m->random) % MODEL_SLOTS);
        while (m->slot[slot].aor >= 0)
            slot = (slot + 1) % MODEL_SLOTS;
        model_insert(m, aor, slot, cnt);
        return;
    }
    switch (fixture_random(&m->random) % 6) {
    case 0:
        model_remove(m, aor);
        break;
    case 1:
        model_replace(m, aor, cnt);
        break;
    default:
        model_refresh(m, aor);
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

static struct bd_journal_begin what(const struct model *m, uint64_t number, uint64_t previous)
{
    return (struct bd_journal_begin){number, previous, m->geometry, MODEL_SLOTS, m->now};
}

int model_begin(struct model *m)
{
    uint64_t number = bd_journal_next_number(&m->fs->dir, &m->error);
    struct bd_journal_begin begin = what(m, number, 0);
    return number ? bd_journal_begin(&m->journal, &m->fs->dir, &begin, &m->error) : -1;
}

static int append_slot(struct model *m, struct bd_journal *journal, int s, enum model_dirty dirty)
{
    struct bd_binding bindings[BD_CONTACTS_PER_AOR_MAX];
    char text[32];
    int aor = m->slot[s].aor;
    if (aor < 0)
        return bd_journal_empty(journal, (uint64_t)s, &m->error);
    unsigned cnt = model_bindings(m, aor, m->version[aor], bindings);
    return (dirty == MODEL_CHANGED ? bd_journal_put : bd_journal_state)(
        journal, (uint64_t)s, model_aor(aor, text), bindings, cnt, &m->error);
}

int model_sweep(struct model *m)
{
    for (int s = 0; s < MODEL_SLOTS; s++) {
        enum model_dirty dirty = m->slot[s].dirty;
        m->slot[s].dirty = MODEL_CLEAN;
        if (dirty != MODEL_CLEAN && append_slot(m, &m->journal, s, dirty) < 0)
            return -1;
    }
    memcpy(m->swept, m->version, sizeof(m->swept));
    return bd_journal_commit(&m->journal, &m->now, &m->error);
}

static void acknowledge(struct model *m)
{
    assert_true(m->acks < MODEL_ACKS_MAX);
    m->ack[m->acks].ops = m->fs->ops;
    memcpy(m->ack[m->acks++].version, m->swept, sizeof(m->swept));
}

int model_sync(struct model *m)
{
    if (bd_journal_sync(&m->journal, &m->error) < 0)
        return -1;
    if (!m->degraded)
        acknowledge(m);
    return 0;
}

static int walk(struct model *m, struct bd_journal *snapshot, bool busy)
{
    for (int s = 0; s < MODEL_SLOTS; s++) {
        if (m->slot[s].aor >= 0 && append_slot(m, snapshot, s, MODEL_CHANGED) < 0)
            return -1;
        if (busy && s % 4 == 1)
            model_step(m);
        if (busy && s % 4 == 3 && (model_sweep(m) < 0 || (s == 7 && model_sync(m) < 0)))
            return -1;
    }
    return 0;
}

static int next_journal(struct model *m)
{
    struct bd_journal old = m->journal;
    uint64_t previous = old.header.number, number = bd_journal_next_number(&m->fs->dir, &m->error);
    struct bd_journal_begin begin = what(m, number, previous);
    if (number == 0 || bd_journal_begin(&m->journal, &m->fs->dir, &begin, &m->error) < 0) {
        m->journal = old;
        return -1;
    }
    if (old.failed || bd_journal_finish(&old, &m->now, number, &m->error) < 0)
        m->degraded = true;
    bd_journal_abandon(&old);
    return 0;
}

int model_snapshot(struct model *m, bool busy)
{
    struct bd_journal snapshot;
    if (next_journal(m) < 0)
        return -1;
    struct bd_journal_begin begin = what(m, m->journal.header.number, 0);
    if (bd_snapshot_begin(&snapshot, &m->fs->dir, &begin, &m->error) < 0)
        return -1;
    if (walk(m, &snapshot, busy) < 0) {
        bd_journal_abandon(&snapshot);
        return -1;
    }
    if (bd_snapshot_finish(&snapshot, &m->now, &m->error) < 0 || m->journal.failed)
        return -1;
    m->degraded = false;
    return bd_journal_prune(&m->fs->dir, begin.number, &m->error);
}

int model_finish(struct model *m)
{
    return bd_journal_finish(&m->journal, &m->now, 0, &m->error);
}

/* --- loading ---------------------------------------------------------------------------------- */

static int number_of(struct bd_str aor)
{
    char text[32];
    for (int a = 0; a < MODEL_AORS; a++) {
        if (bd_str_eq(aor, model_aor(a, text)))
            return a;
    }
    fail_msg("AoR %.*s was never written", BD_STR_ARG(aor));
    return -1;
}

static void expect_same(const struct loaded *loaded, const struct bd_binding *got,
                        const struct bd_binding *want)
{
    for (unsigned t = 0; t < BD_TEXT_CNT; t++)
        assert_true(bd_str_eq(got->text[t], want->text[t]));
    assert_int_equal(bd_state_cseq(got->state), bd_state_cseq(want->state));
    assert_int_equal(got->txn, want->txn);
    assert_memory_equal(&got->source, &want->source, sizeof(got->source));
    assert_memory_equal(&got->local, &want->local, sizeof(got->local));
    assert_int_equal(got->reg_id, want->reg_id);
    assert_int_equal(got->q_milli, want->q_milli);
    assert_int_equal(got->flags, want->flags);
    if (loaded->any_time)
        return;
    assert_int_equal(got->state, want->state);
    assert_int_equal(got->created_at_s, want->created_at_s);
}

static int take(void *arg, struct bd_str aor_text, const struct bd_binding *bindings, unsigned cnt)
{
    struct loaded *loaded = arg;
    struct bd_binding want[BD_CONTACTS_PER_AOR_MAX] = {0};
    int aor = number_of(aor_text);
    bool there = loaded->version[aor] >= 0;
    loaded->version[aor] = -1;
    if (cnt == 0)
        return there;
    uint32_t version = bd_state_cseq(bindings[0].state);
    assert_in_range(version, 1, loaded->model->version[aor]);
    assert_int_equal(cnt, model_bindings(loaded->model, aor, (uint16_t)version, want));
    for (unsigned c = 0; c < cnt; c++)
        expect_same(loaded, &bindings[c], &want[c]);
    loaded->version[aor] = (int)version;
    return there;
}

/* Whatever is damaged, a hint is some bytes of the file. */
static void look(void *arg, struct bd_str aor)
{
    struct loaded *loaded = arg;
    for (uint32_t i = 0; i < aor.len; i++)
        loaded->ahead += (uint8_t)aor.p[i];
}

static void note(void *arg, const struct bd_journal_problem *problem)
{
    struct loaded *loaded = arg;
    if (loaded->problems == LOADED_PROBLEMS_MAX)
        return;
    strcpy(loaded->file[loaded->problems], problem->file);
    loaded->problem[loaded->problems++] = *problem;
}

int model_load_at(const struct model *m, struct memfs *fs, struct bd_journal_time now,
                  struct loaded *loaded)
{
    *loaded = (struct loaded){.model = m, .any_time = now.boot != m->now.boot};
    for (int a = 0; a < MODEL_AORS; a++)
        loaded->version[a] = -1;
    struct bd_journal_load_params params = {.dir = fs->dir,
                                            .now = now,
                                            .on_binding_set = take,
                                            .on_ahead = look,
                                            .on_problem = note,
                                            .arg = loaded,
                                            .keep = true};
    int rc = bd_journal_load(&params, &loaded->report, &loaded->error);
    assert_int_equal(fs->open_files, m->fs == fs && m->journal.fd >= 0 ? 1 : 0);
    return rc;
}

int model_load(const struct model *m, struct memfs *fs, struct loaded *loaded)
{
    return model_load_at(m, fs, m->now, loaded);
}

/* An AoR that is not there must have been away at some version of the range. */
static bool was_away(const struct model *m, int aor, uint16_t since)
{
    for (unsigned v = since; v <= m->version[aor]; v++) {
        if (m->history[aor][v].cnt == 0)
            return true;
    }
    return false;
}

void model_expect(const struct model *m, const struct loaded *loaded,
                  const uint16_t version[MODEL_AORS])
{
    for (int a = 0; a < MODEL_AORS; a++) {
        if (loaded->version[a] >= 0)
            assert_in_range(loaded->version[a], version[a], m->version[a]);
        else if (!was_away(m, a, version[a]))
            fail_msg("user%d is missing, version %u was acknowledged", a, version[a]);
    }
}

void model_expect_all(const struct model *m, const struct loaded *loaded)
{
    model_expect(m, loaded, m->version);
}
