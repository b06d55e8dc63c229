/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload.h"

#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "compile.h"
#include "journaling.h"
#include "recovery.h"
#include "roster.h"

enum { RETRY_MS = 5, PUBLISH_WITHIN_MS = 2000 };

/* A policy block that waits for a slot. */
struct block {
    void *bytes;
    uint32_t size;
};

/* While it prepares, config, block, restart, wrong and text belong to its thread. */
struct bd_reload {
    struct bd_control *control;
    struct bd_config *config; /* the loaded one */
    struct block block, former;
    struct event *timer;
    uint64_t deadline_ms;
    char restart[512]; /* keys that need one */
    char *text;        /* what is wrong with the file */
    size_t text_len;
    bool wrong;
    enum { PREPARES, PUBLISHES, READS, GOES_BACK } step; /* READS: the roster will tell */
    bool cancelled;
    struct bd_error why; /* it goes back */
    bd_reload_done_fn done;
    void *arg;
};

static int compile(struct bd_control *control, const struct bd_config *config, struct block *block,
                   struct bd_error *error)
{
    block->bytes = bd_policy_compile(&control->arena, config, &block->size, error);
    return block->bytes ? 0 : -1;
}

/* What to go back to when the subscribers cannot be read. */
static int keep_current(struct bd_control *control, struct block *block, struct bd_error *error)
{
    const struct bd_policy *policy = bd_policy_current(&control->arena);
    block->size = policy->size;
    block->bytes = malloc(policy->size);
    if (!block->bytes)
        return bd_fail(error, "out of memory");
    memcpy(block->bytes, policy, policy->size);
    return 0;
}

static bool publish(struct bd_control *control, const struct block *block)
{
    return bd_policy_publish(&control->arena, control->table.epoch, block->bytes, block->size) == 0;
}

int bd_reload_publish_now(struct bd_control *control, const struct bd_config *config,
                          struct bd_error *error)
{
    struct block block = {.size = 0};
    int rc = compile(control, config, &block, error);
    uint64_t deadline_ms = bd_clock_ms() + PUBLISH_WITHIN_MS;
    while (rc == 0 && !publish(control, &block)) {
        if (bd_clock_ms() >= deadline_ms)
            rc = bd_fail(error,
                         "no worker has taken up the policy for %d s: is the dataplane stuck?",
                         PUBLISH_WITHIN_MS / 1000);
        usleep(RETRY_MS * 1000);
    }
    free(block.bytes);
    return rc;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void free_reload(struct bd_reload *reload)
{
    reload->control->reload = NULL;
    bd_config_free(reload->config);
    free(reload->block.bytes);
    free(reload->former.bytes);
    free(reload->text);
    if (reload->timer)
        event_free(reload->timer);
    free(reload);
}

/* `text` may be the reload's own. */
static void finish(struct bd_reload *reload, bool ok, struct bd_str text)
{
    char *own = reload->text;
    bd_reload_done_fn done = reload->done;
    void *arg = reload->arg;
    reload->text = NULL;
    free_reload(reload);
    done(arg, ok, text);
    free(own);
}

static void fail(struct bd_reload *reload, const struct bd_error *error)
{
    char line[sizeof(error->text) + 1];
    int n = snprintf(line, sizeof(line), "%s\n", error->text);
    bd_log(BD_LOG_ERROR, "reload: %s", error->text);
    finish(reload, false, (struct bd_str){line, (uint32_t)n});
}

static void succeed(struct bd_reload *reload)
{
    struct bd_control *control = reload->control;
    if (control->config != control->started)
        bd_config_free(control->config);
    control->config = reload->config;
    reload->config = NULL;
    bd_log_set_level((enum bd_log_level)control->config->log_level);
    bd_journaling_reload(control->journaling, control->config);
    char line[768];
    int n = snprintf(line, sizeof(line), "reloaded %s: %u domains, %llu subscribers%s%s",
                     control->config_file, control->config->domain_cnt,
                     (unsigned long long)bd_roster_cnt(control->roster),
                     *reload->restart ? "; these changes need a restart: " : "", reload->restart);
    bd_log(BD_LOG_NOTICE, "%s", line);
    finish(reload, true, (struct bd_str){line, (uint32_t)n});
}

/* --- the steps -------------------------------------------------------------------------------- */

static void on_subscribers(void *arg, const struct bd_error *error);

static void read_subscribers(struct bd_reload *reload)
{
    struct bd_error error;
    reload->step = READS;
    if (bd_roster_reload(reload->control->roster, on_subscribers, reload, &error) < 0)
        on_subscribers(reload, &error);
}

static void give_up(struct bd_reload *reload)
{
    if (reload->step == GOES_BACK)
        bd_log(BD_LOG_ERROR, "reload: the new policy stays in force, the former subscribers too");
    else
        bd_fail(&reload->why, "workers have not left an old policy for %d s; nothing was changed",
                PUBLISH_WITHIN_MS / 1000);
    fail(reload, &reload->why);
}

static void on_publish(evutil_socket_t fd, short what, void *arg)
{
    struct bd_reload *reload = arg;
    struct timeval retry = {.tv_usec = RETRY_MS * 1000};
    bool back = reload->step == GOES_BACK;
    if (publish(reload->control, back ? &reload->former : &reload->block)) {
        if (back)
            fail(reload, &reload->why);
        else
            read_subscribers(reload);
    } else if (!reload->cancelled && bd_clock_ms() < reload->deadline_ms) {
        event_add(reload->timer, &retry);
    } else {
        give_up(reload);
    }
}

static void on_subscribers(void *arg, const struct bd_error *error)
{
    struct bd_reload *reload = arg;
    if (!error) {
        succeed(reload);
        return;
    }
    reload->step = GOES_BACK;
    reload->why = *error;
    reload->deadline_ms = bd_clock_ms() + PUBLISH_WITHIN_MS;
    on_publish(-1, 0, reload);
}

/* In a thread: reads and compiles; everything that may be wrong with a file shows here. Only a
 * reload publishes policies, so the one in force stays meanwhile. */
static void prepare(void *arg, unsigned line)
{
    struct bd_reload *reload = arg;
    struct bd_control *control = reload->control;
    struct bd_error error;
    reload->wrong = true;
    FILE *errors = open_memstream(&reload->text, &reload->text_len);
    if (!errors)
        return;
    reload->config = bd_config_load(control->config_file, errors);
    if (reload->config) {
        bd_config_needs_restart(control->started, reload->config, reload->restart,
                                sizeof(reload->restart));
        reload->wrong = compile(control, reload->config, &reload->block, &error) < 0;
        if (reload->wrong)
            fprintf(errors, "%s\n", error.text);
    }
    fclose(errors);
}

static void log_lines(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        bd_log(BD_LOG_ERROR, "reload: %.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void on_prepared(void *arg)
{
    struct bd_reload *reload = arg;
    struct bd_control *control = reload->control;
    struct bd_error error;
    uint64_t ignored;
    if (reload->cancelled) {
        bd_fail(&error, "bindery-control stops");
        fail(reload, &error);
    } else if (reload->wrong) {
        struct bd_str text = reload->text
                                 ? (struct bd_str){reload->text, (uint32_t)reload->text_len}
                                 : BD_STR("out of memory\n");
        log_lines(text.p);
        finish(reload, false, text);
    } else if (keep_current(control, &reload->former, &error) < 0) {
        fail(reload, &error);
    } else if (bd_subscribers_in_place(bd_roster_database(control->roster), &error) < 0 ||
               bd_subscribers_count(bd_roster_database(control->roster), &ignored, &error) < 0) {
        bd_recovery_note(control->recovery, &error);
        fail(reload, &error);
    } else {
        reload->step = PUBLISHES;
        reload->deadline_ms = bd_clock_ms() + PUBLISH_WITHIN_MS;
        bd_next_turn(reload->timer);
    }
}

static struct bd_reload *make_reload(struct bd_control *control, bd_reload_done_fn done, void *arg)
{
    struct bd_reload *reload = calloc(1, sizeof(*reload));
    if (!reload)
        return NULL;
    *reload = (struct bd_reload){.control = control, .done = done, .arg = arg};
    reload->timer = event_new(control->base, -1, 0, on_publish, reload);
    if (!reload->timer) {
        free(reload);
        return NULL;
    }
    control->reload = reload;
    return reload;
}

/* What cannot be begun is told like what fails. */
static void refuse(const char *why, bd_reload_done_fn done, void *arg)
{
    char line[sizeof(((struct bd_error *)0)->text) + 1];
    int n = snprintf(line, sizeof(line), "%s\n", why);
    bd_log(BD_LOG_WARNING, "reload: %s", why);
    done(arg, false, (struct bd_str){line, (uint32_t)n});
}

void bd_reload(struct bd_control *control, bd_reload_done_fn done, void *arg)
{
    if (control->reload) {
        refuse("one is under way already", done, arg);
        return;
    }
    struct bd_error error;
    struct bd_reload *reload = make_reload(control, done, arg);
    if (!reload) {
        refuse("out of memory", done, arg);
    } else if (bd_tasks_start(control->tasks, prepare, on_prepared, reload, true, &error) < 0) {
        free_reload(reload);
        refuse(error.text, done, arg);
    }
}

/* A thread that prepares is waited for with the other tasks, but not for long: Hyperscan cannot be
 * told to stop. A roster that reads tells at its end. */
void bd_reload_cancel(struct bd_control *control)
{
    struct bd_error error;
    struct bd_reload *reload = control->reload;
    if (!reload)
        return;
    reload->cancelled = true;
    bd_fail(&error, "bindery-control stops");
    if (reload->step == PUBLISHES || reload->step == GOES_BACK)
        fail(reload, &error);
}
