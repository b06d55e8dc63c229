/* SPDX-License-Identifier: BSD-3-Clause */
/* `show subscriptions`: who watches whom. */
#include <stdlib.h>

#include "clock.h"
#include "commands.h"
#include "events.h"
#include "state.h"

enum { ROWS_A_SLICE = 256, AOR_WIDTH = 30 };

struct dump {
    const struct bd_control *control;
    unsigned cursor;
};

static json_int_t left_s(const struct bd_subscription *s)
{
    uint64_t now_ms = bd_clock_ms();
    return s->expires_ms > now_ms ? (json_int_t)((s->expires_ms - now_ms) / 1000) : 0;
}

static const char *state_of(const struct bd_subscription *s)
{
    return s->ending ? "ending" : "active";
}

static json_t *row_json(const struct bd_subscription *s)
{
    char hop[BD_ENDPOINT_TEXT_MAX];
    bd_endpoint_format(&s->dialog.next_hop, hop);
    return json_pack("{s:o, s:o, s:s, s:I, s:I, s:I, s:b, s:s, s:o, s:o}", "aor",
                     bd_json_str(bd_subscription_resource(s)), "watcher",
                     bd_json_str(bd_subscription_watcher(s)), "state", state_of(s), "expires_s",
                     left_s(s), "contacts_told", (json_int_t)s->told.cnt, "notifies",
                     (json_int_t)s->notifies, "unanswered", (int)s->notify.active, "next_hop", hop,
                     "target", bd_json_str(s->dialog.target), "call_id",
                     bd_json_str(s->dialog.call_id));
}

static void add_text_row(struct evbuffer *out, const struct bd_subscription *s)
{
    bd_render_cell(out, bd_subscription_resource(s), AOR_WIDTH);
    bd_render_cell(out, bd_subscription_watcher(s), AOR_WIDTH);
    evbuffer_add_printf(out, "%-7s %7lld %8u %8llu %-10s ", state_of(s), (long long)left_s(s),
                        s->told.cnt, (unsigned long long)s->notifies,
                        s->notify.active ? "unanswered" : "-");
    bd_render_cell(out, s->dialog.target, 0);
    evbuffer_add(out, "\n", 1);
}

static bool dump_more(void *state, struct bd_answer *answer)
{
    struct dump *dump = state;
    const struct bd_subscription *s = NULL;
    for (unsigned i = 0; i < ROWS_A_SLICE; i++) {
        s = bd_events_next(dump->control->events, &dump->cursor);
        if (!s)
            break;
        if (bd_answer_is_json(answer))
            bd_answer_row_json(answer, row_json(s));
        else
            add_text_row(bd_answer_row(answer), s);
    }
    return s != NULL;
}

void bd_command_show_subscriptions(struct bd_answer *answer, const struct bd_str *args,
                                   unsigned cnt)
{
    static char heading[160];
    static struct bd_stream stream = {
        .name = "subscriptions", .heading = heading, .more = dump_more, .close = free};
    snprintf(heading, sizeof(heading), "%-*s %-*s %-7s %7s %8s %8s %-10s %s", AOR_WIDTH, "AOR",
             AOR_WIDTH, "WATCHER", "STATE", "EXPIRES", "CONTACTS", "NOTIFIES", "NOTIFY", "TARGET");
    struct dump *dump = calloc(1, sizeof(*dump));
    if (!dump) {
        bd_answer_error(answer, "out of memory");
        return;
    }
    dump->control = bd_answer_control(answer);
    bd_answer_stream(answer, &stream, dump);
}
