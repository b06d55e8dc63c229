/* SPDX-License-Identifier: BSD-3-Clause */
/* The policy block: what the configuration says, compiled for workers.
 *
 * One immutable blob without pointers. The control process writes it into a free slot of the policy
 * region and publishes the slot's number; a worker loads the number once per burst, so a request
 * sees the old policy or the new one, whole. A slot is written again only after a grace period.
 *
 *   region:  [ current slot number, sequence | epoch-free slots | small slots | large slots ]
 *   blob:    bd_policy | domains[] | profiles[] | name index (open addressing) | prefixes[] |
 *            addresses[] | text | number ranges of each domain that has some (bulk.h) |
 *            lists of limits.allow and limits.deny (prefix_map.h) | screening rules, compiled
 *            (screen.h)
 *
 * Control writes; anybody reads. */
#ifndef BD_POLICY_H
#define BD_POLICY_H

#include "arena.h"
#include "epoch.h"
#include "ip.h"
#include "prefix_map.h"

/* Slots that hold any policy, and small ones, which most need: an old policy stays in its slot
 * until its readers have gone. Together with the head of the region they fill pages of 2 MiB. */
#define BD_POLICY_LARGE_SLOTS 2
#define BD_POLICY_SMALL_SLOTS 2
#define BD_POLICY_SLOTS       (BD_POLICY_SMALL_SLOTS + BD_POLICY_LARGE_SLOTS)
#define BD_POLICY_HEAD_SZ     4096U
#define BD_POLICY_SMALL_MAX   ((1U << 20) - BD_POLICY_HEAD_SZ / BD_POLICY_SMALL_SLOTS)
/* Without the screening rules, and with them. */
#define BD_POLICY_PLAIN_MAX (4U << 20)
#define BD_POLICY_BLOB_MAX  (BD_POLICY_PLAIN_MAX + BD_SCREEN_MAX)

enum bd_auth_mode { BD_AUTH_DIGEST, BD_AUTH_TRUSTED, BD_AUTH_OPEN };
enum bd_contacts_policy { BD_CONTACTS_REJECT, BD_CONTACTS_OLDEST, BD_CONTACTS_REPLACE };
/* Kamailio's path_mode: what a Path draws from a phone that does not say Supported: path. */
enum bd_path_mode { BD_PATH_OFF, BD_PATH_LAZY, BD_PATH_STRICT };
/* Whether somebody in From may register another one's To; see registrar/third_party.c. */
enum bd_third_party { BD_THIRD_PARTY_ALLOW, BD_THIRD_PARTY_DENY };

/* Kamailio's outbound_mode. */
enum bd_outbound_mode { BD_OUTBOUND_NONE, BD_OUTBOUND_SUPPORTED, BD_OUTBOUND_REQUIRED };

/* Bits of bd_policy_domain.qop and .algorithms. */
#define BD_QOP_BIT_AUTH     0x1
#define BD_QOP_BIT_AUTH_INT 0x2

/* Texts in the blob, one behind the other; walk them with bd_policy_list_next. */
struct bd_policy_list {
    uint32_t off, cnt;
};

struct bd_policy_domain {
    uint32_t name_off, realm_off; /* text; name is lower case, the canonical host of its AoRs */
    uint16_t name_len, realm_len;
    uint8_t auth;                /* enum bd_auth_mode */
    uint8_t max_contacts_policy; /* enum bd_contacts_policy */
    uint8_t algorithm_cnt;
    uint8_t algorithm[4];           /* enum bd_digest_alg, in the order of the challenges */
    uint8_t qop;                    /* BD_QOP_BIT_... */
    uint8_t case_sensitive;         /* user part of AoRs */
    uint8_t min_expires_mode;       /* Kamailio: 0 raise to min_expires, 1 answer 423 */
    uint8_t userhash, charset_utf8; /* said in the challenges (RFC 7616 3.3) */
    uint8_t add_authinfo_hdr;       /* Kamailio: Authentication-Info in the 200 */
    uint8_t reg_event;              /* SUBSCRIBE to the registration event package is served */
    uint8_t redirect, redirect_auth, redirect_path, caller_preferences; /* truths */
    uint16_t max_contacts;
    uint16_t max_contacts_code;    /* 503 or 403 */
    uint16_t keep_s, flow_timer_s; /* RFC 6223, RFC 5626 6; 0: off */
    uint8_t outbound_mode;         /* enum bd_outbound_mode */
    uint8_t regid_mode;            /* 0: a reg-id counts by RFC 5626 6; 1: whatever the first hop */
    uint8_t gruu_enabled;
    uint32_t default_expires_s, min_expires_s, max_expires_s; /* max 0: no upper bound */
    uint32_t retry_after_s; /* least Retry-After, the longest is twice that; 0: none */
    uint32_t nonce_expire_s;
    uint32_t prefix_first, prefix_cnt; /* trusted_prefixes */
    uint32_t bulk_off;                 /* number ranges (bulk.h); 0: none */
    struct bd_policy_list service_route, associated_uris, registrants;
    uint8_t use_path, path_mode;                  /* enum bd_path_mode */
    uint8_t expires_range, default_expires_range; /* percent that an expiry may be shortened by */
    uint8_t third_party;                          /* enum bd_third_party */
    uint8_t wildcard;  /* serves every host no other domain has, each under its own name */
    uint8_t own_realm; /* the realm is the host's name: of a wildcard domain */
    uint8_t unused;
};

/* What differs for the subscribers of a profile; 0 and an empty list: as in the domain. */
struct bd_policy_profile {
    uint32_t name_off;
    uint16_t name_len; /* 0: nobody has this number */
    uint16_t max_contacts;
    uint32_t default_expires_s, min_expires_s, max_expires_s;
    uint8_t max_contacts_policy; /* 1 + enum bd_contacts_policy */
    uint8_t unused[3];
    struct bd_policy_list service_route, associated_uris;
};

/* A token bucket, in units of time (rate.h): one token each interval, and a full one lets so many
 * follow at once as the tolerance has intervals, and one more. */
struct bd_rate_terms {
    uint64_t interval, tolerance; /* interval 0: no limit */
};

struct bd_policy_limits {
    struct bd_rate_terms source, aor;
    uint64_t source_mask[2];     /* of bd_source_key(): IPv6, IPv4 */
    uint32_t failed_per_source;  /* wrong credentials that are borne; 0: any number */
    uint32_t failed_per_aor;     /* likewise, from sources where it is not registered */
    uint32_t failed_aor_pause_s; /* then each source has one try in so long */
    uint32_t failed_ban_s, failed_ban_max_s, failed_forget_s;
    uint8_t rates_enforced; /* else what is over a limit is only counted */
    uint8_t aor_silent;     /* no 503 */
    uint8_t reply_factor;   /* to who has proved nothing; 0: any size */
    uint8_t maddr_followed; /* whoever asks; else for who is in never_ban or on limits.allow */
    uint8_t unused[4];
};

struct bd_policy {
    uint64_t sequence;  /* +1 at each publication */
    uint64_t hash_seed; /* of the name index */
    uint32_t size;
    uint32_t domain_cnt, domains_off;
    uint32_t index_cnt, indexes_off;     /* power of two of bd_policy_index */
    uint32_t prefix_cnt, prefixes_off;   /* struct bd_prefix */
    uint32_t address_cnt, addresses_off; /* struct bd_endpoint that we listen on */
    uint32_t default_domain;             /* index, or UINT32_MAX: none */
    uint32_t wildcard_domain;            /* likewise */
    uint32_t profile_cnt, profiles_off;  /* profile 0 is never used */
    uint32_t server_off;                 /* Server header value; len 0: none sent */
    uint32_t server_len;
    uint32_t text_off, text_len;
    uint8_t nonce_key[2][32]; /* current and previous secret; derived, never the configured text */
    uint32_t verdict_timeout_ms;             /* a worker waits this long for a verifier, then 503 */
    uint32_t overload_target_us;             /* a request waits so long at most; 0: however long */
    uint32_t overload_silence_ms;            /* then 503, at once with 0 */
    uint32_t never_ban_first, never_ban_cnt; /* prefixes */
    uint32_t screen_off;                     /* struct bd_screen; 0: nothing is screened */
    uint32_t prefix_map_off;                 /* limits.allow and .deny; 0: both are empty */
    uint8_t bans_enforced;                   /* else what is banned is only counted */
    uint8_t unused[7];
    struct bd_policy_limits limits;
};

struct bd_policy_index {
    uint32_t hash;     /* upper half of the name's hash */
    uint32_t domain;   /* UINT32_MAX: empty */
    uint32_t name_off; /* domain name or alias, lower case */
    uint32_t name_len;
};

/* What the compiler (control/policy) hands to bd_policy_build. */
struct bd_bulk_in;
struct bd_policy_texts {
    char *const *text;
    unsigned cnt;
};
struct bd_policy_profile_in {
    struct bd_str name; /* len 0: the number is free */
    struct bd_policy_texts service_route, associated_uris;
    struct bd_policy_profile settings;
};
struct bd_policy_domain_in {
    struct bd_str name, realm;
    const struct bd_str *aliases; /* further names and own addresses ("198.18.0.1") */
    unsigned alias_cnt;
    const struct bd_prefix *prefixes;
    unsigned prefix_cnt;
    const struct bd_bulk_in *bulk; /* PBXs and their numbers (bulk.h) */
    unsigned bulk_cnt;
    struct bd_policy_texts service_route, associated_uris, registrants;
    struct bd_policy_domain settings; /* offsets and lengths are filled in */
};
struct bd_policy_in {
    const struct bd_policy_domain_in *domains;
    unsigned domain_cnt;
    int default_domain;                          /* -1: none */
    const struct bd_policy_profile_in *profiles; /* by number, from 1 on: [0] is not looked at */
    unsigned profile_cnt;                        /* [0] counts */
    const struct bd_endpoint *addresses;
    unsigned address_cnt;
    struct bd_str server;
    uint8_t nonce_key[2][32];
    uint32_t verdict_timeout_ms, overload_target_us, overload_silence_ms;
    const struct bd_prefix *never_ban;
    unsigned never_ban_cnt;
    bool bans_enforced;
    struct bd_policy_limits limits;
    const struct bd_prefix_map *prefix_map; /* NULL: none */
    const void *screen;                     /* a struct bd_screen of screen_sz bytes; NULL: none */
    uint32_t screen_sz;
    uint64_t hash_seed;
};

/* Builds a blob. Returns its size, or 0 when cap is too small or a name stands twice (*twice, if
 * not NULL, is set to it). */
uint32_t bd_policy_build(void *out, uint32_t cap, const struct bd_policy_in *in,
                         struct bd_str *twice);

uint64_t bd_policy_footprint(void);
void bd_policy_format(struct bd_arena *arena);

/* Control: copies a blob into a slot that nobody reads and makes it current, a small one if that
 * will do. -1: no slot that holds it is free of readers yet (a grace period has not passed): try
 * again in the next turn of the loop. */
int bd_policy_publish(struct bd_arena *arena, struct bd_epoch *epoch, const void *blob,
                      uint32_t size);

/* Any: the current policy, or NULL before the first publication. Valid until the caller's epoch
 * line is quiescent. */
const struct bd_policy *bd_policy_current(const struct bd_arena *arena);

/* Finds the domain that serves a host: its name, an alias, the wildcard domain, or the default
 * domain. The host may be in any case, with a trailing dot, an IPv6 literal with brackets.
 * `is_default` tells that only the wildcard or the default domain took it. NULL: not served. */
const struct bd_policy_domain *bd_policy_find(const struct bd_policy *policy, struct bd_str host,
                                              bool *is_default);
/* bd_policy_find with a memory of the last host: requests that follow each other mostly name the
 * same one, in the same bytes. A memo belongs to one thread and begins zeroed; it holds good for
 * the policy, by its sequence, that it was filled from. */
struct bd_policy_memo {
    const struct bd_policy *policy; /* NULL: empty */
    uint64_t sequence;
    const struct bd_policy_domain *domain;
    bool is_default;
    uint32_t host_len;
    char host[BD_DOMAIN_NAME_MAX];
};
const struct bd_policy_domain *bd_policy_find_memo(struct bd_policy_memo *memo,
                                                   const struct bd_policy *policy,
                                                   struct bd_str host, bool *is_default);

/* Whether host (and port, 0: any of ours) names this appliance: one of its listen addresses or a
 * domain name or alias. For Route (RFC 3261 16.4). */
bool bd_policy_is_self(const struct bd_policy *policy, struct bd_str host, uint16_t port);

struct bd_str bd_policy_text(const struct bd_policy *policy, uint32_t off, uint32_t len);
/* Walks a list: takes its first text out. False at its end. */
bool bd_policy_list_next(const struct bd_policy *policy, struct bd_policy_list *list,
                         struct bd_str *text);
/* The canonical host of the AoRs of a domain: its name; of the wildcard domain, `host`. */
struct bd_str bd_policy_aor_host(const struct bd_policy *policy,
                                 const struct bd_policy_domain *domain, struct bd_str host);
/* Which of limits.allow and limits.deny a source is on. */
static inline enum bd_prefix_list bd_policy_list_of(const struct bd_policy *policy,
                                                    const struct bd_ip *source)
{
    const char *map = (const char *)policy + policy->prefix_map_off;
    return policy->prefix_map_off ? bd_prefix_map_find((const struct bd_prefix_map *)map, source)
                                  : BD_PREFIX_NONE;
}
/* Whether a source may be banned: it is neither in never_ban nor on limits.allow. */
bool bd_policy_may_ban(const struct bd_policy *policy, const struct bd_ip *source);
/* Whether replies to a source go where its Via has them sent by maddr (RFC 3261 18.2.2). */
bool bd_policy_follows_maddr(const struct bd_policy *policy, const struct bd_ip *source);
bool bd_policy_trusts(const struct bd_policy *policy, const struct bd_policy_domain *domain,
                      const struct bd_ip *source);

#endif
