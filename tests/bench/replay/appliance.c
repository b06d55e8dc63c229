/* SPDX-License-Identifier: BSD-3-Clause */
#include "appliance.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena_setup.h"
#include "clock.h"
#include "compile.h"
#include "hex.h"
#include "verifier.h"
#include "worker.h"

/* Nonces fall into sets of seven: with so much room none is pushed out while a phase needs it, or
 * some would be challenged once more. */
enum { NONCE_ROOM = 16, SUBSCRIBERS_MIN = 1024, WORKERS_MAX = 2 };

struct worker_thread {
    pthread_t thread;
    struct bd_worker *worker;
    struct bd_nic_queue *queue;
    unsigned core;
    bool started;
};

struct replay_appliance {
    struct replay_settings settings;
    struct bd_config *config;
    /* As two processes would have it: a mapping each. */
    struct bd_arena dataplane, control;
    struct bd_table table, control_table;
    struct bd_memory *memory;
    struct bd_digest *digest;
    struct bd_subscriber_store *store;
    struct bd_replay *replay;
    struct bd_verifiers *verifiers;
    struct bd_worker_signals signals;
    struct worker_thread worker[WORKERS_MAX];
    uint64_t busy_tsc[WORKERS_MAX];
};

static void pin(unsigned core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* --- configuration and arena ------------------------------------------------------------------ */

static struct bd_config *make_config(const struct replay_settings *s)
{
    uint32_t subscribers_max = s->digest ? NONCE_ROOM * s->bindings : 0;
    if (subscribers_max < SUBSCRIBERS_MIN)
        subscribers_max = SUBSCRIBERS_MIN;
    int fd = memfd_create("replay.yaml", 0);
    if (fd < 0)
        return NULL;
    dprintf(fd,
            "arena:\n"
            "  name: bindery-replay-%d\n"
            "  bindings_max: %u\n"
            "  subscribers_max: %u\n"
            "dataplane:\n"
            "  workers: %u\n"
            "ports:\n"
            "  - name: wire\n"
            "    driver: memif\n"
            "    interface: /run/unused\n"
            "    addresses: [\"198.18.0.1/24\"]\n"
            "listen: [\"198.18.0.1:5060\"]\n"
            "registrar:\n"
            "  default_domain: " REPLAY_DOMAIN "\n"
            "  auth: %s\n"
            "  algorithms: [MD5]\n"
            "  nonce_expire: 3600\n"
            "  redirect: %s\n"
            "limits: {rates: count}\n"
            "auth:\n"
            "  secret: \"a secret of the bench, for it alone\"\n"
            "domains:\n"
            "  - name: " REPLAY_DOMAIN "\n",
            (int)getpid(), s->bindings, subscribers_max, s->workers, s->digest ? "digest" : "open",
            s->redirect ? "true" : "false");
    if (s->rules)
        dprintf(fd, "screening: {rules: \"%s\"}\n", s->rules);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct bd_config *config = bd_config_load(path, stderr);
    close(fd);
    return config;
}

static int join(struct replay_appliance *a, struct bd_error *error)
{
    struct bd_arena_params params;
    const struct bd_config *c = a->config;
    if (bd_arena_params_from(c, &params, error) < 0 ||
        bd_arena_join(&a->dataplane, NULL, c->arena_name, BD_ROLE_DATAPLANE, &params, error) < 0)
        return -1;
    int rc = bd_arena_join(&a->control, NULL, c->arena_name, BD_ROLE_CONTROL, &params, error);
    unlink(a->dataplane.path); /* nobody else shall join, and nothing is left behind */
    if (rc < 0 || bd_table_join(&a->table, &a->dataplane, error) < 0 ||
        bd_table_join(&a->control_table, &a->control, error) < 0)
        return -1;
    uint32_t size;
    void *policy = bd_policy_compile(&a->control, c, &size, error);
    rc = policy ? bd_policy_publish(&a->control, a->control_table.epoch, policy, size) : -1;
    free(policy);
    a->memory = rc == 0 ? bd_memory_rebuild(&a->table, c->workers, error) : NULL;
    return a->memory ? 0 : -1;
}

/* --- subscribers and verifiers ---------------------------------------------------------------- */

static struct bd_str user_text(uint32_t number, char text[REPLAY_USER])
{
    replay_user_of(number, text);
    return (struct bd_str){text, REPLAY_USER};
}

/* H(A1) of a subscriber, whose password is "secret-" and his name. */
static void make_ha1(struct bd_digest *digest, uint32_t number, uint8_t ha1[BD_DIGEST_MAX])
{
    char user[REPLAY_USER], password[7 + REPLAY_USER] = "secret-";
    replay_user_of(number, password + 7);
    const struct bd_str parts[] = {
        user_text(number, user), BD_STR(REPLAY_DOMAIN), {password, sizeof(password)}};
    bd_digest_hash(digest, BD_ALG_MD5, parts, 3, ha1);
}

static int fill_store(struct replay_appliance *a, struct bd_error *error)
{
    for (uint32_t n = 0; n < a->settings.bindings; n++) {
        struct bd_subscriber row = {.domain = REPLAY_DOMAIN, .realm = REPLAY_DOMAIN};
        char user[REPLAY_USER], password[7 + REPLAY_USER] = "secret-";
        replay_user_of(n, password + 7);
        memcpy(row.username, user_text(n, user).p, REPLAY_USER);
        if (!bd_ha1_make(a->digest, (struct bd_str){user, REPLAY_USER}, BD_STR(REPLAY_DOMAIN),
                         BD_STR(REPLAY_DOMAIN), (struct bd_str){password, sizeof(password)},
                         &row.ha1) ||
            bd_subscriber_store_put(a->store, &row, error) != 0)
            return -1;
    }
    return 0;
}

static int start_verifiers(struct replay_appliance *a, struct bd_error *error)
{
    a->digest = bd_digest_new(error);
    a->store = bd_subscriber_store_new(a->control_table.epoch, error);
    a->replay =
        bd_replay_new(bd_arena_region(&a->control, BD_REGION_NONCES),
                      a->control.header->region_sz[BD_REGION_NONCES], bd_wall_ms() - 10000, error);
    if (!a->digest || !a->store || !a->replay || fill_store(a, error) < 0)
        return -1;
    struct bd_verifiers_deps deps = {.arena = &a->control,
                                     .epoch = a->control_table.epoch,
                                     .store = a->store,
                                     .replay = a->replay,
                                     .workers = a->settings.workers,
                                     .threads = 1};
    a->verifiers = bd_verifiers_start(&deps, error);
    return a->verifiers ? 0 : -1;
}

/* --- workers -------------------------------------------------------------------------------- */

static void *worker_main(void *arg)
{
    struct worker_thread *t = arg;
    pin(t->core);
    bd_worker_run(t->worker);
    return NULL;
}

static int start_worker(struct replay_appliance *a, unsigned id, struct bd_error *error)
{
    struct worker_thread *t = &a->worker[id];
    t->core = id;
    t->queue = replay_queue_new(id, &a->config->listen[0]);
    struct bd_worker_deps deps = {.id = id,
                                  .arena = &a->dataplane,
                                  .table = &a->table,
                                  .writer = bd_memory_writer(a->memory, id),
                                  .queue = t->queue,
                                  .signals = &a->signals,
                                  .poll = BD_POLL_BUSY,
                                  .phones = a->config->bindings_max / a->config->workers};
    t->worker = t->queue ? bd_worker_new(&deps, error) : NULL;
    if (!t->worker || pthread_create(&t->thread, NULL, worker_main, t) != 0)
        return -1;
    t->started = true;
    return 0;
}

struct replay_appliance *replay_appliance_start(const struct replay_settings *settings,
                                                struct bd_error *error)
{
    struct replay_appliance *a = aligned_alloc(64, (sizeof(*a) + 63) & ~(size_t)63);
    if (!a || settings->workers < 1 || settings->workers > WORKERS_MAX)
        return NULL;
    memset(a, 0, sizeof(*a));
    a->settings = *settings;
    pin((unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1);
    a->config = make_config(settings);
    bool ok =
        a->config && join(a, error) == 0 && (!settings->digest || start_verifiers(a, error) == 0);
    atomic_store(&a->signals.control_generation,
                 ok ? atomic_load(&a->control.header->role[BD_ROLE_CONTROL].generation) : 0);
    for (unsigned w = 0; ok && w < settings->workers; w++)
        ok = start_worker(a, w, error) == 0;
    if (ok)
        return a;
    replay_appliance_stop(a);
    return NULL;
}

void replay_appliance_stop(struct replay_appliance *a)
{
    atomic_store(&a->signals.stop, true);
    for (unsigned w = 0; w < WORKERS_MAX; w++) {
        struct worker_thread *t = &a->worker[w];
        if (t->started)
            pthread_join(t->thread, NULL);
        bd_worker_free(t->worker);
        replay_queue_free(t->queue);
    }
    bd_verifiers_stop(a->verifiers);
    bd_replay_free(a->replay);
    bd_subscriber_store_free(a->store);
    bd_digest_free(a->digest);
    bd_memory_free(a->memory);
    bd_arena_leave(&a->control);
    bd_arena_leave(&a->dataplane);
    bd_config_free(a->config);
    free(a);
}

/* --- use ------------------------------------------------------------------------------------ */

/* Sleeps in between: the core may be a verifier's or the second worker's. */
static struct replay_outcome await(const struct bd_nic_queue *queue)
{
    struct replay_outcome outcome;
    while (!replay_queue_ended(queue, &outcome))
        usleep(20000);
    return outcome;
}

struct replay_outcome replay_appliance_run(struct replay_appliance *a,
                                           const struct replay_phase *phase)
{
    struct replay_outcome all = {.begin_tsc = UINT64_MAX};
    for (unsigned w = 0; w < a->settings.workers; w++)
        replay_queue_begin(a->worker[w].queue, phase);
    for (unsigned w = 0; w < a->settings.workers; w++) {
        struct replay_outcome one = await(a->worker[w].queue);
        all.sent += one.sent;
        all.failed += one.failed;
        all.tier_tsc += one.tier_tsc;
        all.idle_tsc += one.idle_tsc;
        a->busy_tsc[w] += one.end_tsc - one.begin_tsc;
        all.begin_tsc = one.begin_tsc < all.begin_tsc ? one.begin_tsc : all.begin_tsc;
        all.end_tsc = one.end_tsc > all.end_tsc ? one.end_tsc : all.end_tsc;
    }
    return all;
}

void replay_appliance_answer(struct replay_appliance *a, struct replay_credentials *credentials,
                             uint32_t nc)
{
    char nc_text[REPLAY_NC];
    replay_nc_of(nc, nc_text);
    for (uint32_t n = 0; n < a->settings.bindings; n++) {
        uint8_t ha1[BD_DIGEST_MAX], response[BD_DIGEST_MAX];
        make_ha1(a->digest, n, ha1);
        const struct bd_digest_input in = {.alg = BD_ALG_MD5,
                                           .qop = BD_QOP_AUTH,
                                           .nonce = {credentials[n].nonce, REPLAY_NONCE},
                                           .nc = {nc_text, REPLAY_NC},
                                           .cnonce = BD_STR(REPLAY_CNONCE),
                                           .method = BD_STR("REGISTER"),
                                           .uri = BD_STR("sip:" REPLAY_DOMAIN)};
        bd_digest_response(a->digest, &in, ha1, response);
        bd_hex_encode(response, REPLAY_RESPONSE / 2, credentials[n].response);
    }
}

uint64_t replay_appliance_aors(struct replay_appliance *a)
{
    struct bd_table_info info;
    uint32_t generation = atomic_load(&a->control.header->role[BD_ROLE_CONTROL].generation);
    bd_epoch_online(a->control_table.epoch, bd_epoch_control(0), (uint16_t)generation);
    bd_table_info(&a->control_table, bd_epoch_control(0), (uint16_t)generation, &info);
    bd_epoch_offline(a->control_table.epoch, bd_epoch_control(0));
    return info.slots_live;
}

uint64_t replay_appliance_busy_tsc(const struct replay_appliance *a, unsigned worker)
{
    return a->busy_tsc[worker];
}

bool replay_appliance_huge(const struct replay_appliance *a)
{
    return a->dataplane.huge;
}
