/* SPDX-License-Identifier: BSD-3-Clause */
#include "census.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "clock.h"

enum {
    FAIR_MIN_MS = 1000,
    FAIR_FACTOR = 20,
    NEARLY_FULL_PERCENT = 90,
    REFUSED_FOR_MS = 60000 /* the alarm stays: phones try again some seconds later */
};

struct asker {
    TAILQ_ENTRY(asker) link;
    uint64_t since_ms; /* the walk must have begun at or after this */
    bd_census_fn told;
    void *arg;
};

struct bd_census {
    struct bd_control *control;
    TAILQ_HEAD(askers, asker) askers;
    bool walking;
    struct bd_census_result last; /* began_ms 0: none yet */
    struct bd_census_result next; /* the task's while walking */
    uint64_t refused, refused_at_ms;
    uint64_t refused_before; /* the alarm */
};

static void start_walk(struct bd_census *census);

static void tell_those_before(struct bd_census *census, uint64_t began_ms,
                              const struct bd_census_result *result, const struct bd_error *error)
{
    struct askers now;
    struct asker *asker, *next;
    TAILQ_INIT(&now); /* an asker may ask again from within */
    for (asker = TAILQ_FIRST(&census->askers); asker; asker = next) {
        next = TAILQ_NEXT(asker, link);
        if (asker->since_ms <= began_ms) {
            TAILQ_REMOVE(&census->askers, asker, link);
            TAILQ_INSERT_TAIL(&now, asker, link);
        }
    }
    while ((asker = TAILQ_FIRST(&now))) {
        TAILQ_REMOVE(&now, asker, link);
        asker->told(asker->arg, result, error);
        free(asker);
    }
}

static void walk_in_thread(void *arg, unsigned line)
{
    struct bd_census *census = arg;
    struct bd_control *control = census->control;
    bd_epoch_online(control->table.epoch, line, control->generation);
    bd_table_info(&control->table, line, control->generation, &census->next.info);
    bd_epoch_offline(control->table.epoch, line);
}

static void judge_numbers(struct bd_control *control, const struct bd_table_info *info)
{
    uint64_t max = control->started->bindings_max;
    uint64_t fullest = info->contacts * 100 / max;
    uint64_t records = info->record_bytes_live * 100 / info->record_bytes_total;
    const char *what = records > fullest ? "record memory" : "table";
    fullest = records > fullest ? records : fullest;
    if (fullest >= NEARLY_FULL_PERCENT)
        bd_alarm_raise(control->alarms, BD_ALARM_TABLE,
                       "%llu %% of the %s is taken, by %llu bindings: new ones will draw 503; see "
                       "arena.bindings_max (%llu)",
                       (unsigned long long)fullest, what, (unsigned long long)info->contacts,
                       (unsigned long long)max);
    else
        bd_alarm_clear(control->alarms, BD_ALARM_TABLE);
}

/* Every look at the numbers judges them: whoever reads the metrics has a fresh alarm. */
static void judge(const struct bd_census *census)
{
    struct bd_control *control = census->control;
    if (census->refused > census->refused_before)
        bd_alarm_raise(control->alarms, BD_ALARM_TABLE,
                       "%llu registrations drew 503, as the table or its record memory has no room "
                       "for them: see arena.bindings_max (%llu)",
                       (unsigned long long)(census->refused - census->refused_before),
                       (unsigned long long)control->started->bindings_max);
    else if (census->last.began_ms != 0)
        judge_numbers(control, &census->last.info);
    else
        bd_alarm_clear(control->alarms, BD_ALARM_TABLE);
}

void bd_census_note_refused(struct bd_census *census, uint64_t refused, uint64_t now_ms)
{
    bool anew = refused < census->refused; /* of another dataplane */
    if (refused > census->refused)
        census->refused_at_ms = now_ms;
    census->refused = refused;
    if (anew || now_ms - census->refused_at_ms >= REFUSED_FOR_MS)
        census->refused_before = refused;
    judge(census);
}

static void on_walked(void *arg)
{
    struct bd_census *census = arg;
    census->walking = false;
    census->next.took_ms = bd_clock_ms() - census->next.began_ms;
    census->last = census->next;
    judge(census);
    tell_those_before(census, census->last.began_ms, &census->last, NULL);
    if (!TAILQ_EMPTY(&census->askers))
        start_walk(census);
}

static void start_walk(struct bd_census *census)
{
    if (census->walking)
        return;
    census->next = (struct bd_census_result){.began_ms = bd_clock_ms()};
    struct bd_error error;
    census->walking = bd_tasks_start(census->control->tasks, walk_in_thread, on_walked, census,
                                     false, &error) == 0;
    if (!census->walking)
        tell_those_before(census, UINT64_MAX, NULL, &error);
}

struct bd_census *bd_census_new(struct bd_control *control)
{
    struct bd_census *census = calloc(1, sizeof(*census));
    if (census) {
        census->control = control;
        /* An arena outlives us: what was refused before is no news. */
        census->refused = census->refused_before = bd_control_judged(control, BD_SIP_TABLE_FULL);
        TAILQ_INIT(&census->askers);
    }
    return census;
}

void bd_census_free(struct bd_census *census)
{
    if (!census)
        return;
    struct bd_error error;
    bd_fail(&error, "bindery-control stops");
    tell_those_before(census, UINT64_MAX, NULL, &error);
    free(census);
}

void bd_census_ask(struct bd_census *census, uint64_t max_age_ms, bd_census_fn told, void *arg)
{
    uint64_t now_ms = bd_clock_ms();
    uint64_t since_ms = now_ms > max_age_ms ? now_ms - max_age_ms : 0;
    if (max_age_ms == 0 && census->walking)
        since_ms++; /* the walk under way may have begun in this millisecond, before the question */
    if (max_age_ms > 0 && census->last.began_ms != 0 && census->last.began_ms >= since_ms) {
        told(arg, &census->last, NULL);
        return;
    }
    struct asker *asker = calloc(1, sizeof(*asker));
    struct bd_error error;
    if (!asker) {
        bd_fail(&error, "out of memory");
        told(arg, NULL, &error);
        return;
    }
    *asker = (struct asker){.since_ms = since_ms, .told = told, .arg = arg};
    TAILQ_INSERT_TAIL(&census->askers, asker, link);
    start_walk(census);
}

uint64_t bd_census_fair_age_ms(const struct bd_census *census)
{
    uint64_t fair_ms = census->last.took_ms * FAIR_FACTOR;
    return fair_ms > FAIR_MIN_MS ? fair_ms : FAIR_MIN_MS;
}
