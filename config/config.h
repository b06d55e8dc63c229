/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration: one YAML file, strict, read once into this struct.
 *
 * One table in schema.c has a row per key: path, type, default, range, unit, reload or restart,
 * secret, help. From it come the parser, the checks, configs/bindery.yaml (annotated default), the
 * list in docs/configuration.md and `show config`. Private memory; read-only after loading; used by
 * both processes' main and by the policy compiler. Knows nothing of DPDK or SIP. */
#ifndef BD_CONFIG_H
#define BD_CONFIG_H

#include <stdio.h>

#include "e164.h"
#include "ip.h"
#include "limits.h"
#include "log.h"
#include "screen_words.h"

enum bd_port_driver {
    BD_PORT_TAP,
    BD_PORT_AF_PACKET,
    BD_PORT_MEMIF,
    BD_PORT_AF_XDP,
    BD_PORT_PCI,
    BD_PORT_RING
};
enum bd_durability { BD_DURABILITY_ASYNC, BD_DURABILITY_SYNC, BD_DURABILITY_NONE };
/* As in privileges/calls.h. */
enum bd_seccomp_word { BD_CONFIG_SECCOMP_OFF, BD_CONFIG_SECCOMP_LOG, BD_CONFIG_SECCOMP_ENFORCE };
enum bd_poll_mode { BD_POLL_BUSY, BD_POLL_ADAPTIVE };

/* An own address with its on-link prefix, "198.18.0.1/24". len as in bd_prefix (128-bit form). */
struct bd_config_address {
    struct bd_ip ip;
    uint8_t len;
};

struct bd_config_port {
    char *name; /* ours, for logs */
    enum bd_port_driver driver;
    char *interface; /* tap: name to make; af_packet, af_xdp: existing one; memif: socket path */
    char *pci;       /* "0000:01:00.0" */
    char *mac;       /* "02:00:00:00:00:01"; NULL: the port's own */
    uint32_t mtu;
    uint32_t vlan; /* 0: untagged, else the 802.1Q tag that is ours */
    uint32_t rx_descriptors, tx_descriptors;
    bool memif_server;
    struct bd_config_address *addresses;
    unsigned address_cnt;
};

/* An entry of `bulk`: "USER NUMBERS...", a PBX and numbers of its (RFC 6140). */
struct bd_config_bulk {
    char *text; /* one space between words; the user part first */
    uint32_t user_len;
    struct bd_e164_set *sets;
    unsigned set_cnt;
};

struct bd_config_domain {
    char *name, *realm;
    char **aliases;
    unsigned alias_cnt;
    bool is_default; /* domains.N.name == default_domain */
    int auth;        /* enum bd_auth_mode of policy.h, same values: digest, trusted, open */
    unsigned algorithm[4],
        algorithm_cnt; /* enum bd_digest_alg values: MD5 0, SHA-256 1, SHA-512-256 2 */
    unsigned qop;      /* bit 0 auth, bit 1 auth-int */
    uint32_t default_expires_s, min_expires_s, max_expires_s, min_expires_mode;
    uint32_t max_contacts;
    int max_contacts_policy; /* 0 reject, 1 oldest, 2 replace */
    uint32_t max_contacts_code, retry_after_s, nonce_expire_s;
    bool case_sensitive;
    bool userhash, add_authinfo_hdr;
    int charset;            /* 0 none, 1 UTF-8 */
    uint32_t outbound_mode; /* enum bd_outbound_mode of policy.h */
    uint32_t regid_mode, flow_timer_s, keep_s;
    bool gruu_enabled;
    bool redirect, redirect_auth, redirect_path, caller_preferences;
    struct bd_prefix *trusted_prefixes;
    unsigned trusted_prefix_cnt;
    bool reg_event;
    char **reg_event_watchers; /* user@host */
    unsigned reg_event_watcher_cnt;
    struct bd_config_bulk *bulk;
    unsigned bulk_cnt;
    bool use_path;
    uint32_t path_mode; /* enum bd_path_mode */
    uint32_t expires_range, default_expires_range;
    int third_party; /* enum bd_third_party */
    char **service_route, **associated_uris, **registrants;
    unsigned service_route_cnt, associated_uri_cnt, registrant_cnt;
    unsigned line; /* where the domain begins in the file */
};

/* 0 and an empty list: as in the domain. */
struct bd_config_profile {
    char *name;
    uint32_t max_contacts, default_expires_s, min_expires_s, max_expires_s;
    int max_contacts_policy; /* 0, else 1 + enum bd_contacts_policy */
    char **service_route, **associated_uris;
    unsigned service_route_cnt, associated_uri_cnt;
};

/* What a screening rule does: `code` for reject, `seconds` for ban. */
struct bd_config_action {
    enum bd_screen_action what;
    uint32_t code, seconds;
};

/* A rule of the screening file. */
struct bd_config_rule {
    int field; /* enum bd_screen_field */
    char *pattern;
    bool caseless;
    struct bd_config_action action;
    char *comment;      /* NULL: none */
    unsigned line, col; /* of the pattern in its file */
};

/* Prefixes that stand in the configuration, and those of a file of their own. */
struct bd_config_prefixes {
    struct bd_prefix *prefix, *filed;
    unsigned cnt, filed_cnt;
    char *file; /* its path, made absolute; NULL: none */
};

struct bd_config {
    char *file; /* its path */
    /* arena */
    char *arena_file; /* NULL: automatic */
    char *arena_name;
    uint64_t bindings_max, subscribers_max, identities_max;
    uint32_t record_avg_sz;
    /* dataplane */
    uint32_t workers;
    char *lcores;       /* EAL --lcores text; NULL: made from workers */
    uint32_t memory_mb; /* for packet buffers */
    uint32_t mbufs;
    enum bd_poll_mode poll;
    bool huge; /* packet buffers in hugepages */
    uint32_t fragments_max, fragment_timeout_ms;
    uint32_t control_timeout_ms;
    struct bd_config_port *ports;
    unsigned port_cnt;
    struct bd_endpoint *listen; /* SIP over UDP */
    unsigned listen_cnt;
    /* registrar */
    struct bd_config_domain defaults; /* what a domain that does not say otherwise gets; no name */
    struct bd_config_domain *domains;
    unsigned domain_cnt;
    char *default_domain; /* NULL: none */
    struct bd_config_profile *profiles;
    unsigned profile_cnt;
    char *server_header;
    uint32_t verdict_timeout_ms, overload_target_us, overload_silence_ms;
    uint32_t reg_event_max_subscriptions, reg_event_interval_ms;
    uint32_t reg_event_default_expires_s, reg_event_min_expires_s, reg_event_max_expires_s;
    /* screening */
    char *screening_rules; /* path of the rules file, made absolute; NULL: no screening */
    struct bd_config_rule *rules;
    unsigned rule_cnt;
    /* limits */
    int bans_enforced; /* a truth */
    struct bd_prefix *never_ban;
    unsigned never_ban_cnt;
    int rates_enforced; /* a truth */
    uint32_t source_rate, source_burst, source_prefix_ipv4, source_prefix_ipv6;
    uint32_t aor_rate, aor_burst;
    int aor_silent; /* a truth */
    uint32_t failed_per_source, failed_per_aor, failed_aor_pause_s;
    uint32_t failed_ban_s, failed_ban_max_s, failed_forget_s;
    uint32_t reply_factor;
    uint32_t maddr_followed;
    struct bd_config_prefixes allow, deny;
    /* auth */
    char *secret; /* NULL: random, kept in the arena's life only; a warning says so */
    char *secret_previous;
    char *secret_file, *secret_previous_file; /* where they were read from, or NULL */
    uint32_t verifiers;
    /* journal */
    enum bd_durability durability;
    char *journal_dir;
    uint32_t journal_fsync_ms, journal_snapshot_mb, snapshot_interval_s;
    /* control */
    char *database;             /* SQLite file */
    char *stats_socket;         /* admin level; operator level beside a stats_socket_admin */
    char *stats_socket_user;    /* NULL: none */
    char *stats_socket_admin;   /* NULL: none */
    struct bd_endpoint metrics; /* port 0: off */
    int log_level;
    /* who else may use them: users, "@group"s */
    char **user_peers, **operator_peers, **admin_peers;
    unsigned user_peer_cnt, operator_peer_cnt, admin_peer_cnt;
    /* process */
    char *user, *group; /* group NULL: the user's own */
    enum bd_seccomp_word seccomp;
    bool core_dumps;
};

/* Reads and checks a file, and the screening rules that it names. On failure returns NULL after
 * writing every error, one a line, to `errors`: "FILE:LINE:COL PATH: what is wrong, what is
 * allowed". What only Hyperscan knows of a pattern, the policy compiler finds out. */
struct bd_config *bd_config_load(const char *file, FILE *errors);
void bd_config_free(struct bd_config *config);

/* Names the keys that differ and need a restart, comma-separated, into out; returns how many. */
unsigned bd_config_needs_restart(const struct bd_config *running, const struct bd_config *loaded,
                                 char *out, size_t out_sz);

/* Writes the configuration in force as YAML, secrets as "***" (for `show config`), or the annotated
 * default file (for configs/bindery.yaml). */
void bd_config_print(const struct bd_config *config, FILE *out);
void bd_config_print_default(FILE *out);
/* A Markdown table of all keys, for docs/configuration.md. */
void bd_config_print_docs(FILE *out);

/* `-t` of both processes: reads and checks a file, prints "FILE: ok" on stdout or every error on
 * stderr. Returns the exit status. */
int bd_config_check_main(const char *file);

#endif
