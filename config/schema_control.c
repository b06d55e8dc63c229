/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of sections auth, journal, control and process: what the control process does. */
#include "rows.h"

static const struct bd_choice level_words[] = {
    {"error", BD_LOG_ERROR}, {"warning", BD_LOG_WARNING}, {"notice", BD_LOG_NOTICE},
    {"info", BD_LOG_INFO},   {"debug", BD_LOG_DEBUG},     {NULL, 0}};

static const struct bd_choice durability_words[] = {{"async", BD_DURABILITY_ASYNC},
                                                    {"sync", BD_DURABILITY_SYNC},
                                                    {"none", BD_DURABILITY_NONE},
                                                    {NULL, 0}};

static const struct bd_choice seccomp_words[] = {{"enforce", BD_CONFIG_SECCOMP_ENFORCE},
                                                 {"log", BD_CONFIG_SECCOMP_LOG},
                                                 {"off", BD_CONFIG_SECCOMP_OFF},
                                                 {NULL, 0}};

static const struct bd_row auth_rows[] = {
    {"secret", &bd_kind_text, FIELD(struct bd_config, secret), .min = 16, .max = 256,
     .form = &bd_form_secret, .secret = true, .example = "at least sixteen characters",
     .help =
         "Nonces are made with it; the same on every node. Left out: random, kept as long as the "
         "arena."},
    {"secret_file", &bd_kind_text, FIELD(struct bd_config, secret_file), .min = 2, .max = 255,
     .form = &bd_form_path, .example = "/etc/bindery/secret",
     .help = "File whose first line is the secret, instead of `secret`."},
    {"secret_previous", &bd_kind_text, FIELD(struct bd_config, secret_previous), .min = 16,
     .max = 256, .form = &bd_form_secret, .secret = true, .example = "the secret before this one",
     .help = "Nonces made with it are good until they expire: set it while a secret is changed."},
    {"secret_previous_file", &bd_kind_text, FIELD(struct bd_config, secret_previous_file), .min = 2,
     .max = 255, .form = &bd_form_path, .example = "/etc/bindery/secret.previous",
     .help = "File whose first line is the previous secret."},
    {"verifiers", &bd_kind_number, FIELD(struct bd_config, verifiers), .fallback = "1", .min = 1,
     .max = BD_VERIFIERS_MAX, .unit = "threads", .restart = true,
     .help = "Threads of the control process that verify credentials."},
};

static const struct bd_row journal_rows[] = {
    {"durability", &bd_kind_choice, FIELD(struct bd_config, durability), .fallback = "async",
     .choices = durability_words, .restart = true,
     .help = "What a 200 to a REGISTER promises when the machine dies. async: bindings are on disk "
             "at most `journal_fsync_ms` and one fsync later. sync: it leaves when they are on "
             "disk; while the disk fails, 503. none: nothing is written, for labs."},
    {"directory", &bd_kind_text, FIELD(struct bd_config, journal_dir),
     .fallback = "/var/lib/bindery/journal", .min = 2, .max = 255, .form = &bd_form_path,
     .restart = true,
     .help = "Directory of the journal and the snapshots, for this appliance alone. Made when it "
             "is not there."},
    {"journal_fsync_ms", &bd_kind_number, FIELD(struct bd_config, journal_fsync_ms),
     .fallback = "200", .min = 1, .max = 60000, .unit = "ms",
     .help = "How often `durability: async` puts changes on disk."},
    {"journal_snapshot_mb", &bd_kind_number, FIELD(struct bd_config, journal_snapshot_mb),
     .fallback = "64", .min = 1, .max = 1048576, .unit = "MiB",
     .help = "A snapshot replaces the journal when that is larger than this and than the last "
             "snapshot."},
    {"snapshot_interval_s", &bd_kind_number, FIELD(struct bd_config, snapshot_interval_s),
     .fallback = "3600", .min = 10, .max = YEAR_S, .unit = "s",
     .help = "And at least this often, if anything changed."},
};

static const struct bd_row control_rows[] = {
    {"database", &bd_kind_text, FIELD(struct bd_config, database),
     .fallback = "/var/lib/bindery/bindery.db", .min = 2, .max = 255, .form = &bd_form_path,
     .restart = true, .help = "SQLite file of the subscribers."},
    {"stats_socket", &bd_kind_text, FIELD(struct bd_config, stats_socket),
     .fallback = "/run/bindery/stats.sock", .min = 2, .max = 107, .form = &bd_form_socket,
     .restart = true,
     .help = "Unix socket for binderyctl: everything, or the operator level "
             "when there is a stats_socket_admin."},
    {"stats_socket_user", &bd_kind_text, FIELD(struct bd_config, stats_socket_user), .min = 2,
     .max = 107, .form = &bd_form_socket, .restart = true, .example = "/run/bindery/user.sock",
     .help = "Unix socket of the user level: looks only."},
    {"stats_socket_admin", &bd_kind_text, FIELD(struct bd_config, stats_socket_admin), .min = 2,
     .max = 107, .form = &bd_form_socket, .restart = true, .example = "/run/bindery/admin.sock",
     .help = "Unix socket of the admin level: everything."},
    {"stats_socket_user_peers", &bd_kind_texts, LIST(struct bd_config, user_peers, user_peer_cnt),
     .min = 0, .max = BD_PEERS_MAX, .form = &bd_form_peer, .restart = true, .example = "@staff",
     .help =
         "Who may use the user socket: users, and groups as \"@GROUP\". Root and `process.user` "
         "always may. Left out: everybody."},
    {"stats_socket_operator_peers", &bd_kind_texts,
     LIST(struct bd_config, operator_peers, operator_peer_cnt), .min = 0, .max = BD_PEERS_MAX,
     .form = &bd_form_peer, .restart = true, .example = "@noc",
     .help = "Who may use the operator socket. Left out: members of the process's group."},
    {"stats_socket_admin_peers", &bd_kind_texts,
     LIST(struct bd_config, admin_peers, admin_peer_cnt), .min = 0, .max = BD_PEERS_MAX,
     .form = &bd_form_peer, .restart = true, .example = "alice",
     .help = "Who may use the admin socket, which the default socket is where there is no other. "
             "Left out: nobody but root and `process.user`."},
    {"metrics", &bd_kind_endpoint, FIELD(struct bd_config, metrics), .restart = true,
     .example = "127.0.0.1:9460",
     .help = "TCP endpoint of Prometheus metrics, an address of the kernel's. Left out: off."},
    {"log_level", &bd_kind_choice, FIELD(struct bd_config, log_level), .fallback = "info",
     .choices = level_words, .help = "Most verbose level that is logged."},
};

static const struct bd_row process_rows[] = {
    {"user", &bd_kind_text, FIELD(struct bd_config, user), .fallback = "bindery", .min = 1,
     .max = 32, .form = &bd_form_name, .restart = true,
     .help =
         "System user that both processes become when root has started them and what needs root "
         "is done. root: nothing is given up, for labs."},
    {"group", &bd_kind_text, FIELD(struct bd_config, group), .min = 1, .max = 32,
     .form = &bd_form_name, .restart = true, .example = "bindery",
     .help = "Its group. Left out: the user's own."},
    {"seccomp", &bd_kind_choice, FIELD(struct bd_config, seccomp), .fallback = "enforce",
     .choices = seccomp_words, .restart = true,
     .help =
         "A system call that is not on the list of the process. enforce: is not made, and the "
         "process ends with a line that names it. log: is made, and the kernel's log tells. off: "
         "there is no list."},
    {"core_dumps", &bd_kind_truth, FIELD(struct bd_config, core_dumps), .fallback = "false",
     .choices = bd_truth_words, .restart = true,
     .help = "Whether the processes may leave core dumps, and be traced by their own user. Secrets "
             "are in their memory."},
};

const struct bd_group bd_auth_groups[1] = {{ROWS(auth_rows)}};
const struct bd_group bd_journal_groups[1] = {{ROWS(journal_rows)}};
const struct bd_group bd_control_groups[1] = {{ROWS(control_rows)}};
const struct bd_group bd_process_groups[1] = {{ROWS(process_rows)}};
