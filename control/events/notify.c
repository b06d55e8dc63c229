/* SPDX-License-Identifier: BSD-3-Clause */
/* NOTIFY: when, what, and what its response means (RFC 6665 4.2.2, RFC 3680 4.7, 4.10). */
#include <event2/util.h>
#include <inttypes.h>

#include "identities.h"
#include "notifier.h"
#include "notify_branch.h"
#include "peer.h"

/* What a head takes besides the texts of its dialog. */
enum { HEAD_MAX = 800 };

/* --- the document ----------------------------------------------------------------------------- */

static struct bd_reginfo_contact contact_of(const struct bd_change *row, uint32_t now_s)
{
    const struct bd_binding *b = &row->binding;
    uint32_t expires_at_s = bd_state_expires_at_s(b->state);
    return (struct bd_reginfo_contact){
        .id = row->id,
        .active = row->there,
        .event = row->event,
        .uri = b->text[BD_TEXT_URI],
        .params = b->text[BD_TEXT_PARAMS],
        .call_id = b->text[BD_TEXT_CALL_ID],
        .cseq = bd_state_cseq(b->state),
        .duration_s = now_s > b->created_at_s ? now_s - b->created_at_s : 0,
        .expires_s = expires_at_s > now_s ? expires_at_s - now_s : 0,
        .q_milli = b->q_milli,
    };
}

/* A contact whose texts alone are larger than any document goes with its URI only. */
static bool write_row(struct bd_events *e, const struct bd_subscription *s, struct bd_reginfo *r,
                      const struct bd_change *row, uint32_t now_s, bool first)
{
    struct bd_reginfo_contact contact = contact_of(row, now_s);
    bd_gruus_fill(e, s, row, &contact);
    if (bd_reginfo_contact(r, &contact))
        return true;
    if (!first || s->room != BD_ROOM_ANY)
        return false;
    contact.params = contact.call_id = contact.pub_gruu = contact.temp_gruu = BD_STR_NULL;
    bd_reginfo_contact(r, &contact);
    return true;
}

/* Writes what fits; the rest differs from what was told still, and so is told next (5.2: a partial
 * document adds rows to those of a full one). */
static void write_rows(struct bd_events *e, struct bd_subscription *s, struct bd_reginfo *r,
                       uint32_t now_s)
{
    unsigned written = 0;
    for (unsigned i = 0; i < e->difference.cnt; i++) {
        const struct bd_change *row = &e->difference.row[i];
        if (!row->changed && !s->full)
            continue;
        if (write_row(e, s, r, row, now_s, written == 0)) {
            written++;
            bd_told_learn(&s->told, row);
        } else if (s->full && row->there) {
            bd_told_forget(&s->told, row->id);
        }
    }
}

/* 4.7.1: terminated is told with the contacts that ended it; before and after it is init. */
static const char *registration_state(const struct bd_difference *difference)
{
    if (difference->there)
        return "active";
    return difference->cnt > 0 ? "terminated" : "init";
}

/* 5.1: MUST stay, whatever set the AoR comes to be in. A hash of the table's, so that it tells
 * nothing of where in the table the address stands. */
static uint64_t id_of(const struct bd_events *e, struct bd_str aor)
{
    uint64_t hash = bd_table_hash(&e->control->table, aor);
    return bd_hash64(&e->control->arena.hash_key, &hash, sizeof(hash));
}

/* Half of the room, so that it can be sent again, less the head. */
static uint32_t body_max(struct bd_events *e, struct bd_subscription *s, struct bd_str branch,
                         struct bd_str state)
{
    enum { MORE_DIGITS = 3 }; /* of Content-Length */
    uint32_t cseq = s->dialog.local_cseq;
    struct bd_wire w = bd_wire_init(e->text, sizeof(e->text));
    bd_dialog_notify(&s->dialog, &w, branch, state, BD_STR_NULL);
    s->dialog.local_cseq = cseq;
    uint32_t head = bd_wire_len(&w) + MORE_DIGITS;
    return s->room / 2 > head ? s->room / 2 - head : 0;
}

static struct bd_str write_body(struct bd_events *e, struct bd_subscription *s,
                                struct bd_str branch, struct bd_str state, uint32_t now_s)
{
    const struct bd_reginfo_head head = {
        .version = s->version++,
        .full = s->full,
        .aor = bd_subscription_resource(s),
        .id = id_of(e, bd_subscription_resource(s)),
        .state = registration_state(&e->difference),
    };
    uint32_t cap = BD_OUTBOUND_MAX - HEAD_MAX - s->dialog.text_len - 2 * s->dialog.target.len;
    _Static_assert(BD_OUTBOUND_MAX > HEAD_MAX + BD_DIALOG_TEXT_MAX + 2 * BD_CONTACT_URI_MAX +
                                         BD_REGINFO_FRAME_MAX,
                   "every document has room for its frame");
    struct bd_reginfo r;
    bd_reginfo_begin(&r, e->body, cap, &head);
    if (s->room != BD_ROOM_ANY)
        bd_reginfo_narrow(&r, body_max(e, s, branch, state));
    write_rows(e, s, &r, now_s);
    return (struct bd_str){e->body, bd_reginfo_end(&r)};
}

/* --- sending ---------------------------------------------------------------------------------- */

static struct bd_str subscription_state(const struct bd_subscription *s, uint64_t now_ms,
                                        char out[64])
{
    int n;
    if (s->ending)
        n = snprintf(out, 64, "terminated;reason=%s", s->ending);
    else
        n = snprintf(out, 64, "active;expires=%" PRIu64, (s->expires_ms - now_ms + 999) / 1000);
    return (struct bd_str){out, (uint32_t)n};
}

static uint64_t new_id(const struct bd_subscription *s)
{
    uint32_t random;
    evutil_secure_rng_get_bytes(&random, sizeof(random));
    return (uint64_t)s->slot << 32 | random;
}

static bool send_notify(struct bd_events *e, struct bd_subscription *s, uint64_t now_ms)
{
    struct bd_transaction *t = &s->notify;
    if (t->len > s->room) {
        e->numbers.held_back++;
        bd_transaction_sent(t, now_ms);
        return false;
    }
    if (!bd_events_send(e, s->worker, &s->dialog.way, &s->dialog.next_hop,
                        (struct bd_str){t->text, t->len}))
        return false;
    bd_transaction_sent(t, now_ms);
    if (s->room != BD_ROOM_ANY)
        s->room -= t->len;
    return true;
}

static void notify(struct bd_events *e, struct bd_subscription *s, uint64_t now_ms)
{
    char branch_text[BD_NOTIFY_BRANCH_LEN], state_text[64];
    uint64_t id = new_id(s);
    bd_notify_branch_make(&e->control->arena.hash_key, id, branch_text);
    struct bd_str branch = {branch_text, sizeof(branch_text)};
    struct bd_str state = subscription_state(s, now_ms, state_text);
    struct bd_str body = write_body(e, s, branch, state, (uint32_t)(now_ms / 1000));
    struct bd_wire w = bd_wire_init(e->text, sizeof(e->text));
    bd_dialog_notify(&s->dialog, &w, branch, state, body);
    s->urgent = s->full = false;
    s->next_ms = now_ms + e->control->config->reg_event_interval_ms;
    e->numbers.notifies++;
    s->notifies++;
    struct bd_str text = {e->text, bd_wire_len(&w)};
    if (w.overflow || !bd_transaction_begin(&s->notify, id, text, now_ms)) {
        bd_subscription_over(s); /* no memory, or no room that was counted on */
        return;
    }
    send_notify(e, s, now_ms);
}

/* Under which AoR the bindings of the resource stand now: its implicit registration set may change
 * while it is watched. Then all of the state is told. */
static void follow_set(const struct bd_events *e, struct bd_subscription *s)
{
    struct bd_str bound = bd_identities_bound(&e->control->arena, bd_subscription_resource(s));
    if (bd_str_eq(bound, bd_subscription_bound(s)))
        return;
    memcpy(s->bound, bound.p, bound.len);
    s->bound_len = bound.len;
    s->hash = bd_table_hash(&e->control->table, bound);
    s->full = true;
}

static void compare(struct bd_events *e, struct bd_subscription *s, uint64_t now_ms)
{
    const struct bd_table *table = &e->control->table;
    struct bd_slot_ref ref;
    follow_set(e, s);
    bool found = bd_table_find(table, s->hash, bd_subscription_bound(s), &ref);
    bd_told_compare(&s->told, &e->control->arena.hash_key, found ? ref.record : NULL,
                    (uint32_t)(now_ms / 1000), now_ms < s->operator_ms, &e->difference);
}

/* --- timers ----------------------------------------------------------------------------------- */

static void run_transaction(struct bd_events *e, struct bd_subscription *s, uint64_t now_ms)
{
    switch (bd_transaction_due(&s->notify, now_ms)) {
    case BD_TRANSACTION_FAILS: /* 4.2.2: whoever does not answer has gone */
        e->numbers.timeouts++;
        bd_subscription_over(s);
        break;
    case BD_TRANSACTION_SENDS:
        e->numbers.retransmissions += send_notify(e, s, now_ms);
        break;
    case BD_TRANSACTION_WAITS:
        break;
    }
}

void bd_notify_look(struct bd_events *e, struct bd_subscription *s, uint64_t now_ms)
{
    if (s->over) {
        if (now_ms >= s->over_ms)
            bd_subscription_free(e, s);
        return;
    }
    if (!bd_peer_serving(e->control->peer)) {
        if (s->notify.active)
            bd_transaction_restart(&s->notify, now_ms);
        return;
    }
    run_transaction(e, s, now_ms);
    if (!s->over && !s->ending && now_ms >= s->expires_ms) {
        s->ending = "timeout"; /* 4.2.1.4 */
        s->urgent = s->full = true;
    }
    if (s->urgent) /* what is under way is overtaken by a document that has it all */
        bd_transaction_end(&s->notify);
    if (s->over || s->notify.active || (!s->urgent && now_ms < s->next_ms))
        return;
    compare(e, s, now_ms);
    if (s->urgent || s->full || e->difference.any)
        notify(e, s, now_ms);
}

/* --- responses -------------------------------------------------------------------------------- */

/* RFC 6665 4.2.2 and RFC 5057 5.1: these end the subscription; 408 says what Timer F would. */
static bool ends_subscription(unsigned status)
{
    switch (status) {
    case 404:
    case 405:
    case 408:
    case 410:
    case 416:
    case 489:
    case 501:
    case 604:
        return true;
    default:
        return status >= 480 && status <= 485;
    }
}

static void answered(struct bd_events *e, struct bd_subscription *s, unsigned status,
                     uint64_t now_ms)
{
    bool good = status < 300;
    if (good)
        e->numbers.answered++;
    else
        e->numbers.failed++;
    bd_transaction_end(&s->notify);
    if (s->ending || ends_subscription(status)) {
        bd_subscription_over(s);
    } else if (!good) {
        /* It was not told what we think it was: all of it, when it may have recovered. */
        uint64_t interval_ms = e->control->config->reg_event_interval_ms;
        s->full = true;
        s->next_ms = now_ms + (interval_ms > BD_TIMEOUT_MS ? interval_ms : BD_TIMEOUT_MS);
    }
}

void bd_notify_answer(struct bd_events *e, const struct bd_message *m, uint64_t now_ms)
{
    uint64_t id;
    struct bd_subscription *s = NULL;
    if (m->via.branch.p && bd_notify_branch_read(&e->control->arena.hash_key, m->via.branch, &id) &&
        id >> 32 < e->top)
        s = e->slot[id >> 32];
    if (!s || !s->notify.active || s->notify.id != id) {
        e->numbers.strays++;
        return;
    }
    s->room = BD_ROOM_ANY; /* nobody else knows the branch */
    if (m->status < 200)
        bd_transaction_provisional(&s->notify, now_ms);
    else
        answered(e, s, m->status, now_ms);
}
