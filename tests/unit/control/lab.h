/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole control process inside the test: real arena file, database and sockets in a directory of
 * its own. The test's thread turns the event loop. A second view of the arena plays the dataplane.
 */
#ifndef BD_CONTROL_LAB_H
#define BD_CONTROL_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants those first */
#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <event2/thread.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "arena_setup.h"
#include "clock.h"
#include "dirty.h"
#include "server.h"
#include "service.h"

struct lab {
    char directory[64], file[96], socket[96], admin[96];
    struct bd_control control;
    /* the dataplane's side */
    struct bd_arena arena;
    struct bd_table table;
    struct bd_memory *memory;
    struct bd_writer *writer;
};

/* What labs opened from now on say of the journal. */
static const char *lab_durability = "async";
static unsigned lab_fsync_ms = 5;

static inline void lab_path(const struct lab *lab, const char *name, char out[96])
{
    snprintf(out, 96, "%s/%s", lab->directory, name);
}

/* Files of a directory that are not hidden. */
static inline unsigned lab_files_in(const char *path)
{
    unsigned cnt = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        cnt += *entry->d_name != '.';
    closedir(dir);
    return cnt;
}

/* `domains` is the YAML of registrar and domains; NULL: example.com with an alias. */
static inline void lab_write_config(const struct lab *lab, unsigned workers, const char *domains)
{
    FILE *out = fopen(lab->file, "we");
    assert_non_null(out);
    fprintf(out,
            "arena:\n  file: \"%s/arena\"\n  bindings_max: 60000\n  subscribers_max: 5000\n"
            "  identities_max: 100\n"
            "dataplane:\n  workers: %u\n"
            "ports:\n  - name: \"p0\"\n    driver: tap\n    interface: \"p0\"\n"
            "    addresses: [\"198.18.0.1/24\"]\n"
            "listen: [\"198.18.0.1:5060\"]\n"
            "%s"
            "auth:\n  secret: \"a secret of the unit tests\"\n"
            "journal:\n  directory: \"%s/journal\"\n  journal_fsync_ms: %u\n"
            "  durability: %s\n"
            "control:\n  database: \"%s/subscribers.db\"\n  stats_socket: \"%s\"\n"
            "  stats_socket_admin: \"%s\"\n  log_level: error\n",
            lab->directory, workers,
            domains ? domains
                    : "registrar:\n  default_domain: \"example.com\"\n"
                      "domains:\n  - name: \"example.com\"\n    aliases: [\"198.18.0.1\"]\n"
                      "    realm: \"the realm\"\n    auth: digest\n"
                      "  - name: \"other.example\"\n    auth: open\n",
            lab->directory, lab_fsync_ms, lab_durability, lab->directory, lab->socket, lab->admin);
    fclose(out);
}

static inline void lab_start(struct lab *lab)
{
    struct bd_control *control = &lab->control;
    struct bd_error error;
    *control = (struct bd_control){.config_file = lab->file};
    control->config = control->started = bd_config_load(lab->file, stderr);
    assert_non_null(control->config);
    if (bd_service_start(control, &error) < 0)
        fail_msg("%s", error.text);
}

static inline void lab_open_with(struct lab *lab, const char *domains)
{
    *lab = (struct lab){.directory = "/tmp/bd-control-XXXXXX"};
    assert_non_null(mkdtemp(lab->directory));
    lab_path(lab, "bindery.yaml", lab->file);
    lab_path(lab, "stats.sock", lab->socket);
    lab_path(lab, "admin.sock", lab->admin);
    lab_write_config(lab, 2, domains);
    bd_log_init("test", BD_LOG_ERROR);
    signal(SIGPIPE, SIG_IGN);
    evthread_use_pthreads();
    lab_start(lab);
}

static inline void lab_open(struct lab *lab)
{
    lab_open_with(lab, NULL);
}

/* The dataplane comes: it takes its role, and says that it serves. */
static inline void lab_dataplane(struct lab *lab)
{
    struct bd_arena_params params;
    struct bd_error error;
    assert_int_equal(bd_arena_params_from(lab->control.started, &params, &error), 0);
    if (bd_arena_join(&lab->arena, lab->control.started->arena_file, "test", BD_ROLE_DATAPLANE,
                      &params, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(bd_table_join(&lab->table, &lab->arena, &error), 0);
    if (!atomic_load(&bd_dirty_of(&lab->arena)->restored))
        bd_dirty_set_restored(&lab->table);
    lab->memory = bd_memory_rebuild(&lab->table, lab->control.started->workers, &error);
    assert_non_null(lab->memory);
    lab->writer = bd_memory_writer(lab->memory, 0);
    for (unsigned w = 0; w < lab->control.started->workers; w++)
        bd_writer_offline(bd_memory_writer(lab->memory, w)); /* asleep but for lab_put */
    struct bd_role_line *line = &lab->arena.header->role[BD_ROLE_DATAPLANE];
    atomic_store(&line->workers, lab->control.started->workers);
    atomic_store(&line->serving, 1);
}

static inline void lab_dataplane_leaves(struct lab *lab)
{
    if (!lab->memory)
        return;
    bd_memory_free(lab->memory);
    bd_arena_leave(&lab->arena);
    lab->memory = NULL;
}

static inline void lab_remove_journal(const struct lab *lab)
{
    char path[96], file[512];
    lab_path(lab, "journal", path);
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        unlink(file);
    }
    if (directory)
        closedir(directory);
    rmdir(path);
}

static inline void lab_close(struct lab *lab)
{
    lab_dataplane_leaves(lab);
    bd_service_stop(&lab->control);
    lab_remove_journal(lab);
    static const char *const name[] = {
        "arena",        "subscribers.db", "subscribers.db-wal", "subscribers.db-shm",
        "bindery.yaml", "users.csv"};
    for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
        char path[96];
        lab_path(lab, name[i], path);
        unlink(path);
    }
    assert_int_equal(rmdir(lab->directory), 0); /* sockets are gone, too */
}

/* One AoR with cnt contacts that expire at expires_at_s. */
static inline void lab_put(struct lab *lab, const char *aor, unsigned cnt, uint32_t expires_at_s)
{
    char uri[4][96];
    struct bd_binding bindings[4];
    assert_true(cnt <= 4);
    for (unsigned i = 0; i < cnt; i++) {
        int n = snprintf(uri[i], sizeof(uri[i]), "sip:%.*s@198.18.0.%u:5062;line=%u",
                         (int)strcspn(aor, "@"), aor, 2 + i, i);
        bindings[i] = (struct bd_binding){
            .text = {[BD_TEXT_URI] = {uri[i], (uint32_t)n},
                     [BD_TEXT_CALL_ID] = BD_STR("call-id-of-a-test@198.18.0.2"),
                     [BD_TEXT_USER_AGENT] = BD_STR("Test \"Phone\"\x1b[31m 1.0")},
            .state = bd_state_make(7, expires_at_s),
            .source = {.port = 5062},
            .q_milli = i == 0 ? 500 : BD_Q_NONE,
            .created_at_s = expires_at_s > 3600 ? expires_at_s - 3600 : 0};
        assert_true(bd_ip_parse(BD_STR("198.18.0.2"), &bindings[i].source.ip));
        bindings[i].local = bindings[i].source;
    }
    struct bd_str key = bd_str_from(aor);
    struct bd_slot_ref ref;
    bd_writer_online(lab->writer);
    bd_table_find(&lab->table, bd_table_hash(&lab->table, key), key, &ref);
    uint64_t seen[BD_CONTACTS_PER_AOR_MAX];
    for (unsigned i = 0; ref.record && i < bd_record_cnt(ref.record); i++)
        seen[i] = bd_record_state(ref.record, i);
    assert_int_equal(bd_table_put(lab->writer, &ref, key, seen, bindings, cnt), BD_TABLE_OK);
    bd_writer_quiescent(lab->writer);
    bd_writer_offline(lab->writer);
}

static inline uint32_t lab_now_s(void)
{
    return (uint32_t)(bd_clock_ms() / 1000);
}

/* --- a client on a socketpair ----------------------------------------------------------------- */

/* Turns the loop once without waiting long. */
static inline void lab_turn(struct lab *lab)
{
    struct timeval soon = {.tv_usec = 1000};
    event_base_loopexit(lab->control.base, &soon);
    event_base_loop(lab->control.base, EVLOOP_ONCE);
}

static inline int lab_connect(struct lab *lab, enum bd_level level)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    bd_server_adopt(lab->control.server, pair[1], level);
    return pair[0];
}

/* Reads until the empty line; the answer is NUL-terminated and ends before that line. The caller
 * frees it. */
static inline char *lab_read(struct lab *lab, int fd)
{
    size_t len = 0, cap = 1 << 16;
    char *text = malloc(cap);
    for (unsigned turns = 0; turns < 20000; turns++) {
        ssize_t n = read(fd, text + len, 1);
        if (n == 0)
            break;
        if (n < 0) {
            lab_turn(lab);
            continue;
        }
        len += (size_t)n;
        if ((len == 1 && text[0] == '\n') ||
            (len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n')) {
            text[len - 1] = '\0';
            return text;
        }
        turns = 0;
        if (len + 1 >= cap)
            text = realloc(text, cap *= 2);
    }
    text[len] = '\0';
    fail_msg("no end of the answer: %s", text);
    return text;
}

static inline char *lab_ask_as(struct lab *lab, enum bd_level level, const char *command)
{
    int fd = lab_connect(lab, level);
    dprintf(fd, "%s\n", command);
    char *text = lab_read(lab, fd);
    close(fd);
    return text;
}

static inline char *lab_ask(struct lab *lab, const char *command)
{
    return lab_ask_as(lab, BD_LEVEL_ADMIN, command);
}

/* The answer must contain `part`. */
static inline void lab_expect(struct lab *lab, const char *command, const char *part)
{
    char *text = lab_ask(lab, command);
    if (!text || !strstr(text, part))
        fail_msg("%s: wanted '%s' in: %s", command, part, text ? text : "(no answer)");
    free(text);
}

/* Turns until the dataplane has been seen. */
static inline void lab_wait_dataplane(struct lab *lab, bool serving)
{
    const char *wanted = serving ? "dataplane serving: yes" : "dataplane serving: no";
    for (unsigned i = 0; i < 200; i++) {
        char *text = lab_ask(lab, "show info");
        bool found = strstr(text, wanted) != NULL;
        free(text);
        if (found)
            return;
        usleep(10000);
    }
    fail_msg("never: %s", wanted);
}

#endif
