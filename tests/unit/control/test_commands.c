/* SPDX-License-Identifier: BSD-3-Clause */
/* Every command of the table against a whole control process. */
#include "lab.h"

#include "identities.h"
#include "limiter.h"
#include "roster_private.h"
#include "source.h"

#include <jansson.h>
#include <sys/un.h>

#ifndef __SANITIZE_ADDRESS__ /* which has a calloc() of its own */
/* The largest piece that there is memory for. */
static size_t piece_max = SIZE_MAX;

extern void *__libc_calloc(size_t cnt, size_t sz);

void *calloc(size_t cnt, size_t sz)
{
    return cnt * sz > piece_max ? NULL : __libc_calloc(cnt, sz);
}
#endif

static int open_lab(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    lab_open(lab);
    lab_dataplane(lab);
    uint32_t later_s = lab_now_s() + 3600;
    lab_put(lab, "1000@example.com", 2, later_s);
    lab_put(lab, "1001@example.com", 1, later_s);
    lab_put(lab, "1000@other.example", 1, later_s);
    lab_put(lab, "gone@example.com", 1, lab_now_s());
    lab_wait_dataplane(lab, true);
    *state = lab;
    return 0;
}

static int close_lab(void **state)
{
    lab_close(*state);
    free(*state);
    return 0;
}

static json_t *ask_json(struct lab *lab, const char *command)
{
    char line[256];
    snprintf(line, sizeof(line), "json %s", command);
    char *text = lab_ask(lab, line);
    json_error_t error;
    json_t *document = json_loads(text, 0, &error);
    if (!document)
        fail_msg("%s: %s in: %s", command, error.text, text);
    free(text);
    return document;
}

/* A line that runs the command harmlessly; NULL: tested by a case of its own. */
static const char *harmless(const struct bd_command_row *row, char line[128])
{
    if (strcmp(row->name, "lookup") == 0)
        return "lookup 1000@example.com";
    if (row->args_min > 0)
        return NULL;
    snprintf(line, 128, "%s", row->name);
    return line;
}

static void every_command_answers_in_text_and_json(void **state)
{
    const struct bd_command_row *row;
    for (unsigned i = 0; (row = bd_command_row(i)); i++) {
        char buffer[128];
        const char *line = harmless(row, buffer);
        if (!line)
            continue;
        char *text = lab_ask(*state, line);
        assert_true(*text != '\0');
        assert_null(strstr(text, "\x1b"));
        if (strncmp(text, "error:", 6) == 0 || strncmp(text, "usage:", 6) == 0)
            fail_msg("%s: %s", line, text);
        free(text);
        json_decref(ask_json(*state, line));
    }
}

static void every_level_has_its_bounds(void **state)
{
    const struct bd_command_row *row;
    for (unsigned i = 0; (row = bd_command_row(i)); i++) {
        char line[160];
        snprintf(line, sizeof(line), "%s", row->name);
        for (unsigned a = 0; a <= row->args_max; a++)
            snprintf(line + strlen(line), sizeof(line) - strlen(line), " x");
        /* too many arguments: "usage" when the level allows the command, "error" before that */
        for (enum bd_level level = BD_LEVEL_USER; level <= BD_LEVEL_ADMIN; level++) {
            char *text = lab_ask_as(*state, level, line);
            const char *wanted = level < row->level ? "error: " : "usage: ";
            if (strncmp(text, wanted, 7) != 0)
                fail_msg("%s at level %s: %s", line, bd_level_name(level), text);
            if (level < row->level)
                assert_non_null(strstr(text, bd_level_name(row->level)));
            free(text);
        }
    }
}

static void each_host_is_by_itself(void **state)
{
    lab_expect(*state, "show cluster", "clustered: no");
    lab_expect(*state, "json show cluster", "\"clustered\": false");
}

static void what_is_no_command_is_told_so(void **state)
{
    lab_expect(*state, "frobnicate", "error: unknown command 'frobnicate'");
    lab_expect(*state, "show nothing", "error: unknown command 'show nothing'");
    lab_expect(*state, "lookup", "usage: lookup AOR | GRUU");
    lab_expect(*state, "lookup \"a", "error: a quotation mark is left open");
    lab_expect(*state, "drain perhaps", "usage: drain");
    lab_expect(*state, "help nothing", "error: ");
    lab_expect(*state, "help subscriber", "subscriber import");
    char *empty = lab_ask(*state, "");
    assert_string_equal(empty, "");
    free(empty);
}

static void bans_come_and_go(void **state)
{
    lab_expect(*state, "ban 192.0.2.1 100", "banned for 100 s at least");
    lab_expect(*state, "ban 2001:db8::1", "banned for 3600 s at least");
    lab_expect(*state, "show limits", "192.0.2.1/32");
    lab_expect(*state, "show limits", "2001:db8::/64");
    lab_expect(*state, "unban 192.0.2.1", "no longer banned");
    lab_expect(*state, "unban 192.0.2.1", "error: it is not banned");
    lab_expect(*state, "unban all", "1 no longer banned");
    lab_expect(*state, "ban 192.0.2", "error: '192.0.2' is no IP address");
    lab_expect(*state, "ban 192.0.2.1 1h", "error: '1h' is no time: 1..31536000 seconds");
    lab_expect(*state, "ban 192.0.2.1 31536001", "error: ");
    lab_expect(*state, "unban 192.0.2", "error: '192.0.2' is no IP address");
    lab_expect(*state, "show screening", "none");
}

/* What workers refused, by source and by AoR, as they leave it in the arena. */
static void limits_tell_who_was_refused(void **state)
{
    struct lab *lab = *state;
    struct bd_worker_limits *worker = bd_limits_of(&lab->arena)->worker;
    struct bd_rate_terms terms = bd_rate_terms_of(1, 1);
    uint64_t now = bd_rate_now(bd_clock_ms());
    struct bd_ip source;
    assert_true(bd_ip_parse(BD_STR("192.0.2.9"), &source));
    bd_known_note(&bd_limits_of(&lab->arena)->known, 1, (uint32_t)(bd_clock_ms() / 1000));
    for (unsigned i = 0; i < 8; i++)
        bd_rate_take(&worker[0].sources, 1, bd_source_key(&source), now, &terms);
    struct bd_refused_times times = {{0}};
    bd_refused_note(&worker[0].refused, &times, 5, BD_STR("alice@example.com"), 1);
    lab_expect(lab, "show limits", "192.0.2.9/32");
    lab_expect(lab, "json show limits", "\"limited_source\": \"192.0.2.9/32\"");
    lab_expect(lab, "json show limits", "\"refused\": 7");
    lab_expect(lab, "json show limits", "\"limited_aor\": \"alice@example.com\"");
    lab_expect(lab, "show limits", "limits.source_rate");
    lab_expect(lab, "json show limits", "\"known_sources\",\n      \"used\": 1,");
    lab_expect(lab, "show limits", "auth_failed");
}

static void lines_come_in_any_cut(void **state)
{
    struct lab *lab = *state;
    int fd = lab_connect(lab, BD_LEVEL_USER);
    dprintf(fd, "help\r\nhelp lookup\nlook");
    char *first = lab_read(lab, fd), *second = lab_read(lab, fd);
    assert_non_null(strstr(first, "subscriber import"));
    assert_non_null(strstr(second, "lookup"));
    dprintf(fd, "up 1001@example.com\n");
    char *third = lab_read(lab, fd);
    assert_non_null(strstr(third, "1001@example.com"));
    free(first);
    free(second);
    free(third);
    close(fd);
}

static void what_was_sent_before_the_end_is_answered(void **state)
{
    struct lab *lab = *state;
    int fd = lab_connect(lab, BD_LEVEL_USER);
    dprintf(fd, "show info\nhelp\n");
    shutdown(fd, SHUT_WR);
    free(lab_read(lab, fd));
    free(lab_read(lab, fd));
    char c;
    ssize_t n = -1;
    for (unsigned i = 0; i < 100 && n < 0; i++) {
        lab_turn(lab);
        n = read(fd, &c, 1);
    }
    assert_int_equal(n, 0);
    close(fd);
}

static void refuses_endless(struct lab *lab, const char *begin, const char *refusal)
{
    int fd = lab_connect(lab, BD_LEVEL_USER);
    char part[1024];
    memset(part, 'a', sizeof(part));
    dprintf(fd, "%s", begin);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(write(fd, part, sizeof(part)), sizeof(part));
    char *text = lab_read(lab, fd);
    assert_string_equal(text, refusal);
    free(text);
    close(fd);
}

static void an_endless_line_is_refused(void **state)
{
    refuses_endless(*state, "lookup ", "error: a line has at most 4096 bytes\n");
    refuses_endless(*state, "json lookup ", "{\"error\":\"a line has at most 4096 bytes\"}\n");
}

static int connect_to_file(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Users who open connections and say nothing keep users out, never an admin. */
static void idle_users_leave_room_for_an_admin(void **state)
{
    enum { MORE = 2 };
    struct lab *lab = *state;
    int user[BD_SERVER_CONNECTIONS_MAX + MORE];
    for (unsigned i = 0; i < BD_SERVER_CONNECTIONS_MAX + MORE; i++) {
        user[i] = connect_to_file(lab->socket);
        lab_turn(lab);
    }
    int admin = connect_to_file(lab->admin);
    dprintf(admin, "show info\n");
    char *text = lab_read(lab, admin);
    assert_non_null(strstr(text, "version"));
    free(text);
    close(admin);
    text = lab_read(lab, user[BD_SERVER_CONNECTIONS_MAX]);
    assert_non_null(strstr(text, "error: all connections of the operator socket are taken (64)"));
    free(text);
    for (unsigned i = 0; i < BD_SERVER_CONNECTIONS_MAX + MORE; i++)
        close(user[i]);
    for (unsigned i = 0; i < 10; i++)
        lab_turn(lab);
}

static void bindings_are_listed_by_aor_domain_and_all(void **state)
{
    static const struct {
        const char *what;
        size_t rows;
    } cases[] = {{"", 4},
                 {"all", 4},
                 {"example.com", 3},
                 {"EXAMPLE.com", 3},
                 {"198.18.0.1", 3},
                 {"other.example", 1},
                 {"1000@example.com", 2},
                 {"sip:1000@198.18.0.1", 2},
                 {"nobody@example.com", 0},
                 {"gone@example.com", 0}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[128];
        snprintf(line, sizeof(line), "show bindings %s", cases[i].what);
        json_t *document = ask_json(*state, line);
        json_t *rows = json_object_get(document, "bindings");
        assert_int_equal(json_array_size(rows), cases[i].rows);
        assert_int_equal(json_integer_value(json_object_get(document, "count")), cases[i].rows);
        json_decref(document);
    }
    lab_expect(*state, "show bindings nowhere.example", "error: no domain 'nowhere.example'");
    lab_expect(*state, "show bindings 1001@example.com", "sip:1001@198.18.0.2:5062;line=0");
}

static void lookup_tells_all(void **state)
{
    json_t *document = ask_json(*state, "lookup 1000@198.18.0.1");
    json_t *contact = json_array_get(json_object_get(document, "contacts"), 0);
    assert_string_equal(json_string_value(json_object_get(document, "aor")), "1000@example.com");
    assert_int_equal(json_integer_value(json_object_get(contact, "cseq")), 7);
    assert_true(json_integer_value(json_object_get(contact, "expires_s")) > 3500);
    assert_string_equal(json_string_value(json_object_get(contact, "user_agent")),
                        "Test \"Phone\"\x1b[31m 1.0");
    assert_string_equal(json_string_value(json_object_get(contact, "received")), "198.18.0.2:5062");
    json_decref(document);
    lab_expect(*state, "lookup 1000@example.com", "contact 2 uri: sip:1000@198.18.0.3:5062;line=1");
    lab_expect(*state, "lookup nobody@example.com", "error: nobody@example.com has no bindings");
    lab_expect(*state, "lookup gone@example.com", "error: gone@example.com has no bindings");
    lab_expect(*state, "lookup nonsense", "error: 'nonsense' is no address of record");
    lab_expect(*state, "json lookup nobody@example.com", "{\"error\":");
}

/* The one binding of an AoR; expires_at_s 0 removes it. */
static void put_one(struct lab *lab, struct bd_str aor, struct bd_str uri, uint16_t flags,
                    uint32_t expires_at_s)
{
    struct bd_binding old, b = {.text = {[BD_TEXT_URI] = uri,
                                         [BD_TEXT_CALL_ID] = BD_STR("call-id"),
                                         [BD_TEXT_PARAMS] = BD_STR("audio")},
                                .state = bd_state_make(1, expires_at_s),
                                .q_milli = BD_Q_NONE,
                                .flags = flags};
    struct bd_slot_ref ref;
    bd_writer_online(lab->writer);
    bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref);
    if (ref.record)
        bd_record_view(ref.record, 0, &old);
    assert_int_equal(bd_table_put(lab->writer, &ref, aor, &old.state, &b, expires_at_s > 0),
                     BD_TABLE_OK);
    bd_writer_quiescent(lab->writer);
    bd_writer_offline(lab->writer);
}

/* RFC 6140: a PBX that registered its numbers, and one of them that registered itself too. */
/* A domain may go while phones are bound in it; whatever is shown can be looked at, and removed. */
static void bindings_outlive_their_domain(void **state)
{
    struct lab *lab = *state;
    lab_put(lab, "Left@gone.example", 1, lab_now_s() + 600);
    lab_put(lab, "1007@example.com", 1, lab_now_s() + 600);
    lab_expect(lab, "lookup Left@GONE.example", "aor: Left@gone.example\n");
    lab_expect(lab, "show bindings sip:Left@gone.example", "\nLeft@gone.example");
    lab_expect(lab, "lookup 1007@gone.example",
               "aor: 1007@example.com\n"); /* the default domain's */
}

static void lookup_finds_the_pbx_of_a_number(void **state)
{
    const struct bd_str pbx = BD_STR("pbx@example.com"), desk = BD_STR("+4930555124@example.com");
    struct lab *lab = *state;
    lab_write_config(lab, 2,
                     "registrar:\n  default_domain: \"example.com\"\n"
                     "domains:\n  - name: \"example.com\"\n    aliases: [\"198.18.0.1\"]\n"
                     "    realm: \"the realm\"\n    bulk: [pbx +4930555000-999, pbx2 +4940*]\n"
                     "  - name: \"other.example\"\n    auth: open\n");
    lab_expect(lab, "reload", "reloaded");
    lab_expect(lab, "show config", "bulk: [\"pbx +4930555000-999\", \"pbx2 +4940*\"]");
    lab_expect(lab, "lookup +4930555123@198.18.0.1",
               "error: +4930555123@example.com has no bindings, nor has its PBX pbx@example.com");
    uint32_t later_s = lab_now_s() + 3600;
    put_one(lab, pbx, BD_STR("sip:198.18.0.7:5070;bnc;x=1"), BD_BINDING_BULK, later_s);
    json_t *document = ask_json(lab, "lookup tel:+49-30-555-123");
    json_t *contact = json_array_get(json_object_get(document, "contacts"), 0);
    assert_int_equal(json_integer_value(json_object_get(document, "bindings")), 1);
    assert_string_equal(json_string_value(json_object_get(contact, "uri")),
                        "sip:+4930555123@198.18.0.7:5070;x=1");
    assert_string_equal(json_string_value(json_object_get(contact, "pbx")), "pbx@example.com");
    assert_string_equal(json_string_value(json_object_get(contact, "params")), "audio");
    json_decref(document);
    lab_expect(lab, "lookup pbx@example.com", "contact 1 uri: sip:198.18.0.7:5070;bnc;x=1\n");
    lab_expect(lab, "lookup +4930556000@example.com", "+4930556000@example.com has no bindings\n");
    lab_expect(lab, "lookup +4940123@example.com", "nor has its PBX pbx2@example.com");
    put_one(lab, desk, BD_STR("sip:desk@198.18.0.8"), 0, later_s);
    lab_expect(lab, "lookup +4930555124@example.com", "contact 1 uri: sip:desk@198.18.0.8\n");
    lab_expect(lab, "lookup +4930555124@example.com",
               "contact 2 uri: sip:+4930555124@198.18.0.7:5070;x=1\n");
    put_one(lab, pbx, BD_STR(""), 0, 0);
    lab_expect(lab, "lookup +4930555124@example.com", "bindings: 1\n");
    put_one(lab, desk, BD_STR(""), 0, 0);
    lab_write_config(lab, 2, NULL);
    lab_expect(lab, "reload", "reloaded");
}

static void info_counts_what_is_there(void **state)
{
    json_t *document = ask_json(*state, "show info");
    assert_int_equal(json_integer_value(json_object_get(document, "bindings")), 5);
    assert_int_equal(json_integer_value(json_object_get(document, "aors")), 4);
    json_t *records = json_object_get(document, "records");
    assert_int_equal(json_integer_value(json_object_get(records, "leaked")), 0);
    assert_int_equal(json_integer_value(json_object_get(records, "in_use")) -
                         json_integer_value(json_object_get(records, "retiring")),
                     4); /* what was taken away may still wait for its grace period */
    json_decref(document);
    lab_expect(*state, "show info", "records leaked: 0\n");
}

static void drain_is_seen_by_workers(void **state)
{
    struct lab *lab = *state;
    lab_expect(lab, "drain on", "draining");
    assert_int_equal(atomic_load(&lab->arena.header->draining), 1);
    lab_expect(lab, "drain", "draining: new");
    lab_expect(lab, "drain off", "not draining");
    assert_int_equal(atomic_load(&lab->arena.header->draining), 0);
}

/* --- subscribers
 * ------------------------------------------------------------------------------------ */

static void subscribers_come_and_go(void **state)
{
    struct lab *lab = *state;
    lab_expect(lab, "subscriber add anna@198.18.0.1 first", "added anna@example.com");
    lab_expect(lab, "subscriber add anna@example.com first", "error: ");
    lab_expect(lab, "subscriber show anna@example.com", "the realm");
    lab_expect(lab, "subscriber set anna@example.com \"two words\" 192.0.2.0/24", "changed");
    lab_expect(lab, "subscriber show anna@example.com", "192.0.2.0/24");
    lab_expect(lab, "subscriber show all", "anna");
    lab_expect(lab, "subscriber add berta@nowhere.example x", "error: no domain 'nowhere.example'");
    lab_expect(lab, "subscriber add berta x", "error: 'berta' is no subscriber");
    lab_expect(lab, "subscriber add berta@example.com x 192.0.2.1/24", "error: ");
    lab_expect(lab, "show info", "subscribers: 1\n");
    lab_expect(lab, "show info", "provisioned: 1\n");
    lab_expect(lab, "subscriber remove anna@example.com", "removed anna@example.com");
    lab_expect(lab, "subscriber remove anna@example.com", "error: ");
    lab_expect(lab, "subscriber show anna@example.com", "error: ");
    lab_expect(lab, "show info", "provisioned: 0\n");
}

static void write_csv(struct lab *lab, const char *text, char line[128])
{
    char path[96];
    lab_path(lab, "users.csv", path);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    snprintf(line, 128, "subscriber import %s", path);
}

static void import_is_all_or_nothing(void **state)
{
    struct lab *lab = *state;
    char line[128];
    write_csv(lab, "good,example.com,x\nno-password,example.com\n", line);
    lab_expect(lab, line, "users.csv:2: ");
    lab_expect(lab, line, "nothing was imported");
    lab_expect(lab, "subscriber show good@example.com", "error: ");
    write_csv(lab, "username,domain,password,implicit_of\nhers,example.com,x,nobody@example.com\n",
              line);
    lab_expect(lab, line, "hers@example.com: its primary nobody@example.com is no subscriber");
    write_csv(lab, "one,example.com,x\ntwo,example.com,y,192.0.2.0/24\n", line);
    lab_expect(lab, line, "2 added");
    lab_expect(lab, "show info", "subscribers: 2\n");
    lab_expect(lab, "show info", "provisioned: 2\n");
    lab_expect(lab, line, "2 changed");
    lab_expect(lab, "subscriber import users.csv", "error: FILE is read by the server");
    lab_expect(lab, "subscriber import /nowhere/users.csv",
               "error: cannot read /nowhere/users.csv");
    char pipe[96];
    lab_path(lab, "pipe", pipe);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    snprintf(line, sizeof(line), "subscriber import %s", pipe);
    lab_expect(lab, line, "pipe: it is no plain file");
    lab_expect(lab, "subscriber import /dev/zero", "/dev/zero: it is no plain file");
    unlink(pipe);
    lab_expect(lab, "subscriber remove one@example.com", "removed");
    lab_expect(lab, "subscriber remove two@example.com", "removed");
}

/* --- reload
 * ------------------------------------------------------------------------------------------ */

static uint64_t sequence_of(struct lab *lab)
{
    return bd_policy_current(&lab->arena)->sequence;
}

static void reload_takes_all_or_nothing(void **state)
{
    struct lab *lab = *state;
    uint64_t before = sequence_of(lab);
    lab_write_config(lab, 2,
                     "domains:\n  - name: \"example.com\"\n    auth: dunno\n    realm: 7\n");
    lab_expect(lab, "reload", "bindery.yaml:");
    lab_expect(lab, "reload", "error: ");
    lab_expect(lab, "reload", "auth");
    assert_int_equal(sequence_of(lab), before);
    lab_expect(lab, "show bindings other.example", "1000@other.example");

    lab_write_config(lab, 3, "domains:\n  - name: \"example.com\"\n    auth: open\n");
    lab_expect(lab, "reload", "need a restart: dataplane.workers");
    assert_int_equal(sequence_of(lab), before + 1);
    lab_expect(lab, "show bindings other.example", "error: no domain");
    lab_expect(lab, "lookup tel:+49-30-555-123", "and there is no default_domain");
    lab_expect(lab, "show config", "workers: 3");

    lab_write_config(lab, 2, NULL);
    char *text = lab_ask(lab, "reload");
    assert_non_null(strstr(text, "reloaded"));
    assert_null(strstr(text, "restart"));
    free(text);
    lab_expect(lab, "show bindings other.example", "1000@other.example");
}

/* Implicit registration sets: all that takes an address of record takes any identity of a set. */
static void identities_lead_to_their_primary(void **state)
{
    struct lab *lab = *state;
    lab_expect(lab, "subscriber add 1000@example.com x", "added");
    lab_expect(lab, "subscriber add anna@example.com x", "added");
    lab_expect(lab, "lookup anna@example.com", "error: ");
    lab_expect(lab, "subscriber implicit Anna@example.com 1000@example.com",
               "error: no subscriber Anna@example.com");
    lab_expect(lab, "subscriber implicit anna@198.18.0.1 1000@198.18.0.1", "changed");
    lab_expect(lab, "subscriber show anna@example.com", "1000@example.com");
    lab_expect(lab, "subscriber set anna@example.com y", "changed"); /* stays where it is */
    lab_expect(lab, "lookup sip:ANNA@198.18.0.1", "aor: 1000@example.com");
    lab_expect(lab, "show bindings anna@example.com", "1000@example.com");
    lab_expect(lab, "show limits", "arena.identities_max");
    lab_expect(lab, "subscriber implicit 1000@example.com anna@example.com", "error: ");
    lab_expect(lab, "subscriber remove 1000@example.com", "error: ");
    lab_expect(lab, "reload", "");
    lab_expect(lab, "lookup anna@example.com", "aor: 1000@example.com");
    lab_expect(lab, "subscriber remove anna@example.com", "removed");
    lab_expect(lab, "lookup anna@example.com", "error: ");
    lab_expect(lab, "subscriber remove 1000@example.com", "removed");
}

/* Until the new policy is published; then all subscribers are read again. */
static int begin_reload(struct lab *lab)
{
    uint64_t before = sequence_of(lab);
    int fd = lab_connect(lab, BD_LEVEL_ADMIN);
    dprintf(fd, "reload\n");
    while (sequence_of(lab) == before)
        event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    return fd;
}

/* Reading the subscribers again is done in slices: the loop turns at least once for each. */
static void reload_leaves_the_loop_to_others(void **state)
{
    struct lab *lab = *state;
    enum { USERS = 4000, SLICES = USERS / 500 };
    char line[128], *csv = NULL;
    size_t len;
    FILE *out = open_memstream(&csv, &len);
    for (unsigned i = 0; i < USERS; i++)
        fprintf(out, "%u,example.com,%032x,,\n", i, i);
    fclose(out);
    write_csv(lab, csv, line);
    free(csv);
    lab_expect(lab, line, "4000 added");

    int fd = begin_reload(lab);
    unsigned turns = 0;
    char c;
    while (read(fd, &c, 1) < 0) {
        event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        turns++;
    }
    char *text = lab_read(lab, fd);
    if (turns < SLICES)
        fail_msg("%u turns: %s", turns, text);
    free(text);
    close(fd);
}

/* Sets that change while all is read: of what the test before left. */
static void a_set_changes_while_all_is_read(void **state)
{
    struct lab *lab = *state;
    lab_expect(lab, "subscriber implicit 3998@example.com 1001@example.com", "changed");
    lab_expect(lab, "subscriber implicit 3999@example.com 1001@example.com", "changed");
    int fd = begin_reload(lab);
    event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    lab_expect(lab, "subscriber implicit 0@example.com 1001@example.com", "changed");
    lab_expect(lab, "subscriber implicit 3998@example.com", "changed");
    lab_expect(lab, "subscriber remove 3999@example.com", "removed");
    free(lab_read(lab, fd));
    close(fd);
    lab_expect(lab, "lookup 0@example.com", "aor: 1001@example.com");
    lab_expect(lab, "lookup 3998@example.com", "error: ");
    lab_expect(lab, "lookup 3999@example.com", "error: ");
    assert_int_equal(bd_identities_cnt(&lab->control.arena), 1);
    assert_true(bd_str_eq(bd_identities_alias(&lab->control.arena, BD_STR("1001@example.com"), 0),
                          BD_STR("0@example.com")));
}

/* Each such change has the reading begun anew; whoever changes sets all the time waits for it. */
static void sets_that_change_do_not_hold_up_a_reading(void **state)
{
    enum { CHANGES_MAX = 20 };
    struct lab *lab = *state;
    int fd = begin_reload(lab);
    unsigned changes = 0;
    char *answer;
    do {
        event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        answer =
            lab_ask(lab, changes % 2 ? "subscriber implicit 3997@example.com"
                                     : "subscriber implicit 3997@example.com 1001@example.com");
        bool changed = strstr(answer, "changed") != NULL;
        if (!changed)
            assert_non_null(strstr(answer, "are being read"));
        free(answer);
        if (!changed)
            break;
    } while (++changes < CHANGES_MAX);
    lab_expect(lab, "subscriber set 1@example.com another", "changed"); /* of no set */
    answer = lab_read(lab, fd);
    assert_in_range(changes, 1, CHANGES_MAX - 1);
    assert_non_null(strstr(answer, "reloaded"));
    free(answer);
    close(fd);
    lab_expect(lab, "subscriber implicit 3997@example.com", "changed");
}

/* Somebody found no room while all was read: whoever is changed meanwhile is not told so. */
static void a_change_has_its_own_word_while_all_is_read(void **state)
{
    struct lab *lab = *state;
    int fd = begin_reload(lab);
    event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    assert_non_null(lab->control.roster->sync);
    lab->control.roster->refused = lab->control.roster->setless = 1;
    lab_expect(lab, "subscriber set 1@example.com another", "changed");
    free(lab_read(lab, fd));
    close(fd);
}

#ifndef __SANITIZE_ADDRESS__
/* A set that changes has the reading begun anew, and then there is no memory for it: whoever waits
 * for the reading is told, and what was in force stays. */
static void no_memory_ends_a_reading(void **state)
{
    struct lab *lab = *state;
    int fd = begin_reload(lab);
    event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    assert_non_null(lab->control.roster->sync);
    piece_max = 16384;
    lab_expect(lab, "subscriber implicit 2@example.com 1001@example.com", "error: no memory");
    char *answer = lab_read(lab, fd);
    piece_max = SIZE_MAX;
    assert_non_null(strstr(answer, "error: no memory"));
    free(answer);
    close(fd);
    lab_expect(lab, "subscriber implicit 2@example.com", "changed");
    lab_expect(lab, "reload", "reloaded");
}
#endif

/* --- unregister
 * --------------------------------------------------------------------------------------- */

/* What a worker does with a command, with an answer given beforehand. */
static unsigned play_worker(struct lab *lab, int32_t removed, struct bd_command *seen)
{
    unsigned cnt = 0;
    for (unsigned w = 0; w < 2; w++) {
        struct bd_channel channel = bd_channel_of(&lab->arena, w);
        const struct bd_command *command;
        while ((command = bd_ring_peek(channel.commands))) {
            *seen = *command;
            struct bd_report *report = bd_ring_reserve(channel.reports);
            *report = (struct bd_report){.id = command->id,
                                         .control_generation = command->control_generation,
                                         .removed = removed};
            bd_ring_publish(channel.reports);
            bd_ring_release(channel.commands);
            cnt++;
        }
    }
    return cnt;
}

static char *unregister(struct lab *lab, const char *line, int32_t removed, struct bd_command *seen)
{
    int fd = lab_connect(lab, BD_LEVEL_OPERATOR);
    dprintf(fd, "%s\n", line);
    unsigned told = 0;
    for (unsigned i = 0; i < 1000 && (told == 0 || removed < 0); i++) {
        lab_turn(lab);
        told += play_worker(lab, removed, seen);
        if (told >= 8)
            break;
    }
    assert_true(told > 0);
    char *text = lab_read(lab, fd);
    close(fd);
    return text;
}

static void unregister_goes_through_the_dataplane(void **state)
{
    struct bd_command seen;
    char *text = unregister(*state, "unregister 1000@198.18.0.1", 2, &seen);
    assert_string_equal(text, "removed 2 bindings\n");
    free(text);
    assert_int_equal(seen.aor_len, strlen("1000@example.com"));
    assert_memory_equal(seen.text, "1000@example.com", seen.aor_len);
    assert_int_equal(seen.contact_len, 0);

    text = unregister(*state, "unregister 1000@example.com sip:x@y", 1, &seen);
    assert_string_equal(text, "removed 1 binding\n");
    free(text);
    assert_memory_equal(seen.text + seen.aor_len, "sip:x@y", seen.contact_len);

    text = unregister(*state, "unregister 1000@example.com", 0, &seen);
    assert_string_equal(text, "error: no such binding\n");
    free(text);
    text = unregister(*state, "unregister 1000@example.com", -1, &seen);
    assert_non_null(strstr(text, "error: the binding changed at every attempt"));
    free(text);
}

static void unregister_tells_when_nobody_serves(void **state)
{
    struct lab *lab = *state;
    atomic_store(&lab->arena.header->role[BD_ROLE_DATAPLANE].serving, 0);
    lab_expect(lab, "unregister 1000@example.com", "error: bindery-dataplane is not running");
    atomic_store(&lab->arena.header->role[BD_ROLE_DATAPLANE].serving, 1);
}

/* --- docs
 * --------------------------------------------------------------------------------------------- */

static void names_are_in_help_once(void **state)
{
    const struct bd_command_row *a, *b;
    for (unsigned i = 0; (a = bd_command_row(i)); i++) {
        for (unsigned j = 0; (b = bd_command_row(j)); j++)
            assert_true(i == j || strcmp(a->name, b->name) != 0);
        lab_expect(*state, "help", a->help);
    }
}

/* The last one: it fills the arena's room for them (arena.subscribers_max 5000). */
static void an_import_tells_who_has_no_room(void **state)
{
    struct lab *lab = *state;
    char line[128], *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (unsigned i = 0; i < 5100; i++)
        fprintf(out, "u%u,example.com,x\n", i);
    fclose(out);
    write_csv(lab, text, line);
    free(text);
    lab_expect(lab, line, " subscribers are not in force: raise arena.subscribers_max (5000)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_answers_in_text_and_json),
        cmocka_unit_test(every_level_has_its_bounds),
        cmocka_unit_test(each_host_is_by_itself),
        cmocka_unit_test(what_is_no_command_is_told_so),
        cmocka_unit_test(lines_come_in_any_cut),
        cmocka_unit_test(what_was_sent_before_the_end_is_answered),
        cmocka_unit_test(an_endless_line_is_refused),
        cmocka_unit_test(idle_users_leave_room_for_an_admin),
        cmocka_unit_test(bindings_are_listed_by_aor_domain_and_all),
        cmocka_unit_test(lookup_tells_all),
        cmocka_unit_test(lookup_finds_the_pbx_of_a_number),
        cmocka_unit_test(info_counts_what_is_there),
        cmocka_unit_test(drain_is_seen_by_workers),
        cmocka_unit_test(subscribers_come_and_go),
        cmocka_unit_test(identities_lead_to_their_primary),
        cmocka_unit_test(import_is_all_or_nothing),
        cmocka_unit_test(reload_takes_all_or_nothing),
        cmocka_unit_test(reload_leaves_the_loop_to_others),
        cmocka_unit_test(a_set_changes_while_all_is_read),
        cmocka_unit_test(sets_that_change_do_not_hold_up_a_reading),
        cmocka_unit_test(a_change_has_its_own_word_while_all_is_read),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(no_memory_ends_a_reading),
#endif
        cmocka_unit_test(unregister_goes_through_the_dataplane),
        cmocka_unit_test(unregister_tells_when_nobody_serves),
        cmocka_unit_test(bans_come_and_go),
        cmocka_unit_test(limits_tell_who_was_refused),
        cmocka_unit_test(names_are_in_help_once),
        cmocka_unit_test(an_import_tells_who_has_no_room),
        cmocka_unit_test(bindings_outlive_their_domain),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
