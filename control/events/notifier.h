/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the notifier share. Private to control/events.
 *
 *   events.c      rings, slots, the turn
 *   subscribe.c   what a SUBSCRIBE draws
 *   permit.c      who may watch, on which terms
 *   gruus.c       which GRUUs a watcher is told
 *   notify.c      when a NOTIFY goes out, what is in it, what its response means */
#ifndef BD_NOTIFIER_H
#define BD_NOTIFIER_H

#include "events.h"
#include "gruu.h"
#include "reginfo.h"

struct bd_events {
    struct bd_control *control;
    struct event *timer;
    unsigned max, top; /* slots; no slot from top on was ever used */
    struct bd_subscription **slot;
    uint64_t *origin; /* of each slot: keyed hash of Call-ID and remote tag; 0: free */
    unsigned cursor;  /* of the look under way */
    uint64_t look_ms; /* when the next one begins */
    struct bd_events_numbers numbers;
    /* Scratch; too large for the stack. */
    struct bd_message message;
    struct bd_difference difference;
    char body[BD_OUTBOUND_MAX], text[BD_OUTBOUND_MAX];
    struct bd_gruu_seal *seal;
    char pub_gruu[3 * (BD_AOR_MAX + BD_CONTACT_PARAMS_MAX)];
    char temp_gruu[BD_GRUU_SEALED_MAX + BD_AOR_MAX + 16];
};

/* events.c */
/* False when no dataplane serves or its ring is full. */
bool bd_events_send(struct bd_events *e, unsigned worker, const struct bd_way_back *way,
                    const struct bd_endpoint *to, struct bd_str text);
/* NULL: no slot or no memory. */
struct bd_subscription *bd_subscription_new(struct bd_events *e, uint64_t origin, uint64_t now_ms);
void bd_subscription_free(struct bd_events *e, struct bd_subscription *s);
/* It is over; kept for retransmissions of its last SUBSCRIBE. */
void bd_subscription_over(struct bd_subscription *s);

/* subscribe.c */
struct bd_subscribe {
    const struct bd_inbound *in;
    struct bd_inbound_texts texts;
    const struct bd_message *m;
    unsigned worker;
    uint64_t now_ms;
};
void bd_subscribe(struct bd_events *e, const struct bd_subscribe *ask);

/* permit.c */
/* 3680 4.6: one may watch oneself; others as configured. Who is refused does not learn whether
 * there is such an AoR. Returns 0, 403 or 404. */
unsigned bd_permit_watcher(const struct bd_events *e, struct bd_str watcher,
                           struct bd_str resource);
/* What it accepts, and how long it shall last. Returns 0, 406 or 423. */
unsigned bd_permit_terms(const struct bd_config *config, const struct bd_message *m,
                         uint32_t *expires_s);
/* As replies are bounded (`limits.reply_factor`), where nobody has to prove who he is. Whoever got
 * a NOTIFY at that address and answered it has proved enough. */
void bd_permit_room(const struct bd_events *e, const struct bd_subscribe *ask,
                    struct bd_subscription *s);

/* gruus.c: fills the GRUUs of a contact that is there; slices of e->pub_gruu and e->temp_gruu. */
void bd_gruus_fill(struct bd_events *e, const struct bd_subscription *s,
                   const struct bd_change *row, struct bd_reginfo_contact *contact);

/* notify.c; the caller reads the table (bd_control_reading). */
void bd_notify_look(struct bd_events *e, struct bd_subscription *s, uint64_t now_ms);
void bd_notify_answer(struct bd_events *e, const struct bd_message *m, uint64_t now_ms);

#endif
