/* SPDX-License-Identifier: BSD-3-Clause */
/* Every bound in Bindery, with its reason and what exceeding it draws. */

/* This folder stands before the system's in the search path, so <limits.h> finds this file: it
 * hands on to the one that was meant. */
#include_next <limits.h>

#ifndef BD_LIMITS_H
#define BD_LIMITS_H

/* --- messages ------------------------------------------------------------------------------- */
/* Largest UDP payload that is parsed, after reassembly. Larger: 513 Message Too Large. A jumbo
 * frame of 9,000 bytes fits, and every REGISTER of the field does several times over. */
#define BD_SIP_MESSAGE_MAX 9000
/* Header fields of one message (a comma list counts as one). More: 400. */
#define BD_SIP_HEADERS_MAX 96
/* Lines of one message that are no header fields before the rest of it is not read: some broken
 * client has one, and hundreds of them cost many times what their bytes do. From the first: 400;
 * beyond these the message may turn out to have no Via, and nothing is replied. */
#define BD_SIP_BAD_LINES_MAX 16
/* Contacts in one REGISTER. More: 400. */
#define BD_CONTACTS_PER_REQUEST_MAX 32
/* Largest reply written; equals the largest frame payload one mbuf holds. A reply that would be
 * larger becomes a 500 without body headers. */
#define BD_SIP_REPLY_MAX 9000

/* --- registrar ------------------------------------------------------------------------------ */
/* Canonical address of record "user@host". Longer: 400 (OpenSIPS max_aor_len is 256). */
#define BD_AOR_MAX 256
/* Contact URI text, and Contact parameters kept with it. Longer: 400 (Kamailio's
 * contact_max_size is 512). */
#define BD_CONTACT_URI_MAX    512
#define BD_CONTACT_PARAMS_MAX 512
/* The Path of a REGISTER, its values comma-joined, kept with each of its bindings (RFC 3327).
 * Longer: 400. A way through an IMS has three hops of some 100 bytes. */
#define BD_PATH_VECTOR_MAX 1024
/* Call-ID. Longer: 400. */
#define BD_CALL_ID_MAX 256
/* User-Agent kept with a binding; a longer one is cut, never refused. */
#define BD_USER_AGENT_MAX 128
/* Contacts of one AoR that a configuration may allow (max_contacts). */
#define BD_CONTACTS_PER_AOR_MAX 32
/* A record in the arena: 32 contacts of the largest size fit. With the longest Path to each of them
 * they may not: 503. */
#define BD_RECORD_MAX 65536

/* --- redirect ------------------------------------------------------------------------------- */
/* A 302 to a caller who has proved nothing. Contacts beyond it are left off, the least wanted
 * first: whoever forges a source address gains little by a callee with many of them, and the reply
 * stays one frame (18.1.1 has 1,300 for requests). One Contact is always given. */
#define BD_REDIRECT_REPLY_MAX 1300
/* Values of Accept-Contact and Reject-Contact (RFC 3841 11: some 20). More: 400. */
#define BD_PREFERENCES_MAX 20
/* Feature values in all of them together: each is compared with those of each contact. More: 400.
 */
#define BD_PREFERENCE_VALUES_MAX 64

/* --- digest --------------------------------------------------------------------------------- */
/* Credential fields; longer draws 400, as no honest client sends them. */
#define BD_USERNAME_MAX 128
#define BD_REALM_MAX    128
#define BD_CNONCE_MAX   128
/* A digest-uri may repeat a long Request-URI. */
#define BD_DIGEST_URI_MAX 256
/* Our own nonce text: 32 bytes in hexadecimal. A longer one is forged. */
#define BD_NONCE_TEXT 64

/* --- policy --------------------------------------------------------------------------------- */
#define BD_DOMAINS_MAX             1024
#define BD_ALIASES_PER_DOMAIN_MAX  64
#define BD_PREFIXES_PER_DOMAIN_MAX 256
#define BD_DOMAIN_NAME_MAX         253
#define BD_WATCHERS_PER_DOMAIN_MAX 64
/* URIs of one Service-Route or P-Associated-URI, and registrants of one domain: written to, or
 * looked through for, each REGISTER that they concern. */
#define BD_SERVICE_ROUTE_MAX   8
#define BD_ASSOCIATED_URIS_MAX 16
#define BD_REGISTRANTS_MAX     64
/* Profiles: their number has seven bits in the provisioned set. */
#define BD_PROFILES_MAX     127
#define BD_PROFILE_NAME_MAX 32
/* Aliases of one implicit registration set: all are named in each 200 to a REGISTER of one of them.
 * More: refused when they are provisioned. */
#define BD_IDENTITIES_PER_SET_MAX 16

/* --- time ------------------------------------------------------------------------------------- */
/* RFC 3261 17.1.1.1, 17.1.2.2. */
#define BD_T1_MS      500
#define BD_T2_MS      4000
#define BD_TIMEOUT_MS (64 * BD_T1_MS) /* Timers F and J */

/* For how long an overload may be silent: a phone that began with it has one more try then. */
#define BD_SILENCE_MAX_MS (BD_TIMEOUT_MS - BD_T2_MS)

/* --- registration events ---------------------------------------------------------------------- */
/* What reg_event_max_subscriptions may be set to: some 5 kB each in the control process. */
#define BD_SUBSCRIPTIONS_MAX 100000
/* Subscriptions to one AoR, so that one subscriber cannot take them all. More: 503. */
#define BD_SUBSCRIPTIONS_PER_AOR_MAX 64
/* Route set, headers and target that a subscription keeps. Longer: 513. */
#define BD_DIALOG_TEXT_MAX 2048

/* --- bulk registration (RFC 6140) ----------------------------------------------------------- */
/* Entries of one domain's `bulk`, and sets of numbers of one domain: 1.5 MiB of the policy. More:
 * the configuration is refused. */
#define BD_BULK_ENTRIES_MAX 16384
#define BD_BULK_SETS_MAX    65536
/* User part of a PBX's AoR; longer: the configuration is refused. */
#define BD_BULK_USER_MAX 64

/* --- screening ------------------------------------------------------------------------------ */
/* Rules of a screening file. More: the configuration is refused. */
#define BD_SCREEN_RULES_MAX 2000
/* A rule's text. Longer: refused. */
#define BD_SCREEN_PATTERN_MAX 1000
/* The compiled rules: two thousand plain ones take 1 MiB, a thousand intricate ones four. More: the
 * configuration is refused. */
#define BD_SCREEN_MAX (4U << 20)
/* What Hyperscan may write to while it scans, of each worker, set aside before it serves: a
 * thousand intricate rules want 360 KiB. More: the configuration is refused. */
#define BD_SCREEN_SCRATCH_MAX (512U << 10)
/* Banned sources, 1 MiB. One more displaces, of those in its bucket, the ban nearest to its end. */
#define BD_BANS_MAX 65536
/* Prefixes of limits.allow, and of limits.deny: those that stand in the configuration, and those of
 * the file. More: the configuration is refused. */
#define BD_LIMIT_PREFIXES_MAX 16384
/* Sources, and addresses of record, whose rate a worker keeps: 256 KiB each. One more displaces, of
 * those in its line, the one with the most of its burst left. */
#define BD_RATES_MAX 12288
/* Failed authentications that are remembered, by source, by AoR and by both: 1 MiB. One more
 * displaces, of those in its line, what would be forgotten first. */
#define BD_FAILURES_MAX 131072
/* Sources from which somebody is registered: 4 MiB. Of more, those are forgotten that were not seen
 * for longest; under overload they are strangers. */
#define BD_KNOWN_MAX 1048576
/* Addresses of record that `show limits` can name for each worker. */
#define BD_REFUSED_MAX 32
/* Prefixes of never_ban: all are looked through for each datagram of a banned source. */
#define BD_NEVER_BAN_MAX 64
/* Users and groups of one level of the stats sockets: looked through for each connection. */
#define BD_PEERS_MAX 32

/* --- journal -------------------------------------------------------------------------------- */
/* Body of one record on disk: a BD_RECORD_MAX record in its portable form. A frame that says more
 * is damaged. */
#define BD_JOURNAL_BODY_MAX (128 * 1024)
/* Slots that a file may speak of: a damaged or foreign header must not ask for more memory than an
 * index of a hundred million bindings takes, several times over. More: the file is not read. */
#define BD_JOURNAL_SLOTS_MAX (1ULL << 32)
/* Journals and snapshots in one directory; a snapshot removes those before it. What is kept aside
 * as damaged does not count. More: the load is refused, with the directory's name. */
#define BD_JOURNAL_FILES_MAX 4096
/* Places of damage that a load tells one by one; the rest are counted. */
#define BD_JOURNAL_PROBLEMS_MAX 1000

/* --- machine -------------------------------------------------------------------------------- */
#define BD_WORKERS_MAX   32
#define BD_PORTS_MAX     8
#define BD_LISTEN_MAX    64
#define BD_ADDRESSES_MAX 64
#define BD_VERIFIERS_MAX 16
/* Requests that one worker lets wait for a verdict. More: 503 with Retry-After. */
#define BD_PENDING_MAX 4096
/* Frames of one receive burst. */
#define BD_BURST 32

#endif
