/* SPDX-License-Identifier: BSD-3-Clause */
#include "remover.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "clock.h"
#include "events.h"
#include "peer.h"

/* A worker that lost every race says so; then it is asked again. */
enum { POLL_MS = 2, TRIES_MAX = 8 };

struct wish {
    TAILQ_ENTRY(wish) link;
    struct bd_command command;
    unsigned worker, tries;
    uint64_t deadline_ms;
    bd_removed_fn told;
    void *arg;
};

struct bd_remover {
    struct bd_control *control;
    struct event *timer;
    uint64_t next_id;
    TAILQ_HEAD(, wish) wishes;
};

static void tell(struct bd_remover *remover, struct wish *wish, int removed,
                 const struct bd_error *error)
{
    TAILQ_REMOVE(&remover->wishes, wish, link);
    wish->told(wish->arg, removed, error);
    free(wish);
}

static bool send_wish(struct bd_remover *remover, struct wish *wish)
{
    struct bd_ring *ring = bd_channel_of(&remover->control->arena, wish->worker).commands;
    struct bd_command *place = bd_ring_reserve(ring);
    if (!place)
        return false;
    wish->command.id = ++remover->next_id;
    *place = wish->command;
    bd_ring_publish(ring);
    return true;
}

static void on_report(struct bd_remover *remover, const struct bd_report *report)
{
    uint32_t generation = bd_control_line(remover->control, BD_ROLE_CONTROL)->generation;
    struct wish *wish;
    TAILQ_FOREACH(wish, &remover->wishes, link)
    {
        if (wish->command.id == report->id && report->control_generation == generation)
            break;
    }
    if (!wish)
        return; /* asked by a predecessor, or too late */
    struct bd_error error;
    if (report->removed >= 0) {
        tell(remover, wish, report->removed, NULL);
    } else if (++wish->tries == TRIES_MAX || !send_wish(remover, wish)) {
        bd_fail(&error, "the binding changed at every attempt; try again");
        tell(remover, wish, -1, &error);
    }
}

static void take_reports(struct bd_remover *remover)
{
    for (unsigned w = 0; w < bd_control_workers(remover->control); w++) {
        struct bd_ring *ring = bd_channel_of(&remover->control->arena, w).reports;
        const struct bd_report *report;
        while ((report = bd_ring_peek(ring))) {
            struct bd_report copy = *report;
            bd_ring_release(ring);
            on_report(remover, &copy);
        }
    }
}

static void give_up_late(struct bd_remover *remover, uint64_t now_ms)
{
    struct bd_error error;
    bd_fail(&error, "the dataplane did not answer within %d s; it may still do it",
            BD_REMOVER_TIMEOUT_MS / 1000);
    struct wish *wish, *next;
    for (wish = TAILQ_FIRST(&remover->wishes); wish; wish = next) {
        next = TAILQ_NEXT(wish, link);
        if (now_ms >= wish->deadline_ms)
            tell(remover, wish, -1, &error);
    }
}

static void arm(struct bd_remover *remover)
{
    struct timeval soon = {.tv_usec = POLL_MS * 1000};
    if (!TAILQ_EMPTY(&remover->wishes))
        event_add(remover->timer, &soon);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct bd_remover *remover = arg;
    take_reports(remover);
    give_up_late(remover, bd_clock_ms());
    arm(remover);
}

struct bd_remover *bd_remover_new(struct bd_control *control, struct bd_error *error)
{
    struct bd_remover *remover = calloc(1, sizeof(*remover));
    if (remover)
        remover->timer = event_new(control->base, -1, 0, on_timer, remover);
    if (!remover || !remover->timer) {
        free(remover);
        bd_fail(error, "out of memory");
        return NULL;
    }
    remover->control = control;
    TAILQ_INIT(&remover->wishes);
    take_reports(remover); /* what a predecessor did not read */
    return remover;
}

void bd_remover_free(struct bd_remover *remover)
{
    if (!remover)
        return;
    struct bd_error error;
    bd_fail(&error, "bindery-control stops");
    while (!TAILQ_EMPTY(&remover->wishes))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): tell() takes off the list what it frees */
        tell(remover, TAILQ_FIRST(&remover->wishes), -1, &error);
    event_free(remover->timer);
    free(remover);
}

static struct wish *make_wish(struct bd_remover *remover, struct bd_str aor, struct bd_str contact)
{
    struct wish *wish = calloc(1, sizeof(*wish));
    if (!wish)
        return NULL;
    struct bd_control *control = remover->control;
    struct bd_command *command = &wish->command;
    command->control_generation = bd_control_line(control, BD_ROLE_CONTROL)->generation;
    command->aor_len = (uint16_t)aor.len;
    command->contact_len = (uint16_t)contact.len;
    memcpy(command->text, aor.p, aor.len);
    if (contact.len > 0)
        memcpy(command->text + aor.len, contact.p, contact.len);
    wish->worker = (unsigned)(bd_table_hash(&control->table, aor) % bd_control_workers(control));
    wish->deadline_ms = bd_clock_ms() + BD_REMOVER_TIMEOUT_MS;
    return wish;
}

int bd_remover_ask(struct bd_remover *remover, struct bd_str aor, struct bd_str contact,
                   bd_removed_fn told, void *arg, struct bd_error *error)
{
    if (!bd_peer_serving(remover->control->peer))
        return bd_fail(error,
                       "bindery-dataplane is not running: bindings can be read, not removed");
    if ((uint64_t)aor.len + contact.len > sizeof(((struct bd_command *)0)->text))
        return bd_fail(error, "the contact is too long, at most %d bytes", BD_CONTACT_URI_MAX);
    struct wish *wish = make_wish(remover, aor, contact);
    if (!wish)
        return bd_fail(error, "out of memory");
    wish->told = told;
    wish->arg = arg;
    if (!send_wish(remover, wish)) {
        free(wish);
        return bd_fail(error, "the dataplane has %d commands to do already; try again",
                       BD_COMMANDS_CNT);
    }
    bd_events_operator_removes(remover->control->events, aor, bd_clock_ms());
    TAILQ_INSERT_TAIL(&remover->wishes, wish, link);
    arm(remover);
    return 0;
}
