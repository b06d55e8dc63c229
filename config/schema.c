/* SPDX-License-Identifier: BSD-3-Clause */
/* The table. Names and meanings of the registrar's keys are Kamailio's where Kamailio has them. */
#include "schema.h"

#define FIELD(type, field)       .off = offsetof(type, field)
#define LIST(type, field, count) .off = offsetof(type, field), .cnt_off = offsetof(type, count)
#define ROWS(array)              array, sizeof(array) / sizeof((array)[0])

static const struct bd_choice truth_words[] = {{"true", true}, {"false", false}, {NULL, 0}};
static const struct bd_choice poll_words[] = {
    {"busy", BD_POLL_BUSY}, {"adaptive", BD_POLL_ADAPTIVE}, {NULL, 0}};
static const struct bd_choice driver_words[] = {{"tap", BD_PORT_TAP},
                                                {"af_packet", BD_PORT_AF_PACKET},
                                                {"memif", BD_PORT_MEMIF},
                                                {"af_xdp", BD_PORT_AF_XDP},
                                                {"pci", BD_PORT_PCI},
                                                {"ring", BD_PORT_RING},
                                                {NULL, 0}};
static const struct bd_choice memif_words[] = {{"client", false}, {"server", true}, {NULL, 0}};
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

static const struct bd_choice charset_words[] = {{"none", 0}, {"UTF-8", 1}, {NULL, 0}};

/* A year: nobody means more, and 2^32 milliseconds are far from it. */
#define YEAR_S 31536000

static const struct bd_row arena_rows[] = {
    {"file", &bd_kind_text, FIELD(struct bd_config, arena_file), .min = 2, .max = 255,
     .form = &bd_form_path, .restart = true, .example = "/dev/hugepages/bindery",
     .help =
         "File of the arena. Left out: on hugetlbfs, or in /dev/shm with a warning when there are "
         "no huge pages."},
    {"name", &bd_kind_text, FIELD(struct bd_config, arena_name), .fallback = "bindery", .min = 1,
     .max = 64, .form = &bd_form_name, .restart = true,
     .help = "Name of the arena when `file` is left out. Two appliances on one machine need two "
             "names."},
    {"bindings_max", &bd_kind_number64, FIELD(struct bd_config, bindings_max), .fallback = "100000",
     .min = 1024, .max = 1000000000, .unit = "bindings", .restart = true,
     .help =
         "Bindings that fit. The memory is taken at start and printed then; a new binding beyond "
         "it draws 503."},
    {"subscribers_max", &bd_kind_number64, FIELD(struct bd_config, subscribers_max),
     .fallback = "100000", .min = 1024, .max = 1000000000, .unit = "subscribers", .restart = true,
     .help = "Provisioned addresses of record that fit."},
    {"identities_max", &bd_kind_number64, FIELD(struct bd_config, identities_max), .fallback = "0",
     .min = 0, .max = 100000000, .unit = "identities", .restart = true,
     .help = "Subscribers that may belong to the implicit registration set of another (`binderyctl "
             "subscriber implicit`), at 1.6 kB each. 0: there are no such sets."},
    {"record_avg_size", &bd_kind_number, FIELD(struct bd_config, record_avg_sz), .fallback = "384",
     .min = 128, .max = BD_RECORD_MAX, .unit = "bytes", .restart = true,
     .help = "Average size of what is kept for one binding; sizes the record memory."},
};

static const struct bd_row dataplane_rows[] = {
    {"workers", &bd_kind_number, FIELD(struct bd_config, workers), .fallback = "1", .min = 1,
     .max = BD_WORKERS_MAX, .unit = "threads", .restart = true,
     .help = "Worker threads, each with one queue of every port and a core of its own."},
    {"lcores", &bd_kind_text, FIELD(struct bd_config, lcores), .min = 1, .max = 255,
     .form = &bd_form_lcores, .restart = true, .example = "0@0,1@1",
     .help =
         "Which thread runs on which core, in the words of DPDK's --lcores. Left out: made from "
         "`workers`."},
    {"poll", &bd_kind_choice, FIELD(struct bd_config, poll), .fallback = "busy",
     .choices = poll_words, .restart = true,
     .help =
         "busy: workers never sleep (least latency, a whole core each). adaptive: an idle worker "
         "naps."},
    {"hugepages", &bd_kind_truth, FIELD(struct bd_config, huge), .fallback = "true",
     .choices = truth_words, .restart = true,
     .help = "Packet buffers in huge pages. Physical ports want it."},
    {"memory_mb", &bd_kind_number, FIELD(struct bd_config, memory_mb), .fallback = "256", .min = 64,
     .max = 1048576, .unit = "MiB", .restart = true,
     .help = "Memory for packet buffers, at most. Of hugepages as much is taken as they need."},
    {"mbufs", &bd_kind_number, FIELD(struct bd_config, mbufs), .fallback = "16384", .min = 1024,
     .max = 4194304, .unit = "buffers", .restart = true,
     .help =
         "Packet buffers of some 9.5 kB each. Receive rings, requests that wait for a verdict and "
         "fragments hold them."},
    {"fragments_max", &bd_kind_number, FIELD(struct bd_config, fragments_max), .fallback = "1024",
     .min = 16, .max = 65536, .unit = "datagrams", .restart = true,
     .help = "Datagrams that are reassembled at a time, shared out among the workers; the oldest "
             "gives way."},
    {"fragment_timeout_ms", &bd_kind_number, FIELD(struct bd_config, fragment_timeout_ms),
     .fallback = "1000", .min = 10, .max = 60000, .unit = "ms", .restart = true,
     .help = "A datagram whose fragments are not all there by then is dropped."},
    {"control_timeout_ms", &bd_kind_number, FIELD(struct bd_config, control_timeout_ms),
     .fallback = "1000", .min = 300, .max = 30000, .unit = "ms", .restart = true,
     .help = "A bindery-control whose main loop stands still for so long counts as gone until it "
             "moves: what needs it draws 503 at once."},
};

#define PORT(field) FIELD(struct bd_config_port, field)

static const struct bd_row port_rows[] = {
    {"name", &bd_kind_text, PORT(name), .required = true, .min = 1, .max = 32,
     .form = &bd_form_name, .restart = true, .shown = true, .example = "port0",
     .help = "Our name of the port, for logs and `show info`."},
    {"driver", &bd_kind_choice, PORT(driver), .required = true, .choices = driver_words,
     .restart = true, .shown = true, .example = "pci",
     .help =
         "pci: a physical port by `pci`. tap: makes the kernel interface `interface`. af_packet, "
         "af_xdp: uses the existing one. memif: shared memory through the socket `interface`. "
         "ring: loops back, for tests."},
    {"interface", &bd_kind_text, PORT(interface), .min = 1, .max = 107, .form = &bd_form_interface,
     .restart = true, .example = "eth1",
     .help = "Interface name, at most 15 characters; memif: absolute path of the socket."},
    {"pci", &bd_kind_text, PORT(pci), .min = 12, .max = 12, .form = &bd_form_pci, .restart = true,
     .shown = true, .example = "0000:01:00.0",
     .help = "Address of the physical port. No other device is ever touched."},
    {"mac", &bd_kind_text, PORT(mac), .min = 17, .max = 17, .form = &bd_form_mac, .restart = true,
     .example = "02:00:00:00:00:01", .help = "MAC address. Left out: the port's own."},
    {"mtu", &bd_kind_number, PORT(mtu), .fallback = "1500", .min = 576, .max = 9000,
     .unit = "bytes", .restart = true,
     .help = "Largest IP packet; longer replies are fragmented. IPv6 wants 1280 at least."},
    {"vlan", &bd_kind_number, PORT(vlan), .fallback = "0", .min = 0, .max = 4094, .restart = true,
     .help = "802.1Q tag that is ours; 0: untagged."},
    {"rx_descriptors", &bd_kind_number, PORT(rx_descriptors), .fallback = "1024", .min = 64,
     .max = 8192, .power_of_two = true, .restart = true, .help = "Length of a receive queue."},
    {"tx_descriptors", &bd_kind_number, PORT(tx_descriptors), .fallback = "1024", .min = 64,
     .max = 8192, .power_of_two = true, .restart = true, .help = "Length of a transmit queue."},
    {"memif_role", &bd_kind_side, PORT(memif_server), .fallback = "client", .choices = memif_words,
     .restart = true, .hidden = true,
     .help = "Which end of the memif socket listens. For driver memif only."},
    {"addresses", &bd_kind_addresses, LIST(struct bd_config_port, addresses, address_cnt),
     .required = true, .min = 1, .max = BD_ADDRESSES_MAX, .restart = true, .shown = true,
     .example = "192.0.2.10/24",
     .help = "Own addresses with the length of their on-link prefix. ARP, ND and ping are answered "
             "for them."},
};

static const struct bd_row listen_rows[] = {
    {"listen", &bd_kind_endpoints, LIST(struct bd_config, listen, listen_cnt), .required = true,
     .min = 1, .max = BD_LISTEN_MAX, .restart = true, .shown = true, .example = "192.0.2.10:5060",
     .help = "UDP endpoints where SIP is served; each address must be an address of a port."},
};

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
         "503: unknown sources first, then new registrations, refreshes last. 0: nothing is "
         "shed."},
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
    {"userhash", &bd_kind_truth, DOMAIN(userhash), .fallback = "false", .choices = truth_words,
     .help = "Whether the challenges ask phones that can to hash the username (RFC 7616). A hashed "
             "one is understood either way; To and From name the user all the same."},
    {"charset", &bd_kind_choice, DOMAIN(charset), .fallback = "UTF-8", .choices = charset_words,
     .help = "Character encoding of names and passwords that the challenges tell; none: nothing."},
    {"add_authinfo_hdr", &bd_kind_truth, DOMAIN(add_authinfo_hdr), .fallback = "false",
     .choices = truth_words,
     .help = "Authentication-Info in the 200 of a phone that uses qop: rspauth, and a nextnonce "
             "once half of `nonce_expire` is over."},
    {"case_sensitive", &bd_kind_truth, DOMAIN(case_sensitive), .fallback = "false",
     .choices = truth_words, .help = "Whether upper and lower case of user parts differ."},
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
     .choices = truth_words,
     .help = "RFC 5627: phones with a +sip.instance get a public and a temporary GRUU."},
    {"keep", &bd_kind_number, DOMAIN(keep_s), .fallback = "0", .min = 0, .max = 3600, .unit = "s",
     .help =
         "Keep-alives that a phone offers by a Via parameter keep (RFC 6223) are asked for this "
         "often. 0: they are not asked for."},
    {"redirect", &bd_kind_truth, DOMAIN(redirect), .fallback = "false", .choices = truth_words,
     .help = "Whether requests for a user of the domain (INVITE, MESSAGE, ...) are answered: 302 "
             "with his contacts, 480 when he has none, 404 when there is no such user (never "
             "where `auth` is open). Off: 405."},
    {"redirect_auth", &bd_kind_truth, DOMAIN(redirect_auth), .fallback = "false",
     .choices = truth_words,
     .help = "Callers must prove, as `auth` says, that they are the subscriber of this domain that "
             "From names. Off: anybody may ask where a user is."},
    {"redirect_path", &bd_kind_truth, DOMAIN(redirect_path), .fallback = "false",
     .choices = truth_words,
     .help = "A contact behind a Path is given with a Route in its URI; few callers honour it (RFC "
             "3261 19.1.5). Off: such a contact is not given."},
    {"caller_preferences", &bd_kind_truth, DOMAIN(caller_preferences), .fallback = "false",
     .choices = truth_words,
     .help = "Whether Accept-Contact, Reject-Contact and Request-Disposition choose among the "
             "contacts (RFC 3841)."},
    {"trusted_prefixes", &bd_kind_prefixes,
     LIST(struct bd_config_domain, trusted_prefixes, trusted_prefix_cnt), .min = 0,
     .max = BD_PREFIXES_PER_DOMAIN_MAX, .example = "198.51.100.0/24",
     .help = "Sources that `auth: trusted` takes from subscribers without a prefix of their own."},
    {"reg_event", &bd_kind_truth, DOMAIN(reg_event), .fallback = "false", .choices = truth_words,
     .help = "Serves the registration event package (RFC 3680): a user may SUBSCRIBE to his own "
             "registrations, `reg_event_watchers` to everybody's."},
    {"reg_event_watchers", &bd_kind_texts,
     LIST(struct bd_config_domain, reg_event_watchers, reg_event_watcher_cnt), .min = 0,
     .max = BD_WATCHERS_PER_DOMAIN_MAX, .form = &bd_form_aor, .example = "app@example.com",
     .help = "Users of the domain who may watch all of its addresses of record; in the domain "
             "`\"*\"`, those of their own host. They are authenticated as `auth` says."},
    {"use_path", &bd_kind_truth, DOMAIN(use_path), .fallback = "true", .choices = truth_words,
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

static const struct bd_row screening_rows[] = {
    {"rules", &bd_kind_text, FIELD(struct bd_config, screening_rules), .min = 1, .max = 255,
     .form = &bd_form_file, .shown = true, .example = "screening.yaml",
     .help = "File of the rules by which requests are dropped, refused, counted or their sources "
             "banned; a relative path begins where this file lies. Left out: nothing is screened."},
};

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
     .choices = truth_words, .restart = true,
     .help = "Whether the processes may leave core dumps, and be traced by their own user. Secrets "
             "are in their memory."},
};

static const struct bd_group arena_groups[] = {{ROWS(arena_rows)}};
static const struct bd_group dataplane_groups[] = {{ROWS(dataplane_rows)}};
static const struct bd_group port_groups[] = {{ROWS(port_rows)}};
static const struct bd_group listen_groups[] = {{ROWS(listen_rows)}};
static const struct bd_group registrar_groups[] = {
    {ROWS(registrar_rows)},
    {ROWS(registration_rows), .base = offsetof(struct bd_config, defaults)},
};
static const struct bd_group domain_groups[] = {
    {ROWS(domain_rows)},
    {ROWS(registration_rows), .inherited = true},
};
static const struct bd_group profile_groups[] = {{ROWS(profile_rows)}};
static const struct bd_group screening_groups[] = {{ROWS(screening_rows)}};
static const struct bd_group auth_groups[] = {{ROWS(auth_rows)}};
static const struct bd_group journal_groups[] = {{ROWS(journal_rows)}};
static const struct bd_group control_groups[] = {{ROWS(control_rows)}};
static const struct bd_group process_groups[] = {{ROWS(process_rows)}};

#define ITEMS(type, array, count, limit)                                                           \
    .item_sz = sizeof(type), .items_off = offsetof(struct bd_config, array),                       \
    .item_cnt_off = offsetof(struct bd_config, count), .item_max = limit

const struct bd_section bd_sections[] = {
    {"arena", BD_SHAPE_MAP, ROWS(arena_groups),
     .help = "Shared memory that holds bindings and subscribers and outlives both processes."},
    {"dataplane", BD_SHAPE_MAP, ROWS(dataplane_groups), .help = "Workers and packet memory."},
    {"ports", BD_SHAPE_MAPS, ROWS(port_groups),
     ITEMS(struct bd_config_port, ports, port_cnt, BD_PORTS_MAX),
     .help = "Network ports, each used by DPDK alone."},
    {"listen", BD_SHAPE_ROW, ROWS(listen_groups), .help = "Where SIP is served."},
    {"registrar", BD_SHAPE_MAP, ROWS(registrar_groups),
     .help = "The registrar, and what domains that do not say otherwise do."},
    {"domains", BD_SHAPE_MAPS, ROWS(domain_groups),
     ITEMS(struct bd_config_domain, domains, domain_cnt, BD_DOMAINS_MAX),
     .help = "Domains that are served. A key that is left out has its value of `registrar`."},
    {"profiles", BD_SHAPE_MAPS, ROWS(profile_groups),
     ITEMS(struct bd_config_profile, profiles, profile_cnt, BD_PROFILES_MAX), .optional = true,
     .help = "What differs for some subscribers. May be left out."},
    {"screening", BD_SHAPE_MAP, ROWS(screening_groups),
     .help = "Patterns that requests are searched for."},
    {"limits", BD_SHAPE_MAP, bd_limit_groups, 1,
     .help = "Who is heard, how often, and who is shut out for how long."},
    {"auth", BD_SHAPE_MAP, ROWS(auth_groups), .help = "Nonces and verification."},
    {"journal", BD_SHAPE_MAP, ROWS(journal_groups), .help = "Bindings on disk."},
    {"control", BD_SHAPE_MAP, ROWS(control_groups), .help = "The control process."},
    {"process", BD_SHAPE_MAP, ROWS(process_groups),
     .help = "What both processes may do once they have started."},
};
const unsigned bd_section_cnt = sizeof(bd_sections) / sizeof(bd_sections[0]);

void bd_rows_visit(const struct bd_section *section, void *item, bd_row_visit *visit, void *arg)
{
    for (unsigned g = 0; g < section->group_cnt; g++) {
        const struct bd_group *group = &section->groups[g];
        for (unsigned i = 0; i < group->row_cnt; i++)
            visit(group, &group->rows[i], item ? (char *)item + group->base : NULL, arg);
    }
}
