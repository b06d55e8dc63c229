/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of sections registrar, domains and profiles. Names and meanings are Kamailio's where
 * Kamailio has them. */
#include "rows.h"

static const struct bd_choice auth_words[] = {
    {"digest", 0}, {"trusted", 1}, {"open", 2}, {NULL, 0}};
static const struct bd_choice algorithm_words[] = {
    {"MD5", 0}, {"SHA-256", 1}, {"SHA-512-256", 2}, {NULL, 0}};
static const struct bd_choice qop_words[] = {{"auth", 1}, {"auth-int", 2}, {NULL, 0}};
static const struct bd_choice contacts_words[] = {
    {"reject", 0}, {"oldest", 1}, {"replace", 2}, {NULL, 0}};
static const struct bd_choice profile_contacts_words[] = {
    {"domain", 0}, {"reject", 1}, {"oldest", 2}, {"replace", 3}, {NULL, 0}};
static const struct bd_choice third_party_words[] = {{"allow", 0}, {"deny", 1}, {NULL, 0}};
static const struct bd_choice code_words[] = {{"503", 503}, {"403", 403}, {NULL, 0}};
static const struct bd_choice charset_words[] = {{"none", 0}, {"UTF-8", 1}, {NULL, 0}};

static const struct bd_row registrar_rows[] = {
    {"default_domain", &bd_kind_text, FIELD(struct bd_config, default_domain), .min = 1,
     .max = BD_DOMAIN_NAME_MAX, .form = &bd_form_host, .example = "example.com",
     .help = "Name of the domain that serves requests for hosts that are no domain or alias. Left "
             "out: they draw 404."},
    {"server_header", &bd_kind_text, FIELD(struct bd_config, server_header), .fallback = "Bindery",
     .min = 0, .max = 64, .form = &bd_form_value,
     .help = "Server header field of replies; \"\": none is sent."},
    {"verdict_timeout_ms", &bd_kind_number, FIELD(struct bd_config, verdict_timeout_ms),
     .fallback = "2000", .min = 10, .max = 30000, .unit = "ms",
     .help = "A request whose credentials are not verified by then draws 503."},
    {"overload_target_us", &bd_kind_number, FIELD(struct bd_config, overload_target_us),
     .fallback = "20000", .min = 0, .max = 1000000, .unit = "us",
     .help =
         "Requests may wait so long for a worker or a verifier; when they wait longer, some draw "
         "no answer, later 503: unknown sources first, then new registrations, refreshes last. 0: "
         "nothing is shed."},
    {"overload_silence_ms", &bd_kind_number, FIELD(struct bd_config, overload_silence_ms),
     .fallback = "4000", .min = 0, .max = BD_SILENCE_MAX_MS, .unit = "ms",
     .help = "For so long from its begin an overload is told to nobody but proxies: who is not "
             "served draws no answer, and sends again within 4 s by himself, where 503 would keep "
             "many phones away for half a minute. Unless requests wait for verifiers for more than "
             "half a second. 0: all draw 503 at once."},
    {"reg_event_max_subscriptions", &bd_kind_number,
     FIELD(struct bd_config, reg_event_max_subscriptions), .fallback = "1000", .min = 1,
     .max = BD_SUBSCRIPTIONS_MAX, .unit = "subscriptions", .restart = true,
     .help = "Subscriptions to registration state (see `reg_event`); one too many draws 503."},
    {"reg_event_interval_ms", &bd_kind_number, FIELD(struct bd_config, reg_event_interval_ms),
     .fallback = "5000", .min = 0, .max = 600000, .unit = "ms",
     .help = "Least time between two NOTIFYs of changes to one subscriber; changes in between are "
             "told together (RFC 3680 4.10)."},
    {"reg_event_default_expires", &bd_kind_number,
     FIELD(struct bd_config, reg_event_default_expires_s), .fallback = "3761", .min = 1,
     .max = YEAR_S, .unit = "s",
     .help = "Lifetime of a subscription when the subscriber asks for none (RFC 3680 4.4)."},
    {"reg_event_min_expires", &bd_kind_number, FIELD(struct bd_config, reg_event_min_expires_s),
     .fallback = "60", .min = 1, .max = 3600, .unit = "s",
     .help = "Shortest lifetime of a subscription; a shorter one draws 423."},
    {"reg_event_max_expires", &bd_kind_number, FIELD(struct bd_config, reg_event_max_expires_s),
     .fallback = "86400", .min = 3600, .max = YEAR_S, .unit = "s",
     .help = "Longest lifetime of a subscription; a longer one is lowered to it."},
};

#define DOMAIN(field) FIELD(struct bd_config_domain, field)

static const struct bd_row domain_rows[] = {
    {"name", &bd_kind_text, DOMAIN(name), .required = true, .min = 1, .max = BD_DOMAIN_NAME_MAX,
     .form = &bd_form_domain, .shown = true, .example = "example.com",
     .help =
         "Host part of the domain's addresses of record. \"*\": serves every host that no other "
         "domain has, each under its own name and realm, before default_domain."},
    {"realm", &bd_kind_text, DOMAIN(realm), .min = 1, .max = BD_REALM_MAX,
     .form = &bd_form_quotable, .example = "example.com",
     .help = "Realm of the challenges. Left out: the name. Stored passwords are hashed with it."},
    {"aliases", &bd_kind_texts, LIST(struct bd_config_domain, aliases, alias_cnt), .min = 0,
     .max = BD_ALIASES_PER_DOMAIN_MAX, .form = &bd_form_host, .example = "192.0.2.10",
     .help = "Further names and own addresses that phones write instead of the name."},
    {"bulk", &bd_kind_bulk, LIST(struct bd_config_domain, bulk, bulk_cnt), .min = 0,
     .max = BD_BULK_ENTRIES_MAX, .example = "pbx1 +49305550000-9999 +493044*",
     .help = "PBXs that register their numbers in bulk (RFC 6140): the user part of the PBX, then "
             "its numbers: +49305551, from-to as +49305550000-9999, or all that begin so as "
             "+493044*. A PBX may stand in several entries; no number belongs to two."},
};

static const struct bd_row registration_rows[] = {
    {"auth", &bd_kind_choice, DOMAIN(auth), .fallback = "digest", .choices = auth_words,
     .help = "digest: a password. trusted: a provisioned address of record from its prefixes, no "
             "password. open: anybody."},
    {"algorithms", &bd_kind_order, LIST(struct bd_config_domain, algorithm, algorithm_cnt),
     .fallback = "SHA-256, MD5", .choices = algorithm_words, .min = 1, .max = 4,
     .help = "Digest algorithms, a challenge each in this order; a phone takes the first it knows "
             "(RFC 8760)."},
    {"qop", &bd_kind_flags, DOMAIN(qop), .fallback = "auth", .choices = qop_words, .min = 1,
     .max = 2, .help = "Qualities of protection that are offered."},
    {"default_expires", &bd_kind_number, DOMAIN(default_expires_s), .fallback = "3600", .min = 1,
     .max = YEAR_S, .unit = "s", .help = "Lifetime of a binding when the phone asks for none."},
    {"min_expires", &bd_kind_number, DOMAIN(min_expires_s), .fallback = "60", .min = 1,
     .max = 86400, .unit = "s", .help = "Shortest lifetime; see `min_expires_mode`. 1: no bound."},
    {"min_expires_mode", &bd_kind_number, DOMAIN(min_expires_mode), .fallback = "1", .min = 0,
     .max = 1, .help = "A lifetime below `min_expires` is 0: raised to it, 1: refused with 423."},
    {"max_expires", &bd_kind_number, DOMAIN(max_expires_s), .fallback = "7200", .min = 0,
     .max = YEAR_S, .unit = "s",
     .help = "Longest lifetime; a longer one is lowered to it. 0: no bound."},
    {"max_contacts", &bd_kind_number, DOMAIN(max_contacts), .fallback = "10", .min = 0,
     .max = BD_CONTACTS_PER_AOR_MAX, .unit = "contacts",
     .help = "Contacts of one address of record. 0: as many as a record holds, 32."},
    {"max_contacts_policy", &bd_kind_choice, DOMAIN(max_contacts_policy), .fallback = "reject",
     .choices = contacts_words,
     .help = "One contact too many: reject the request, let the oldest go, or replace all."},
    {"max_contacts_code", &bd_kind_choice, DOMAIN(max_contacts_code), .fallback = "503",
     .choices = code_words, .help = "Status that `reject` answers."},
    {"retry_after_s", &bd_kind_number, DOMAIN(retry_after_s), .fallback = "10", .min = 0,
     .max = 86400, .unit = "s",
     .help =
         "Least Retry-After of 503 replies; each address of record has its own between this and "
         "twice this, so that phones do not come back together. 0: none is sent."},
    {"nonce_expire", &bd_kind_number, DOMAIN(nonce_expire_s), .fallback = "300", .min = 1,
     .max = 86400, .unit = "s",
     .help = "Lifetime of a nonce; after it a phone is challenged anew."},
    {"userhash", &bd_kind_truth, DOMAIN(userhash), .fallback = "false", .choices = bd_truth_words,
     .help = "Whether the challenges ask phones that can to hash the username (RFC 7616). A hashed "
             "one is understood either way; To and From name the user all the same."},
    {"charset", &bd_kind_choice, DOMAIN(charset), .fallback = "UTF-8", .choices = charset_words,
     .help = "Character encoding of names and passwords that the challenges tell; none: nothing."},
    {"add_authinfo_hdr", &bd_kind_truth, DOMAIN(add_authinfo_hdr), .fallback = "false",
     .choices = bd_truth_words,
     .help = "Authentication-Info in the 200 of a phone that uses qop: rspauth, and a nextnonce "
             "once half of `nonce_expire` is over."},
    {"case_sensitive", &bd_kind_truth, DOMAIN(case_sensitive), .fallback = "false",
     .choices = bd_truth_words, .help = "Whether upper and lower case of user parts differ."},
    {"outbound_mode", &bd_kind_number, DOMAIN(outbound_mode), .fallback = "1", .min = 0, .max = 2,
     .help = "RFC 5626: one binding for each +sip.instance and reg-id. 0: reg-id is ignored and "
             "Require: outbound refused. 1: supported. 2: required, others draw 421."},
    {"regid_mode", &bd_kind_number, DOMAIN(regid_mode), .fallback = "0", .min = 0, .max = 1,
     .help = "A reg-id behind a first hop without outbound is 0: refused or ignored as RFC 5626 "
             "says, 1: used all the same."},
    {"flow_timer", &bd_kind_number, DOMAIN(flow_timer_s), .fallback = "0", .min = 0, .max = 999,
     .unit = "s",
     .help = "Flow-Timer of the reply to an outbound registration: keep-alives come at least this "
             "often. 0: none is sent."},
    {"gruu_enabled", &bd_kind_truth, DOMAIN(gruu_enabled), .fallback = "true",
     .choices = bd_truth_words,
     .help = "RFC 5627: phones with a +sip.instance get a public and a temporary GRUU."},
    {"keep", &bd_kind_number, DOMAIN(keep_s), .fallback = "0", .min = 0, .max = 3600, .unit = "s",
     .help =
         "Keep-alives that a phone offers by a Via parameter keep (RFC 6223) are asked for this "
         "often. 0: they are not asked for."},
    {"redirect", &bd_kind_truth, DOMAIN(redirect), .fallback = "false", .choices = bd_truth_words,
     .help = "Whether requests for a user of the domain (INVITE, MESSAGE, ...) are answered: 302 "
             "with his contacts, 480 when he has none, 404 when there is no such user (never "
             "where `auth` is open). Off: 405."},
    {"redirect_auth", &bd_kind_truth, DOMAIN(redirect_auth), .fallback = "false",
     .choices = bd_truth_words,
     .help = "Callers must prove, as `auth` says, that they are the subscriber of this domain that "
             "From names. Off: anybody may ask where a user is."},
    {"redirect_path", &bd_kind_truth, DOMAIN(redirect_path), .fallback = "false",
     .choices = bd_truth_words,
     .help = "A contact behind a Path is given with a Route in its URI; few callers honour it (RFC "
             "3261 19.1.5). Off: such a contact is not given."},
    {"caller_preferences", &bd_kind_truth, DOMAIN(caller_preferences), .fallback = "false",
     .choices = bd_truth_words,
     .help = "Whether Accept-Contact, Reject-Contact and Request-Disposition choose among the "
             "contacts (RFC 3841)."},
    {"trusted_prefixes", &bd_kind_prefixes,
     LIST(struct bd_config_domain, trusted_prefixes, trusted_prefix_cnt), .min = 0,
     .max = BD_PREFIXES_PER_DOMAIN_MAX, .example = "198.51.100.0/24",
     .help = "Sources that `auth: trusted` takes from subscribers without a prefix of their own."},
    {"reg_event", &bd_kind_truth, DOMAIN(reg_event), .fallback = "false", .choices = bd_truth_words,
     .help = "Serves the registration event package (RFC 3680): a user may SUBSCRIBE to his own "
             "registrations, `reg_event_watchers` to everybody's."},
    {"reg_event_watchers", &bd_kind_texts,
     LIST(struct bd_config_domain, reg_event_watchers, reg_event_watcher_cnt), .min = 0,
     .max = BD_WATCHERS_PER_DOMAIN_MAX, .form = &bd_form_aor, .example = "app@example.com",
     .help = "Users of the domain who may watch all of its addresses of record; in the domain "
             "`\"*\"`, those of their own host. They are authenticated as `auth` says."},
    {"use_path", &bd_kind_truth, DOMAIN(use_path), .fallback = "true", .choices = bd_truth_words,
     .help = "Whether the Path of a REGISTER is kept with its bindings (RFC 3327). false: it is "
             "ignored, and Require: path draws 420."},
    {"path_mode", &bd_kind_number, DOMAIN(path_mode), .fallback = "2", .min = 0, .max = 2,
     .help = "0: a Path is kept and not echoed. 1: echoed to phones that say Supported: path. 2: "
             "those that do not say it draw 420."},
    {"service_route", &bd_kind_texts,
     LIST(struct bd_config_domain, service_route, service_route_cnt), .min = 0,
     .max = BD_SERVICE_ROUTE_MAX, .form = &bd_form_route,
     .example = "sip:orig@proxy.example.com;lr",
     .help = "Service-Route of the 200 of a registration, in the order of the way (RFC 3608)."},
    {"associated_uris", &bd_kind_texts,
     LIST(struct bd_config_domain, associated_uris, associated_uri_cnt), .min = 0,
     .max = BD_ASSOCIATED_URIS_MAX, .form = &bd_form_identity, .example = "tel:{user}",
     .help =
         "P-Associated-URI of the 200, behind the address of record itself (RFC 7315). {user} "
         "stands for its user part; a tel URI with it is for numbers only. Left out: there is no "
         "such header field."},
    {"expires_range", &bd_kind_number, DOMAIN(expires_range), .fallback = "0", .min = 0, .max = 100,
     .unit = "%",
     .help = "A lifetime that a phone asks for is shortened by up to this part of it, never below "
             "`min_expires`, so that phones that started together do not refresh together."},
    {"default_expires_range", &bd_kind_number, DOMAIN(default_expires_range), .fallback = "0",
     .min = 0, .max = 100, .unit = "%", .help = "The same for `default_expires`."},
    {"third_party", &bd_kind_choice, DOMAIN(third_party), .fallback = "deny",
     .choices = third_party_words,
     .help = "A REGISTER whose From is another address of record than its To, and none of "
             "`registrants`. deny: 403. allow: whoever To belongs to must be asking, as always."},
    {"registrants", &bd_kind_texts, LIST(struct bd_config_domain, registrants, registrant_cnt),
     .min = 0, .max = BD_REGISTRANTS_MAX, .form = &bd_form_registrant, .example = "provisioning",
     .help = "Who may register others: From is one of these, with its own credentials, and To is a "
             "subscriber."},
};

#define PROFILE(field) FIELD(struct bd_config_profile, field)

static const struct bd_row profile_rows[] = {
    {"name", &bd_kind_text, PROFILE(name), .required = true, .min = 1, .max = BD_PROFILE_NAME_MAX,
     .form = &bd_form_name, .example = "trunk",
     .help = "What `binderyctl subscriber profile` and the column `profile` of the database call "
             "it."},
    {"max_contacts", &bd_kind_number, PROFILE(max_contacts), .fallback = "0", .min = 0,
     .max = BD_CONTACTS_PER_AOR_MAX, .unit = "contacts", .hidden = true,
     .help = "Contacts of one address of record. 0: as in the domain."},
    {"max_contacts_policy", &bd_kind_choice, PROFILE(max_contacts_policy), .fallback = "domain",
     .choices = profile_contacts_words, .hidden = true,
     .help = "One contact too many. domain: as in the domain."},
    {"default_expires", &bd_kind_number, PROFILE(default_expires_s), .fallback = "0", .min = 0,
     .max = YEAR_S, .unit = "s", .hidden = true,
     .help = "Lifetime of a binding when the phone asks for none. 0: as in the domain."},
    {"min_expires", &bd_kind_number, PROFILE(min_expires_s), .fallback = "0", .min = 0,
     .max = 86400, .unit = "s", .hidden = true, .help = "Shortest lifetime. 0: as in the domain."},
    {"max_expires", &bd_kind_number, PROFILE(max_expires_s), .fallback = "0", .min = 0,
     .max = YEAR_S, .unit = "s", .hidden = true, .help = "Longest lifetime. 0: as in the domain."},
    {"service_route", &bd_kind_texts,
     LIST(struct bd_config_profile, service_route, service_route_cnt), .min = 0,
     .max = BD_SERVICE_ROUTE_MAX, .form = &bd_form_route,
     .example = "sip:orig@trunk.example.com;lr", .help = "Service-Route in place of the domain's."},
    {"associated_uris", &bd_kind_texts,
     LIST(struct bd_config_profile, associated_uris, associated_uri_cnt), .min = 0,
     .max = BD_ASSOCIATED_URIS_MAX, .form = &bd_form_identity, .example = "tel:{user}",
     .help = "Associated identities in place of the domain's."},
};

const struct bd_group bd_registrar_groups[2] = {
    {ROWS(registrar_rows)},
    {ROWS(registration_rows), .base = offsetof(struct bd_config, defaults)},
};
const struct bd_group bd_domain_groups[2] = {
    {ROWS(domain_rows)},
    {ROWS(registration_rows), .inherited = true},
};
const struct bd_group bd_profile_groups[1] = {{ROWS(profile_rows)}};
