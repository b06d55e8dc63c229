/* SPDX-License-Identifier: BSD-3-Clause */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 32, CHALLENGES_MAX = 2, EXPIRES_S = 3600 };
enum reply { REPLY_OK, REPLY_CHALLENGE, REPLY_OTHER, REPLIES };

struct crowd {
    struct crowd_options options;
    struct wheel wheel;
    struct crowd_counts counts;
    struct histogram waited, answered;
    uint32_t mark_cnt[CROWD_MARKS]; /* phones */
    struct outbox outbox;
    bool queue_full;                /* for the phone whose turn it is */
    struct check check[2][REPLIES]; /* without and with credentials */
    struct crowd_phone phone[];
};

/* The same number has always the same luck. */
static uint32_t luck(uint32_t number, uint32_t salt)
{
    uint64_t x = ((uint64_t)salt << 32 | number) + 0x9e3779b97f4a7c15ULL;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return (uint32_t)(x >> 32);
}

static uint32_t share(uint32_t number, uint32_t salt, uint32_t of)
{
    return (uint32_t)((uint64_t)luck(number, salt) * of >> 32);
}

enum { SALT_POWER, SALT_HONOUR, SALT_WAIT };

static uint32_t power_tick(const struct crowd *c, uint32_t number)
{
    return 1 + share(number, SALT_POWER, (uint32_t)(c->options.spread_s * CROWD_TICKS_PER_S));
}

/* --- transactions ----------------------------------------------------------------------------- */

static struct outbox_request request_of(const struct crowd *c, uint32_t number)
{
    const struct crowd_phone *phone = &c->phone[number];
    return (struct outbox_request){.number = number, .tx = phone->tx, .nc = phone->nc};
}

static void transmit(struct crowd *c, uint32_t number)
{
    struct crowd_phone *phone = &c->phone[number];
    struct outbox_request request = request_of(c, number);
    if (phone->sent < UINT16_MAX)
        phone->sent++;
    if (c->queue_full) {
        c->counts.queue_lost++;
        return;
    }
    outbox_put(&c->outbox, &request, phone->secret);
}

static void begin(struct crowd *c, uint32_t number, uint32_t now, bool secret)
{
    struct crowd_phone *phone = &c->phone[number];
    phone->state = CROWD_TRYING;
    phone->secret = secret;
    phone->tx++;
    phone->again = 0;
    phone->began = now;
    wheel_set(&c->wheel, number, now + CROWD_T1);
    transmit(c, number);
}

static void rest(struct crowd *c, uint32_t number, uint32_t until)
{
    c->phone[number].state = CROWD_WAITING;
    wheel_set(&c->wheel, number, until);
}

/* Timer F. */
static void give_up(struct crowd *c, uint32_t number, uint32_t now)
{
    uint32_t wait = CROWD_UNANSWERED;
    if (c->options.random_wait)
        wait = share(number, SALT_WAIT + c->phone[number].tx, wait);
    c->counts.unanswered++;
    rest(c, number, now + wait);
}

/* Timer E: 500 ms, 1 s, 2 s, then each 4 s, till Timer F. */
static void repeat(struct crowd *c, uint32_t number, uint32_t now)
{
    struct crowd_phone *phone = &c->phone[number];
    uint32_t end = phone->began + CROWD_TIMER_F;
    if (now >= end) {
        give_up(c, number, now);
        return;
    }
    phone->again++;
    c->counts.again++;
    uint32_t interval = CROWD_T1 << phone->again;
    interval = interval < CROWD_T2 ? interval : CROWD_T2;
    wheel_set(&c->wheel, number, now + interval < end ? now + interval : end);
    transmit(c, number);
}

static void wake(struct crowd *c, uint32_t number, uint32_t now)
{
    struct crowd_phone *phone = &c->phone[number];
    if (phone->state == CROWD_TRYING) {
        repeat(c, number, now);
        return;
    }
    bool refresh = phone->state == CROWD_REGISTERED;
    phone->challenged = 0;
    phone->nc += refresh;
    begin(c, number, now, refresh);
}

bool crowd_turn(struct crowd *c, uint32_t now)
{
    unsigned done = 0;
    uint32_t due;
    for (; done < BURST; done++) {
        uint32_t number = wheel_take(&c->wheel, now, &due);
        if (number == WHEEL_NONE)
            break;
        if (now - due > c->counts.late)
            c->counts.late = now - due;
        c->queue_full = now - due > CROWD_QUEUE;
        wake(c, number, due);
    }
    c->queue_full = false;
    return outbox_flush(&c->outbox) || done;
}

/* --- replies ---------------------------------------------------------------------------------- */

static const char *find(const uint8_t *frame, uint32_t len, const char *text)
{
    const char *at = memmem(frame, len, text, strlen(text));
    return at ? at + strlen(text) : NULL;
}

static uint64_t ticks_ns(uint32_t ticks)
{
    return (uint64_t)ticks * (1000000000 / CROWD_TICKS_PER_S);
}

/* Digits end at the line's end, so strtoul stays in the frame. */
static uint32_t seconds_at(const char *digits, uint32_t otherwise)
{
    enum { MOST_S = 86400 };
    unsigned long s = digits ? strtoul(digits, NULL, 10) : 0;
    return s == 0 ? otherwise : s > MOST_S ? MOST_S : (uint32_t)s;
}

static void registered(struct crowd *c, uint32_t number, uint32_t now, const uint8_t *frame,
                       uint32_t len)
{
    struct crowd_phone *phone = &c->phone[number];
    uint32_t expires_s = seconds_at(find(frame, len, "expires="), EXPIRES_S);
    c->counts.ok++;
    phone->state = CROWD_REGISTERED;
    wheel_set(&c->wheel, number, now + expires_s * (CROWD_TICKS_PER_S / 2));
    if (phone->registered)
        return;
    phone->registered = now;
    histogram_add(&c->waited, ticks_ns(now - power_tick(c, number)));
    c->counts.registered++;
    for (unsigned i = 0; i < CROWD_MARKS; i++) {
        if (c->counts.registered == c->mark_cnt[i])
            c->counts.mark[i] = now;
    }
}

static void refused(struct crowd *c, uint32_t number, uint32_t now, const uint8_t *frame,
                    uint32_t len)
{
    uint32_t wait = CROWD_REFUSED;
    const char *asked = find(frame, len, "\r\nRetry-After: ");
    if (asked && share(number, SALT_HONOUR, 100) < c->options.honour)
        wait = seconds_at(asked, CROWD_REFUSED / CROWD_TICKS_PER_S) * CROWD_TICKS_PER_S;
    rest(c, number, now + wait);
}

/* The first 401 of an attempt is answered; one to credentials only when it says that they are stale
 * (RFC 7616 3.3), and once: else the password is wrong, and that is a failure. */
static void challenged(struct crowd *c, uint32_t number, uint32_t now, const uint8_t *frame,
                       uint32_t len)
{
    struct crowd_phone *phone = &c->phone[number];
    c->counts.challenges++;
    if ((phone->secret && !find(frame, len, "stale=true")) || phone->challenged == CHALLENGES_MAX) {
        refused(c, number, now, frame, len);
        return;
    }
    if (!digest_learn(c->outbox.digest, number, frame, len)) {
        c->counts.wrong++;
        return;
    }
    phone->challenged++;
    phone->nc = 1;
    begin(c, number, now, true);
}

/* A final reply that is right. */
static void obey(struct crowd *c, uint32_t number, uint32_t now, const uint8_t *frame, uint32_t len,
                 unsigned status)
{
    c->counts.first += c->phone[number].again == 0;
    histogram_add(&c->answered, ticks_ns(now - c->phone[number].began));
    if (status / 100 == 2) {
        registered(c, number, now, frame, len);
        return;
    }
    if (status == 401) {
        challenged(c, number, now, frame, len);
        return;
    }
    c->counts.busy += status == 503;
    c->counts.refusals += status != 503;
    if (status != 503 && c->counts.status == 0)
        c->counts.status = status;
    refused(c, number, now, frame, len);
}

static struct check *check_of(struct crowd *c, bool secret, unsigned status)
{
    struct check *check = &c->check[secret][status == 200   ? REPLY_OK
                                            : status == 401 ? REPLY_CHALLENGE
                                                            : REPLY_OTHER];
    check->status = status;
    return check;
}

void crowd_take(struct crowd *c, uint32_t now, const uint8_t *frame, uint32_t len)
{
    uint64_t sequence = check_sequence(frame, len);
    uint32_t number;
    if (sequence == 0 || !outbox_whose(sequence, &number) || number >= c->options.cnt) {
        c->counts.strange++;
        return;
    }
    struct crowd_phone *phone = &c->phone[number];
    if (phone->state != CROWD_TRYING || sequence != outbox_sequence(number, phone->tx)) {
        c->counts.stray++;
        return;
    }
    unsigned status = check_status(frame, len);
    struct outbox_request request = request_of(c, number);
    struct phone_request fields = outbox_request(&request);
    if (check_reply(check_of(c, phone->secret, status), &fields, frame, len) != CHECK_RIGHT)
        c->counts.wrong++;
    else if (status >= 200)
        obey(c, number, now, frame, len, status);
}

/* --- the crowd -------------------------------------------------------------------------------- */

static void make_checks(struct crowd *c)
{
    for (unsigned secret = 0; secret < 2; secret++) {
        for (unsigned reply = 0; reply < REPLIES; reply++) {
            c->check[secret][reply].form = c->outbox.form[secret];
            c->check[secret][reply].contact = reply == REPLY_OK ? c->outbox.form[secret] : NULL;
        }
    }
}

static void switch_on(struct crowd *c)
{
    static const double marks[CROWD_MARKS] = {0.5, 0.9, 0.99, 1};
    for (unsigned i = 0; i < CROWD_MARKS; i++)
        c->mark_cnt[i] = (uint32_t)(marks[i] * c->options.cnt + 0.999999);
    for (uint32_t number = 0; number < c->options.cnt; number++)
        wheel_set(&c->wheel, number, power_tick(c, number));
}

struct crowd *crowd_new(const struct crowd_options *options, struct wire *wire)
{
    struct crowd *c = calloc(1, sizeof(*c) + options->cnt * sizeof(c->phone[0]));
    if (!c)
        abort();
    c->options = *options;
    if (!outbox_init(&c->outbox, &options->world, options->cnt, wire)) {
        free(c);
        return NULL;
    }
    make_checks(c);
    c->wheel = wheel_new(options->cnt);
    switch_on(c);
    return c;
}

void crowd_free(struct crowd *c)
{
    wheel_free(&c->wheel);
    digest_free(c->outbox.digest);
    free(c);
}

const struct crowd_counts *crowd_counts(struct crowd *c)
{
    c->counts.sent = c->outbox.sent + c->counts.queue_lost;
    c->counts.lost = c->outbox.lost + c->counts.queue_lost;
    return &c->counts;
}

const struct crowd_phone *crowd_phone(const struct crowd *c, uint32_t number)
{
    return &c->phone[number];
}

const struct histogram *crowd_waited(const struct crowd *c)
{
    return &c->waited;
}

const struct histogram *crowd_answered(const struct crowd *c)
{
    return &c->answered;
}
