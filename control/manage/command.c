/* SPDX-License-Identifier: BSD-3-Clause */
#include "command.h"

#include "commands.h"

/* Columns: name, arguments, level, fewest and most arguments, function, help. */
static const struct bd_command_row rows[] = {
    {"help", "[COMMAND]", BD_LEVEL_USER, 0, 2, bd_command_help,
     "lists the commands, or one of them"},
    {"show info", "", BD_LEVEL_USER, 0, 0, bd_command_show_info,
     "both processes, the arena, and what is in it, counted by a walk"},
    {"show stats", "", BD_LEVEL_USER, 0, 0, bd_command_show_stats,
     "all counters and the verdicts that have occurred, summed over the workers"},
    {"show workers", "", BD_LEVEL_USER, 0, 0, bd_command_show_workers,
     "core and load of each worker, and how full its rings are"},
    {"show latency", "", BD_LEVEL_USER, 0, 0, bd_command_show_latency,
     "time from receive burst to reply: mean, percentiles, histogram"},
    {"show overload", "", BD_LEVEL_USER, 0, 0, bd_command_show_overload,
     "how long requests wait, and what part of each class draws 503 for it"},
    {"show cluster", "", BD_LEVEL_USER, 0, 0, bd_command_show_cluster,
     "whether other hosts share its bindings: none do in this version, each host has its own"},
    {"show config", "", BD_LEVEL_OPERATOR, 0, 0, bd_command_show_config,
     "the configuration in force, secrets hidden"},
    {"show bindings", "[AOR | DOMAIN | all]", BD_LEVEL_USER, 0, 1, bd_command_show_bindings,
     "bindings, one a line, of one address of record, one domain or all"},
    {"show subscriptions", "", BD_LEVEL_USER, 0, 0, bd_command_show_subscriptions,
     "who watches which address of record (RFC 3680), one subscription a line"},
    {"show limits", "", BD_LEVEL_USER, 0, 0, bd_command_show_limits,
     "every bound, what it is set to, and how much of it is used; who is limited "
     "or banned"},
    {"show screening", "", BD_LEVEL_OPERATOR, 0, 0, bd_command_show_screening,
     "the screening rules in force and how often each has matched"},
    {"show metrics", "", BD_LEVEL_USER, 0, 0, bd_command_show_metrics,
     "the same text as http://ADDRESS:PORT/metrics"},
    {"lookup", "AOR | GRUU", BD_LEVEL_USER, 1, 1, bd_command_lookup,
     "all that is known of the bindings of one address of record, or of the instance that a GRUU "
     "means"},
    {"unregister", "AOR [CONTACT]", BD_LEVEL_OPERATOR, 1, 2, bd_command_unregister,
     "removes one binding, or all of an address of record"},
    {"subscriber add", "USER@DOMAIN PASSWORD [PREFIX [PROFILE]]", BD_LEVEL_ADMIN, 2, 4,
     bd_command_subscriber_add, "adds a subscriber; PREFIX is where a trusted one comes from"},
    {"subscriber set", "USER@DOMAIN PASSWORD [PREFIX]", BD_LEVEL_ADMIN, 2, 3,
     bd_command_subscriber_set, "changes the password and prefix of a subscriber"},
    {"subscriber profile", "USER@DOMAIN [PROFILE]", BD_LEVEL_ADMIN, 1, 2,
     bd_command_subscriber_profile,
     "binds a subscriber to a profile of the configuration, or to none; bindings stay as they are"},
    {"subscriber implicit", "USER@DOMAIN [PRIMARY]", BD_LEVEL_ADMIN, 1, 2,
     bd_command_subscriber_implicit,
     "makes a subscriber an identity of PRIMARY (user@domain), so that registering either "
     "registers "
     "both; or of nobody"},
    {"subscriber remove", "USER@DOMAIN", BD_LEVEL_ADMIN, 1, 1, bd_command_subscriber_remove,
     "removes a subscriber; bindings stay until they expire or are unregistered"},
    {"subscriber show", "[USER@DOMAIN | all]", BD_LEVEL_OPERATOR, 0, 1, bd_command_subscriber_show,
     "subscribers without their secrets"},
    {"subscriber import", "FILE", BD_LEVEL_ADMIN, 1, 1, bd_command_subscriber_import,
     "adds or changes those of a CSV file on the server: username,domain,password"},
    {"ban", "ADDRESS [SECONDS]", BD_LEVEL_OPERATOR, 1, 2, bd_command_ban,
     "drops what an IPv4 address, or the /64 of an IPv6 address, sends: for an hour, or as long"},
    {"unban", "ADDRESS | all", BD_LEVEL_OPERATOR, 1, 1, bd_command_unban, "ends a ban, or all"},
    {"snapshot", "", BD_LEVEL_OPERATOR, 0, 0, bd_command_snapshot,
     "writes all bindings into a new snapshot, which replaces the journal so far; answers when it "
     "is on disk"},
    {"reload", "", BD_LEVEL_OPERATOR, 0, 0, bd_command_reload,
     "reads the configuration and the subscribers again; all or nothing"},
    {"drain", "[on | off]", BD_LEVEL_OPERATOR, 0, 1, bd_command_drain,
     "refuses new bindings with 503 and lets refreshes through, or ends that"},
};

enum { ROW_CNT = sizeof(rows) / sizeof(rows[0]) };

const char *bd_level_name(enum bd_level level)
{
    static const char *const name[] = {"user", "operator", "admin"};
    return name[level];
}

const struct bd_command_row *bd_command_row(unsigned i)
{
    return i < ROW_CNT ? &rows[i] : NULL;
}

/* Number of words at `words` that spell the row's name; 0 when they do not. */
static unsigned name_matches(const char *name, const struct bd_str *words, unsigned cnt)
{
    unsigned used = 0;
    while (*name) {
        size_t len = strcspn(name, " ");
        if (used == cnt || !bd_str_eq(words[used], (struct bd_str){name, (uint32_t)len}))
            return 0;
        used++;
        name += len;
        name += *name == ' ';
    }
    return used;
}

static const struct bd_command_row *find_row(const struct bd_str *words, unsigned cnt,
                                             unsigned *used)
{
    for (unsigned i = 0; i < ROW_CNT; i++) {
        *used = name_matches(rows[i].name, words, cnt);
        if (*used > 0)
            return &rows[i];
    }
    return NULL;
}

static void run_row(struct bd_answer *answer, enum bd_level level, const struct bd_command_row *row,
                    const struct bd_str *args, unsigned cnt)
{
    if (level < row->level) {
        bd_answer_error(answer, "'%s' needs the %s socket, this is the %s one", row->name,
                        bd_level_name(row->level), bd_level_name(level));
    } else if (cnt < row->args_min || cnt > row->args_max) {
        char usage[256];
        snprintf(usage, sizeof(usage), "%s%s%s", row->name, *row->arguments ? " " : "",
                 row->arguments);
        bd_answer_usage(answer, usage);
    } else {
        row->run(answer, args, cnt);
    }
}

static void run_words(struct bd_answer *answer, enum bd_level level, const struct bd_str *words,
                      unsigned cnt)
{
    unsigned used;
    const struct bd_command_row *row = find_row(words, cnt, &used);
    if (row)
        run_row(answer, level, row, words + used, cnt - used);
    else if (cnt == 0)
        bd_answer_text(answer, "result", BD_STR(""));
    else
        bd_answer_error(answer, "unknown command '%.*s%s%.*s'; 'help' lists them",
                        BD_STR_ARG(words[0]), cnt > 1 ? " " : "", cnt > 1 ? (int)words[1].len : 0,
                        cnt > 1 ? words[1].p : "");
}

void bd_command_line(struct bd_control *control, enum bd_level level, char *line, size_t len,
                     const struct bd_answer_sink *sink, struct bd_answer **slot)
{
    struct bd_words words;
    const char *why;
    bool ok = bd_words_split(line, len, &words, &why);
    unsigned skip = words.cnt > 0 && bd_word_is(words.word[0], "json") ? 1 : 0;
    struct bd_answer *answer = *slot = bd_answer_new(control, skip > 0, sink);
    if (!answer)
        sink->finished(sink->arg);
    else if (!ok)
        bd_answer_error(answer, "%s", why);
    else
        run_words(answer, level, words.word + skip, words.cnt - skip);
}

void bd_command_help(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < ROW_CNT; i++) {
        unsigned words = 0;
        struct bd_str name = bd_str_from(rows[i].name);
        if (cnt == 1)
            words = name.len >= args[0].len && memcmp(name.p, args[0].p, args[0].len) == 0;
        else if (cnt == 2)
            words = name_matches(rows[i].name, args, cnt);
        if (cnt > 0 && words == 0)
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "command", rows[i].name,
                                              "arguments", rows[i].arguments, "level",
                                              bd_level_name(rows[i].level), "help", rows[i].help));
    }
    if (json_array_size(list) > 0) {
        bd_answer_document(answer, json_pack("{s:o}", "commands", list), BD_RENDER_TABLES);
        return;
    }
    json_decref(list);
    bd_answer_error(answer, "no such command; 'help' lists them");
}

void bd_command_print_docs(FILE *out)
{
    fputs("| command | level | what it does |\n| --- | --- | --- |\n", out);
    for (unsigned i = 0; i < ROW_CNT; i++) {
        fprintf(out, "| `%s", rows[i].name);
        if (*rows[i].arguments)
            fputc(' ', out);
        for (const char *p = rows[i].arguments; *p; p++)
            fprintf(out, *p == '|' ? "\\|" : "%c", *p);
        fprintf(out, "` | %s | %s |\n", bd_level_name(rows[i].level), rows[i].help);
    }
}
