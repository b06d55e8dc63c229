/* SPDX-License-Identifier: BSD-3-Clause */
/* Workers change bindings while a sweeper puts the marked slots on a model of a disk. Whenever a
 * sweep has settled, the disk holds every change whose ticket is below `durable`: with threads that
 * change places at every step of the protocol, and with either side killed at every step of its. */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "deaths.h"
#include "disk_model.h"
#include "race.h"

enum { WORKERS = 2, AORS = 12, HISTORY = 16, OPERATIONS = 6000, KILLS = 200 };

/* A worker's contact in one AoR. Version n of it has CSeq n, or is its removal. */
struct contact {
    _Atomic uint32_t begun;         /* newest version that may be in the table */
    _Atomic uint32_t removal_begun; /* newest of those that is a removal */
    uint32_t key;                   /* 0: not there */
    /* version:31 | removal:1 | ticket:32, of versions that were acknowledged; and of those that the
     * other worker saw, as one does who answers a retransmission. */
    _Atomic uint64_t done[HISTORY], seen[HISTORY];
};

struct shared {
    struct contact contact[WORKERS][AORS];
    struct disk disk[2]; /* what a power cut leaves: disk[current] */
    _Atomic unsigned current;
    _Atomic bool failed, stop, rebuilt;
    char said[160];
    struct deaths deaths;
    _Atomic uint64_t settled, states, unmatched;
};

static struct shared *shared;
static struct fixture fixture;
static struct fixture_aor aors[AORS];
static struct disk written;

struct worker {
    unsigned id;
    uint64_t random;
    struct bd_writer *writer;
    pthread_t thread;
};

static _Thread_local uint64_t hook_random;

static unsigned pick(uint64_t *random, unsigned below)
{
    return (unsigned)(fixture_random(random) % below);
}

/* --- workers --------------------------------------------------------------------------------- */

struct found {
    struct bd_slot_ref ref;
    struct bd_binding binding[WORKERS + 1];
    uint64_t seen[WORKERS + 1];
    unsigned cnt;
    int own;
};

static void look(const struct worker *w, unsigned a, struct found *found)
{
    found->own = -1;
    found->cnt = 0;
    if (bd_table_find(&fixture.table, aors[a].hash, aors[a].s, &found->ref))
        found->cnt = bd_record_cnt(found->ref.record);
    for (unsigned i = 0; i < found->cnt; i++) {
        bd_record_view(found->ref.record, i, &found->binding[i]);
        found->seen[i] = found->binding[i].state;
        if (found->binding[i].reg_id >> 28 == w->id)
            found->own = (int)i;
    }
}

static enum bd_table_rc try_once(struct worker *w, unsigned a, uint32_t key, uint32_t version)
{
    struct found found;
    struct fixture_binding made;
    look(w, a, &found);
    int own = found.own;
    if (own >= 0 && found.binding[own].reg_id == key && !(found.seen[own] & BD_STATE_SEALED))
        return bd_table_refresh(w->writer, &found.ref, (unsigned)own, found.seen[own], version,
                                UINT32_MAX - 1, bd_txn_make(version, key));
    if (key == 0 && own < 0)
        return BD_TABLE_OK;
    fixture_binding(&made, key, version, UINT32_MAX - 1);
    if (key == 0)
        found.binding[own] = found.binding[--found.cnt];
    else
        found.binding[own < 0 ? (int)found.cnt++ : own] = made.b;
    return bd_table_put(w->writer, &found.ref, aors[a].s, found.seen, found.binding, found.cnt);
}

static void promise(_Atomic uint64_t history[HISTORY], uint32_t version, bool removal)
{
    uint64_t ticket = bd_dirty_ticket(&fixture.table);
    atomic_store(&history[version % HISTORY],
                 (uint64_t)version << 33 | (uint64_t)removal << 32 | (uint32_t)ticket);
}

/* Promises what the other one's contact is, though he may not have marked it yet. */
static void witness(struct worker *w)
{
    struct found found;
    unsigned a = pick(&w->random, AORS);
    look(w, a, &found);
    for (unsigned i = 0; i < found.cnt; i++) {
        if ((int)i != found.own)
            promise(shared->contact[1 - w->id][a].seen, bd_state_cseq(found.seen[i]), false);
    }
}

static void operate(struct worker *w)
{
    unsigned a = pick(&w->random, AORS), what = pick(&w->random, 100);
    struct contact *c = &shared->contact[w->id][a];
    uint32_t version = atomic_load(&c->begun) + 1;
    if (what < 30)
        c->key = 0;
    else if (what < 55 || c->key == 0)
        c->key = (uint32_t)w->id << 28 | (1 + pick(&w->random, 1U << 27));
    atomic_store(&c->begun, version);
    if (c->key == 0)
        atomic_store(&c->removal_begun, version);
    while (try_once(w, a, c->key, version) != BD_TABLE_OK)
        sched_yield();
    promise(c->done, version, c->key == 0);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    hook_random = w->random ^ 0x9e3779b97f4a7c15ULL;
    bd_writer_online(w->writer);
    for (unsigned n = 0; n < OPERATIONS && !atomic_load(&shared->failed); n++) {
        operate(w);
        witness(w);
        if (pick(&w->random, 4) == 0)
            bd_writer_quiescent(w->writer);
    }
    bd_writer_offline(w->writer);
    return NULL;
}

static void run_workers(uint64_t seed)
{
    static struct worker worker[WORKERS];
    memset(worker, 0, sizeof(worker));
    for (unsigned i = 0; i < WORKERS; i++) {
        worker[i] = (struct worker){
            .id = i, .random = seed + i * 77, .writer = bd_memory_writer(fixture.memory, i)};
        pthread_create(&worker[i].thread, NULL, work, &worker[i]);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(worker[i].thread, NULL);
}

/* --- what must be on disk -------------------------------------------------------------------- */

struct on_disk {
    uint64_t order[AORS];
    const struct disk_slot *slot[AORS];
};

/* Of two slots with one AoR a loader takes the one that was PUT last. */
static void load(const struct disk *disk, struct on_disk *found)
{
    *found = (struct on_disk){0};
    for (uint64_t n = 0; n < DISK_SLOTS; n++) {
        const struct disk_slot *slot = &disk->slot[n];
        for (unsigned a = 0; slot->cnt && a < AORS; a++) {
            bool its = strtoul(aors[a].text + strlen("user"), NULL, 10) == slot->aor;
            if (its && slot->order > found->order[a]) {
                found->order[a] = slot->order;
                found->slot[a] = slot;
            }
        }
    }
}

/* The newest version that is promised by `durable`. */
static uint32_t promised(const struct contact *c, uint64_t durable, bool *removal)
{
    uint64_t newest = 0;
    for (unsigned i = 0; i < 2 * HISTORY; i++) {
        uint64_t done = atomic_load(i < HISTORY ? &c->done[i] : &c->seen[i - HISTORY]);
        if ((uint32_t)done < durable && done > newest)
            newest = done;
    }
    *removal = newest == 0 || newest >> 32 & 1;
    return (uint32_t)(newest >> 33);
}

/* durable and the promises come first, what has begun last: both only grow. */
static bool kept(unsigned worker, unsigned a, const struct on_disk *found, uint64_t durable)
{
    const struct contact *c = &shared->contact[worker][a];
    bool removal;
    uint32_t version = promised(c, durable, &removal), there = 0;
    const struct disk_slot *slot = found->slot[a];
    for (unsigned i = 0; slot && i < slot->cnt; i++) {
        if (slot->key[i] >> 28 == worker)
            there = bd_state_cseq(slot->state[i]);
    }
    if (there > version || (!removal && there == version))
        return there <= atomic_load(&c->begun);
    if (there == 0 && (removal || atomic_load(&c->removal_begun) > version))
        return true;
    snprintf(shared->said, sizeof(shared->said),
             "worker %u, AoR %u: %s %u was promised and the disk has %u (durable %llu)", worker, a,
             removal ? "removal" : "version", version, there, (unsigned long long)durable);
    return false;
}

static bool all_kept(void)
{
    struct on_disk found;
    uint64_t durable = atomic_load(&bd_dirty_of(&fixture.arena)->durable);
    load(&shared->disk[atomic_load(&shared->current)], &found);
    for (unsigned w = 0; w < WORKERS; w++) {
        for (unsigned a = 0; a < AORS; a++) {
            if (!kept(w, a, &found, durable))
                return false;
        }
    }
    return true;
}

static void must_be_kept(void)
{
    if (!all_kept())
        fail_msg("%s", shared->said);
}

/* --- the sweeper ----------------------------------------------------------------------------- */

/* The fdatasync: from here on a power cut leaves this. */
static void sync_disk(void)
{
    unsigned next = 1 - atomic_load(&shared->current);
    shared->disk[next] = written;
    BD_RACE_POINT("sync: under way");
    atomic_store(&shared->current, next);
    BD_RACE_POINT("sync: done");
}

static void sweep_once(uint32_t step)
{
    unsigned line = bd_epoch_control(0);
    bd_epoch_online(fixture.table.epoch, line, 1);
    disk_sweep(&fixture.table, &written, step);
    bd_epoch_offline(fixture.table.epoch, line);
    sync_disk();
    bd_dirty_settle(&fixture.table);
    atomic_fetch_add(&shared->settled, 1);
    atomic_store(&shared->states, written.states);
    atomic_store(&shared->unmatched, written.unmatched);
}

static void *sweep_on(void *arg)
{
    uint64_t random = *(uint64_t *)arg;
    hook_random = random ^ 0x9e3779b97f4a7c15ULL;
    while (!atomic_load(&shared->stop) && !atomic_load(&shared->failed)) {
        sweep_once(1 + pick(&random, 600));
        if (!all_kept())
            atomic_store(&shared->failed, true);
    }
    return NULL;
}

/* --- threads --------------------------------------------------------------------------------- */

static void give_way(const char *point)
{
    unsigned what = hook_random ? pick(&hook_random, 256) : 255;
    if (what == 0)
        usleep(100); /* some sweeps */
    else if (what <= 4)
        sched_yield();
}

static void open_all(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    fixture_open(&fixture, 1, WORKERS);
    /* In one shard, so that windows overlap and AoRs change places. */
    for (unsigned number = 0, a = 0; a < AORS; a += aors[a].hash >> 58 == 3)
        fixture_aor(&fixture.table, number++, &aors[a]);
    atomic_store(&bd_dirty_of(&fixture.arena)->snapshot_done, 1);
    memset(&written, 0, sizeof(written));
}

static void close_all(void)
{
    bd_race_hook = NULL;
    if (shared->failed)
        fail_msg("%s", shared->said);
    written = shared->disk[shared->current];
    sweep_once(UINT32_MAX);
    must_be_kept();
    disk_check_equal(&fixture.table, &written);
    fixture_close(&fixture);
    munmap(shared, sizeof(*shared));
}

static void what_is_promised_is_on_disk(void **state)
{
    open_all();
    uint64_t seed = fixture_seed("durable");
    pthread_t sweeper;
    bd_race_hook = give_way;
    pthread_create(&sweeper, NULL, sweep_on, &seed);
    run_workers(seed);
    atomic_store(&shared->stop, true);
    pthread_join(sweeper, NULL);
    printf("%llu sweeps, %llu states, %llu unmatched\n", (unsigned long long)shared->settled,
           (unsigned long long)shared->states, (unsigned long long)shared->unmatched);
    assert_true(shared->settled > 0);
    close_all();
}

/* --- kills ----------------------------------------------------------------------------------- */

static void die_at_point(const char *point)
{
    deaths_pass(&shared->deaths, point);
}

/* What a worker's contact is after a kill. */
static void learn(unsigned worker, unsigned a)
{
    struct worker as = {.id = worker};
    struct found found;
    look(&as, a, &found);
    shared->contact[worker][a].key = found.own < 0 ? 0 : found.binding[found.own].reg_id;
}

static void be_dataplane(uint64_t seed)
{
    fixture_rebuild(&fixture, WORKERS);
    for (unsigned i = 0; i < WORKERS * AORS; i++)
        learn(i % WORKERS, i / WORKERS);
    atomic_store(&shared->rebuilt, true);
    for (;;)
        run_workers(seed++);
}

/* What control's predecessor had written and not synced is lost. Without an arena's locks a rebuild
 * takes every reader for dead, so it is waited for. */
static void be_control(uint64_t seed)
{
    while (!atomic_load(&shared->rebuilt))
        sched_yield();
    written = shared->disk[shared->current];
    sweep_on(&seed);
    pause();
}

static void be_nobody(uint64_t seed)
{
    pause();
}

static pid_t start(void (*be)(uint64_t), uint64_t seed, bool dies)
{
    pid_t pid = fork();
    if (pid == 0) {
        bd_race_hook = dies ? die_at_point : NULL;
        be(seed);
    }
    assert_true(pid > 0);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* After both are dead: first what the disk alone keeps, then what is still to come by the marks. */
static void check_all(void)
{
    bd_epoch_bury(fixture.table.epoch, bd_epoch_control(0), 1, 1);
    fixture_rebuild(&fixture, WORKERS);
    written = shared->disk[shared->current];
    sweep_once(UINT32_MAX);
    must_be_kept();
    disk_check_equal(&fixture.table, &written);
}

static const char *const points[] = {
    "refresh: txn raised",   "refresh: state changed",
    "refresh: marked",       "replace: sealed",
    "replace: published",    "insert: claimed",
    "insert: published",     "put: marked",
    "rebuild: slot dropped", "sweep: begun",
    "sweep: noted",          "sweep: taken",
    "sync: under way",       "sync: done",
    "settle: cleared",       "settle: told",
};

static const char *missing_point(void)
{
    return deaths_missing(&shared->deaths, points, sizeof(points) / sizeof(points[0]));
}

/* By chance, as many as were asked for; then where nobody has died yet. A rebuild drops a slot that
 * somebody died on. */
static const char *aim_of(unsigned n)
{
    const char *missing = n < KILLS ? NULL : missing_point();
    bool dropped = missing && strcmp(missing, "rebuild: slot dropped") == 0;
    return dropped && n % 2 == 0 ? "insert: claimed" : missing;
}

static void survives_a_kill_of_either_side(void **state)
{
    open_all();
    uint64_t random = fixture_seed("durable kill");
    for (unsigned n = 0; n < KILLS || n % 4 || missing_point(); n++) {
        if (n == 3 * KILLS)
            fail_msg("never killed at '%s'", missing_point());
        /* In turn: the dataplane at work, its successor while it takes over; control likewise. Now
         * and then control is not there to sweep what a dead dataplane's intents name. */
        bool dataplane_dies = n % 4 < 2;
        deaths_arm(&shared->deaths, (int)pick(&random, n % 2 ? 3 : 400), aim_of(n));
        atomic_store(&shared->rebuilt, false);
        pid_t dataplane = start(be_dataplane, fixture_random(&random), dataplane_dies);
        pid_t control = start(n % 8 ? be_control : be_nobody, fixture_random(&random), n % 4 >= 2);
        pid_t victim = dataplane_dies ? dataplane : control;
        assert_int_equal(waitpid(victim, NULL, 0), victim);
        end(dataplane_dies ? control : dataplane);
        deaths_arm(&shared->deaths, -1, NULL);
        if (shared->failed)
            break;
        must_be_kept();
        if (n % 2 == 1)
            check_all();
    }
    printf("%llu sweeps\n", (unsigned long long)shared->settled);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_promised_is_on_disk),
        cmocka_unit_test(survives_a_kill_of_either_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
