/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of sections screening and limits: who is heard. */
#include "rows.h"

static const struct bd_choice refusal_words[] = {{"reject", false}, {"drop", true}, {NULL, 0}};
static const struct bd_choice ban_words[] = {{"enforce", true}, {"count", false}, {NULL, 0}};

#define LIMIT_LIST(array, count)                                                                   \
    LIST(struct bd_config, array, count), .min = 0, .max = BD_LIMIT_PREFIXES_MAX

static const struct bd_row screening_rows[] = {
    {"rules", &bd_kind_text, FIELD(struct bd_config, screening_rules), .min = 1, .max = 255,
     .form = &bd_form_file, .shown = true, .example = "screening.yaml",
     .help = "File of the rules by which requests are dropped, refused, counted or their sources "
             "banned; a relative path begins where this file lies. Left out: nothing is screened."},
};

static const struct bd_row limit_rows[] = {
    {"bans", &bd_kind_choice, FIELD(struct bd_config, bans_enforced), .fallback = "enforce",
     .choices = ban_words,
     .help = "enforce: what a banned source sends is dropped unread. count: it is served, and the "
             "bans that would be are shown and counted."},
    {"never_ban", &bd_kind_prefixes, LIST(struct bd_config, never_ban, never_ban_cnt), .min = 0,
     .max = BD_NEVER_BAN_MAX, .example = "192.0.2.0/24",
     .help = "Sources that are never banned, whatever they send: the own proxies, gateways and "
             "monitors."},
    {"allow", &bd_kind_prefixes, LIMIT_LIST(allow.prefix, allow.cnt), .example = "192.0.2.0/24",
     .help =
         "Sources that no limit and no ban holds for: SBCs, proxies, load generators. Screening "
         "rules hold for them. Of several prefixes of `allow` and `deny` that cover a source "
         "the longest decides."},
    {"allow_file", &bd_kind_text, FIELD(struct bd_config, allow.file), .min = 1, .max = 255,
     .form = &bd_form_file, .example = "allow.txt",
     .help = "More of them: a file with a prefix a line; what follows a # is a comment. A relative "
             "path begins where this file lies."},
    {"deny", &bd_kind_prefixes, LIMIT_LIST(deny.prefix, deny.cnt), .example = "203.0.113.0/24",
     .help = "Sources that are not heard at all. With 0.0.0.0/0 and ::/0, only those of `allow` "
             "are."},
    {"deny_file", &bd_kind_text, FIELD(struct bd_config, deny.file), .min = 1, .max = 255,
     .form = &bd_form_file, .example = "deny.txt", .help = "More of them, as allow_file."},
    {"rates", &bd_kind_choice, FIELD(struct bd_config, rates_enforced), .fallback = "enforce",
     .choices = ban_words,
     .help =
         "enforce: what goes beyond source_rate, aor_rate, or what is borne of wrong passwords, "
         "is refused. count: it is served, and counted."},
    {"source_rate", &bd_kind_number, FIELD(struct bd_config, source_rate), .fallback = "10000",
     .min = 0, .max = 1000000, .unit = "datagrams/s",
     .help =
         "What a source may send to each worker; more is dropped unread. An office of thousands "
         "of phones behind one address stays far below it; a proxy belongs into `allow`. 0: any "
         "number."},
    {"source_burst", &bd_kind_number, FIELD(struct bd_config, source_burst), .fallback = "50000",
     .min = 1, .max = 10000000, .unit = "datagrams",
     .help = "What a source may send at once, when it has been quiet."},
    {"source_prefix_ipv4", &bd_kind_number, FIELD(struct bd_config, source_prefix_ipv4),
     .fallback = "32", .min = 8, .max = 32, .unit = "bits",
     .help = "IPv4 addresses that are alike in so many bits are one source to source_rate."},
    {"source_prefix_ipv6", &bd_kind_number, FIELD(struct bd_config, source_prefix_ipv6),
     .fallback = "64", .min = 16, .max = 64, .unit = "bits",
     .help = "The same of IPv6: whoever has one address has its /64."},
    {"aor_rate", &bd_kind_number, FIELD(struct bd_config, aor_rate), .fallback = "10", .min = 0,
     .max = 1000000, .unit = "registrations/s",
     .help = "Registrations of one address of record, at each worker, that a verifier is asked "
             "about, or that need none. Who has it registered from the same source has as many for "
             "himself when others took them all. 0: any number."},
    {"aor_burst", &bd_kind_number, FIELD(struct bd_config, aor_burst), .fallback = "100", .min = 1,
     .max = 1000000, .unit = "registrations",
     .help = "What may come at once: a PBX registers many contacts of one address of record."},
    {"aor_answer", &bd_kind_choice, FIELD(struct bd_config, aor_silent), .fallback = "reject",
     .choices = refusal_words,
     .help = "reject: 503 with Retry-After to a registration beyond aor_rate, and to credentials "
             "that come too soon after wrong ones. drop: nothing."},
    {"failed_per_source", &bd_kind_number, FIELD(struct bd_config, failed_per_source),
     .fallback = "100", .min = 0, .max = 10000, .unit = "failures",
     .help = "Wrong passwords that are borne of a source, forgiven within an hour; more ban it. An "
             "address of record counts when it first fails, and when it fails faster than a phone "
             "tries. 0: any number."},
    {"failed_per_aor", &bd_kind_number, FIELD(struct bd_config, failed_per_aor), .fallback = "20",
     .min = 0, .max = 10000, .unit = "failures",
     .help =
         "Wrong passwords for an address of record from sources where it is not registered, one "
         "more each 5 s. Beyond, who has just failed is not tried for failed_aor_pause. 0: any "
         "number."},
    {"failed_aor_pause", &bd_kind_number, FIELD(struct bd_config, failed_aor_pause_s),
     .fallback = "600", .min = 0, .max = 86400, .unit = "s",
     .help = "How long such a source has to wait. A source that has not failed need not."},
    {"failed_ban", &bd_kind_number, FIELD(struct bd_config, failed_ban_s), .fallback = "60",
     .min = 1, .max = YEAR_S, .unit = "s",
     .help = "The first ban for wrong passwords; each further one is twice as long."},
    {"failed_ban_max", &bd_kind_number, FIELD(struct bd_config, failed_ban_max_s),
     .fallback = "3600", .min = 1, .max = YEAR_S, .unit = "s", .help = "The longest."},
    {"failed_forget", &bd_kind_number, FIELD(struct bd_config, failed_forget_s),
     .fallback = "86400", .min = 1, .max = YEAR_S, .unit = "s",
     .help = "The next ban is a first one again after so long without a failure that counts."},
    {"reply_factor", &bd_kind_number, FIELD(struct bd_config, reply_factor), .fallback = "8",
     .min = 0, .max = 100, .unit = "times",
     .help =
         "How much larger than its request a reply may be, in bytes of SIP, for a sender who has "
         "proved nothing: neither by credentials nor by an address that a trusted domain "
         "trusts. Such an address may be forged, and the reply hit somebody else. A larger "
         "reply becomes a 500 without further header fields. 0: any size."},
    {"follow_maddr", &bd_kind_truth, FIELD(struct bd_config, maddr_followed), .fallback = "false",
     .choices = bd_truth_words,
     .help = "Whether anybody may have replies sent to another host by maddr in the Via (RFC 3261 "
             "18.2.2). false: sources of `allow` and `never_ban` may; others are answered where "
             "they sent from."},
};

const struct bd_group bd_screening_groups[1] = {{ROWS(screening_rows)}};
const struct bd_group bd_limit_groups[1] = {{ROWS(limit_rows)}};
