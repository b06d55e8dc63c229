/* SPDX-License-Identifier: BSD-3-Clause */
/* `show bindings`. */
#include <stdio.h>
#include <stdlib.h>

#include "binding_shown.h"
#include "commands.h"
#include "state.h"
#include "words.h"

enum {
    AOR_WIDTH = 32,
    CONTACT_WIDTH = 44,
    RECEIVED_WIDTH = 21,
    BUCKETS_A_SLICE = 16 /* of 7 slots: 30 KB of text in practice, 7 MB if all records were huge */
};

struct dump {
    struct bd_control *control;
    struct bd_answer *answer;
    uint32_t cursor, now_s;
    uint32_t domain_len; /* 0: all domains */
    char domain[BD_DOMAIN_NAME_MAX];
    uint32_t aor_len; /* 0: all AoRs */
    char aor[BD_AOR_MAX];
};

static json_t *binding_row(struct bd_str aor, const struct bd_binding *b, uint32_t at_s)
{
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "aor", bd_json_str(aor), "contact",
        bd_json_str(b->text[BD_TEXT_URI]), "expires_s", (json_int_t)bd_shown_left_s(b, at_s),
        "cseq", (json_int_t)bd_state_cseq(b->state), "q", bd_shown_q(b), "received",
        bd_shown_endpoint(&b->source), "user_agent", bd_json_str(b->text[BD_TEXT_USER_AGENT]));
}

static void add_text_row(struct evbuffer *out, struct bd_str aor, const struct bd_binding *b,
                         uint32_t at_s)
{
    char received[BD_ENDPOINT_TEXT_MAX], q[16] = "-";
    struct bd_str source = {received, bd_endpoint_format(&b->source, received)};
    if (b->q_milli != BD_Q_NONE)
        snprintf(q, sizeof(q), "%u.%03u", b->q_milli / 1000U, b->q_milli % 1000U);
    bd_render_cell(out, aor, AOR_WIDTH);
    bd_render_cell(out, b->text[BD_TEXT_URI], CONTACT_WIDTH);
    evbuffer_add_printf(out, "%7u %5s ", bd_shown_left_s(b, at_s), q);
    bd_render_cell(out, source, RECEIVED_WIDTH);
    bd_render_cell(out, b->text[BD_TEXT_USER_AGENT], 0);
    evbuffer_add(out, "\n", 1);
}

/* --- show bindings ---------------------------------------------------------------------------- */

static bool in_domain(const struct dump *dump, struct bd_str aor)
{
    uint32_t len = dump->domain_len;
    if (len == 0)
        return true;
    if (aor.len < len || memcmp(aor.p + aor.len - len, dump->domain, len) != 0)
        return false;
    return aor.len == len || aor.p[aor.len - len - 1] == '@';
}

static void dump_record(void *arg, uint64_t slot, const struct bd_record *record)
{
    struct dump *dump = arg;
    struct bd_str aor = bd_record_aor(record);
    if (!in_domain(dump, aor))
        return;
    for (unsigned i = 0; i < bd_record_cnt(record); i++) {
        struct bd_binding b;
        bd_record_view(record, i, &b);
        if (!bd_shown_current(&b, dump->now_s))
            continue;
        if (bd_answer_is_json(dump->answer))
            bd_answer_row_json(dump->answer, binding_row(aor, &b, dump->now_s));
        else
            add_text_row(bd_answer_row(dump->answer), aor, &b, dump->now_s);
    }
}

static bool dump_one(struct dump *dump)
{
    struct bd_str aor = {dump->aor, dump->aor_len};
    struct bd_table *table = &dump->control->table;
    struct bd_slot_ref ref;
    if (bd_table_find(table, bd_table_hash(table, aor), aor, &ref))
        dump_record(dump, 0, ref.record);
    return false;
}

static bool dump_more(void *state, struct bd_answer *answer)
{
    struct dump *dump = state;
    dump->answer = answer;
    dump->now_s = bd_shown_now_s();
    bd_control_reading(dump->control);
    bool more = dump->aor_len ? dump_one(dump)
                              : bd_table_walk(&dump->control->table, &dump->cursor, BUCKETS_A_SLICE,
                                              dump_record, dump);
    bd_control_done_reading(dump->control);
    return more;
}

/* What to dump: nothing or "all", an AoR (it has '@'), or a domain. */
static int dump_what(struct dump *dump, struct bd_str what, struct bd_error *error)
{
    if (memchr(what.p, '@', what.len)) {
        struct bd_control_aor aor;
        if (bd_control_aor(dump->control, what, &aor, error) < 0)
            return -1;
        memcpy(dump->aor, aor.text, aor.len);
        dump->aor_len = aor.len;
        return 0;
    }
    const struct bd_policy *policy = bd_policy_current(&dump->control->arena);
    bool by_default = false;
    const struct bd_policy_domain *domain =
        policy ? bd_policy_find(policy, what, &by_default) : NULL;
    if (!domain || (by_default && !domain->wildcard) || what.len > BD_DOMAIN_NAME_MAX)
        return bd_fail(error, "no domain '%.*s' is served here", BD_STR_ARG(what));
    struct bd_str name = bd_policy_aor_host(policy, domain, what);
    for (uint32_t i = 0; i < name.len; i++)
        dump->domain[i] = bd_lower(name.p[i]);
    dump->domain_len = name.len;
    return 0;
}

static const char *bindings_heading(void)
{
    static char heading[160];
    if (!*heading)
        snprintf(heading, sizeof(heading), "%-*s %-*s %7s %5s %-*s %s", AOR_WIDTH, "AOR",
                 CONTACT_WIDTH, "CONTACT", "EXPIRES", "Q", RECEIVED_WIDTH, "RECEIVED",
                 "USER-AGENT");
    return heading;
}

void bd_command_show_bindings(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    static struct bd_stream stream = {.name = "bindings", .more = dump_more, .close = free};
    struct dump *dump = calloc(1, sizeof(*dump));
    if (!dump) {
        bd_answer_error(answer, "out of memory");
        return;
    }
    stream.heading = bindings_heading();
    dump->control = bd_answer_control(answer);
    struct bd_error error;
    int rc = 0;
    if (cnt > 0 && !bd_word_is(args[0], "all")) {
        bd_control_reading(dump->control);
        rc = dump_what(dump, args[0], &error);
        bd_control_done_reading(dump->control);
    }
    if (rc == 0) {
        bd_answer_stream(answer, &stream, dump);
        return;
    }
    free(dump);
    bd_answer_error(answer, "%s", error.text);
}
