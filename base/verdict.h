/* SPDX-License-Identifier: BSD-3-Clause */
/* The named ends of a packet.
 *
 * Every frame that a worker receives ends in exactly one verdict and adds one to its counter. One
 * row here gives the enum, the counter, the `show stats` row, the metric label and the docs.
 *
 * X(NAME, status, text): status is the SIP status code that was answered, 0 where nothing was
 * sent or where the answer is not SIP. `text` is the label: lower case, underscores. */
#ifndef BD_VERDICT_H
#define BD_VERDICT_H

/* Frames: decided in nic/ and in the worker, before anything is parsed as SIP. */
#define BD_FRAME_VERDICTS(X)                                                                       \
    X(FRAME_SHORT, 0, "frame_short")         /* cut inside a header */                             \
    X(FRAME_VLAN, 0, "frame_vlan")           /* a VLAN that is not ours */                         \
    X(FRAME_ETHERTYPE, 0, "frame_ethertype") /* neither IP nor ARP */                              \
    X(FRAME_MAC, 0, "frame_mac")             /* for another station */                             \
    X(FRAME_IP_HEADER, 0, "frame_ip_header") /* version, lengths, extension chain */               \
    X(FRAME_IP_CHECKSUM, 0, "frame_ip_checksum")                                                   \
    X(FRAME_IP_SOURCE, 0, "frame_ip_source")         /* multicast, broadcast, zero, our own */     \
    X(FRAME_ADDRESS, 0, "frame_address")             /* not an address of ours */                  \
    X(FRAME_FRAGMENT_HELD, 0, "frame_fragment_held") /* waits for its siblings, or was joined */   \
    X(FRAME_FRAGMENT_BAD, 0, "frame_fragment_bad")   /* overlap, too large, too many */            \
    X(FRAME_PROTOCOL, 0, "frame_protocol")           /* an IP protocol nobody serves */            \
    X(FRAME_UDP_LENGTH, 0, "frame_udp_length")                                                     \
    X(FRAME_UDP_CHECKSUM, 0, "frame_udp_checksum")                                                 \
    X(FRAME_UDP_PORT, 0, "frame_udp_port") /* a port nobody serves; ICMP is sent */                \
    X(FRAME_ARP, 0, "frame_arp")           /* ARP request answered */                              \
    X(FRAME_ARP_IGNORED, 0, "frame_arp_ignored")                                                   \
    X(FRAME_ND, 0, "frame_nd")               /* neighbour solicitation answered */                 \
    X(FRAME_ICMP_ECHO, 0, "frame_icmp_echo") /* ICMP or ICMPv6 echo answered */                    \
    X(FRAME_ICMP_IGNORED, 0, "frame_icmp_ignored")                                                 \
    X(FRAME_DENIED, 0, "frame_denied")   /* SIP from a prefix of limits.deny: not read */          \
    X(FRAME_BANNED, 0, "frame_banned")   /* SIP from a source that is banned: not read */          \
    X(FRAME_LIMITED, 0, "frame_limited") /* SIP beyond its source's source_rate: not read */       \
    X(FRAME_UNHEARD, 0, "frame_unheard") /* overload: SIP from a stranger: not read */             \
    X(FRAME_NO_MBUF, 0, "frame_no_mbuf") /* no buffer for the reply */

/* Messages. */
#define BD_SIP_VERDICTS(X)                                                                         \
    X(SIP_REGISTERED, 200, "registered")         /* at least one binding added or changed */       \
    X(SIP_REFRESHED, 200, "refreshed")           /* nothing new but CSeq and expiry */             \
    X(SIP_REMOVED, 200, "removed")               /* expires=0 or '*' */                            \
    X(SIP_QUERIED, 200, "queried")               /* no Contact */                                  \
    X(SIP_RETRANSMISSION, 200, "retransmission") /* same Call-ID, CSeq and branch */               \
    X(SIP_OPTIONS, 200, "options")                                                                 \
    X(SIP_REDIRECTED, 302, "redirected") /* a call: told where the callee is */                    \
    X(SIP_MALFORMED, 400, "malformed")                                                             \
    X(SIP_BAD_CONTACT, 400, "bad_contact") /* Contact, q, '*' misuse, too long */                  \
    X(SIP_BAD_CREDENTIALS_FIELD, 400, "bad_credentials_field")                                     \
    X(SIP_CHALLENGED, 401, "challenged")               /* no credentials yet */                    \
    X(SIP_STALE, 401, "stale")                         /* nonce too old: stale=true */             \
    X(SIP_BAD_NONCE, 401, "bad_nonce")                 /* forged, foreign */                       \
    X(SIP_REPLAYED, 401, "replayed")                   /* nonce count seen before */               \
    X(SIP_WRONG_CREDENTIALS, 401, "wrong_credentials") /* wrong password or unknown user */        \
    X(SIP_FORBIDDEN, 403, "forbidden")                 /* AoR is not this user's */                \
    X(SIP_NOT_BULK, 403, "not_bulk")                   /* bnc, but no numbers are its own */       \
    X(SIP_THIRD_PARTY, 403, "third_party")             /* From may not register To */              \
    X(SIP_UNTRUSTED, 403, "untrusted")                 /* trusted domain: source or AoR unknown */ \
    X(SIP_CONTACT_LOOP, 403, "contact_loop") /* Contact is the AoR, its GRUU or no SIP URI */      \
    X(SIP_NOT_FOUND, 404, "not_found")       /* no such domain or user here */                     \
    X(SIP_METHOD_NOT_ALLOWED, 405, "method_not_allowed")                                           \
    X(SIP_TOO_LARGE, 513, "too_large")                                                             \
    X(SIP_UNSUPPORTED_MEDIA, 415, "unsupported_media") /* a body that must be understood */        \
    X(SIP_BAD_SCHEME, 416, "bad_scheme")                                                           \
    X(SIP_BAD_EXTENSION, 420, "bad_extension")                                                     \
    X(SIP_EXTENSION_REQUIRED, 421, "extension_required")             /* outbound_mode 2 */         \
    X(SIP_FIRST_HOP_LACKS_OUTBOUND, 439, "first_hop_lacks_outbound") /* RFC 5626 11.6 */           \
    X(SIP_TOO_BRIEF, 423, "too_brief")                                                             \
    X(SIP_UNAVAILABLE, 480, "unavailable")       /* a call: nobody registered, or reachable so */  \
    X(SIP_NO_TRANSACTION, 481, "no_transaction") /* CANCEL or in-dialog request of nothing */      \
    X(SIP_OUT_OF_ORDER, 500, "out_of_order")     /* CSeq not above the binding's */                \
    X(SIP_AMPLIFIES, 500, "amplifies")           /* a reply beyond reply_factor */                 \
    X(SIP_INTERNAL, 500, "internal")                                                               \
    X(SIP_UNKNOWN_METHOD, 501, "unknown_method")                                                   \
    X(SIP_BAD_VERSION, 505, "bad_version")                                                         \
    X(SIP_TOO_MANY_CONTACTS, 503, "too_many_contacts") /* max_contacts, reject (code by policy) */ \
    X(SIP_BAD_EVENT, 489, "bad_event")                 /* SUBSCRIBE to a package other than reg */ \
    X(SIP_TABLE_FULL, 503, "table_full")                                                           \
    X(SIP_VERIFIER_BUSY, 503, "verifier_busy") /* ring or pending table full */                    \
    X(SIP_VERIFIER_GONE, 503, "verifier_gone")                                                     \
    X(SIP_NOTIFIER_BUSY, 503, "notifier_busy") /* SUBSCRIBE: control gone, or its ring full */     \
    X(SIP_NOT_DURABLE, 503, "not_durable")     /* durability sync, and the disk does not follow */ \
    X(SIP_DRAINING, 503, "draining")                                                               \
    X(SIP_SHED_UNKNOWN, 503, "shed_unknown")   /* overload: from a source nobody knows */          \
    X(SIP_SHED_NEW, 503, "shed_new")           /* overload: no live binding from there */          \
    X(SIP_SHED_REFRESH, 503, "shed_refresh")   /* overload: refreshes, last of all */              \
    X(SIP_SHED_SILENT, 0, "shed_silent")       /* overload: no answer is better than 503 */        \
    X(SIP_SCREEN_REJECT, 403, "screen_reject") /* a screening rule; the code is the rule's */      \
    X(SIP_SCREEN_DROP, 0, "screen_drop")       /* likewise */                                      \
    X(SIP_SCREEN_BAN, 0, "screen_ban")         /* likewise; the source is banned */                \
    X(SIP_AOR_LIMITED, 503, "aor_limited")     /* registrations of one AoR beyond aor_rate */      \
    X(SIP_AUTH_SLOWED, 503, "auth_slowed")     /* too many wrong credentials before: not tried */  \
    X(SIP_LIMIT_DROP, 0, "limit_drop")         /* either of the two, with aor_answer: drop */      \
    X(SIP_SUBSCRIBE, 0, "subscribe")           /* handed to control, which answers */              \
    X(SIP_NOTIFY_ANSWER, 0, "notify_answer")   /* a response to a NOTIFY, handed to control */     \
    X(SIP_RESPONSE, 0, "response")             /* a response: nobody waits for it */               \
    X(SIP_ACK, 0, "ack")                                                                           \
    X(SIP_KEEPALIVE, 0, "keepalive")       /* CRLFs, four zero bytes, STUN indication, nothing */  \
    X(SIP_STUN_BINDING, 0, "stun_binding") /* a STUN Binding request, answered (RFC 5626 8) */     \
    X(SIP_STUN_REFUSED, 0, "stun_refused") /* one with an unknown attribute: STUN's 420 */         \
    X(SIP_STUN_BAD, 0, "stun_bad")         /* malformed STUN, or STUN that asks nothing of us */   \
    X(SIP_UNADDRESSABLE, 0, "unaddressable") /* no Via etc. that a reply could go by */            \
    X(SIP_NOT_SIP, 0, "not_sip")

#define BD_VERDICTS(X) BD_FRAME_VERDICTS(X) BD_SIP_VERDICTS(X)

enum bd_verdict {
#define X(name, status, text) BD_##name,
    BD_VERDICTS(X)
#undef X
        BD_VERDICT_CNT,
    /* "No verdict yet": the packet goes on. Never counted. */
    BD_VERDICT_NONE = BD_VERDICT_CNT
};

struct bd_verdict_info {
    const char *text;
    unsigned status;
};
extern const struct bd_verdict_info bd_verdict_info[BD_VERDICT_CNT];

#endif
