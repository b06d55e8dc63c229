/* SPDX-License-Identifier: BSD-3-Clause */
#include "notifier_lab.h"

static const char domains[] =
    "registrar:\n  reg_event: true\n  reg_event_max_subscriptions: 70\n"
    "limits:\n  reply_factor: 20\n"
    "domains:\n  - name: \"example.com\"\n    auth: open\n"
    "    reg_event_watchers: [\"App@example.com\", \"admin@example.com\"]\n"
    "    registrants: [\"admin\"]\n"
    "  - name: \"digest.example\"\n    reg_event_watchers: [\"app@digest.example\"]\n"
    "  - name: \"off.example\"\n    auth: open\n    gruu_enabled: false\n"
    "  - name: \"*\"\n    auth: open\n"
    "    reg_event_watchers: [\"app@one.example\"]\n";

int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    lab_open_with(&b->lab, domains);
    lab_dataplane(&b->lab);
    lab_wait_dataplane(&b->lab, true);
    struct bd_error error;
    b->events = bd_events_new(&b->lab.control, &error);
    assert_non_null(b->events);
    b->now_ms = 5000000;
    *state = b;
    return 0;
}

int close_bench(void **state)
{
    struct bench *b = *state;
    bd_events_free(b->events);
    lab_close(&b->lab);
    free(b);
    return 0;
}

void give(struct bench *b, const char *watcher, const char *resource, const char *datagram)
{
    struct bd_inbound *in = bd_ring_reserve(bd_channel_of(&b->lab.arena, WORKER).inbound);
    assert_non_null(in);
    in->control_generation = b->lab.arena.header->role[BD_ROLE_CONTROL].generation;
    struct bd_str bytes = bd_str_from(datagram);
    in->transaction = bd_hash64(&b->lab.arena.hash_key, bytes.p, bytes.len);
    in->way = (struct bd_way_back){.port = 3, .vlan = 9, .mac = {2, 0, 0, 0, 0, 7}};
    assert_true(bd_endpoint_parse(BD_STR("198.18.0.2:5070"), &in->way.peer));
    assert_true(bd_endpoint_parse(BD_STR("198.18.0.1:5060"), &in->way.local));
    assert_true(bd_inbound_put(in, bd_str_from(watcher), bd_str_from(resource), bytes));
    bd_ring_publish(bd_channel_of(&b->lab.arena, WORKER).inbound);
}

bool take(struct bench *b)
{
    struct bd_ring *ring = bd_channel_of(&b->lab.arena, WORKER).outbound;
    const struct bd_outbound *o = bd_ring_peek(ring);
    if (!o)
        return false;
    assert_int_equal(o->dataplane_generation,
                     b->lab.arena.header->role[BD_ROLE_DATAPLANE].generation);
    assert_int_equal(o->way.port, 3);
    assert_int_equal(o->way.vlan, 9);
    assert_int_equal(o->way.mac[5], 7);
    memcpy(b->out, o->payload, o->len);
    b->out[o->len] = 0;
    bd_ring_release(ring);
    const char *branch = strstr(b->out, ";branch="), *version = strstr(b->out, "version=\"");
    version = version ? strstr(version + 1, "version=\"") : NULL; /* the first is XML's own */
    if (strncmp(b->out, "NOTIFY ", 7) == 0) {
        sscanf(branch, ";branch=%60[^\r;]", b->branch);
        b->version = version ? (unsigned)atoi(version + 9) : UINT32_MAX;
    }
    return true;
}

void turn(struct bench *b, uint64_t ms)
{
    for (uint64_t end = b->now_ms + ms; b->now_ms < end; b->now_ms += 50)
        bd_events_turn(b->events, b->now_ms);
}

const char *subscribe_text(struct bench *b, const char *extra)
{
    static char text[2048];
    char to_tag[40] = "";
    if (*b->tag)
        snprintf(to_tag, sizeof(to_tag), ";tag=%s", b->tag);
    b->cseq++;
    snprintf(text, sizeof(text),
             "SUBSCRIBE sip:joe@example.com SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bK%u\r\n"
             "From: <sip:joe@example.com>;tag=his\r\nTo: <sip:joe@example.com>%s\r\n"
             "Call-ID: call-%u\r\nCSeq: %u SUBSCRIBE\r\nContact: <sip:joe@198.18.0.2:5070>\r\n"
             "Event: reg\r\n%s\r\n",
             b->cseq, to_tag, b->call, b->cseq, extra);
    return text;
}

unsigned send_text(struct bench *b, const char *watcher, const char *resource, const char *text)
{
    give(b, watcher, resource, text);
    bd_events_turn(b->events, b->now_ms);
    assert_true(take(b));
    assert_memory_equal(b->out, "SIP/2.0 ", 8);
    return (unsigned)atoi(b->out + 8);
}

unsigned subscribe(struct bench *b, const char *extra)
{
    unsigned status =
        send_text(b, "joe@example.com", *b->tag ? "" : "joe@example.com", subscribe_text(b, extra));
    if (status == 200)
        sscanf(strstr(b->out, "\r\nTo: "), "\r\nTo: <sip:joe@example.com>;tag=%24s", b->tag);
    return status;
}

void answer(struct bench *b, const char *status)
{
    char text[512];
    while (take(b))
        ;
    snprintf(text, sizeof(text),
             "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;branch=%s\r\n"
             "From: <sip:joe@example.com>;tag=x\r\nTo: <sip:joe@example.com>;tag=his\r\n"
             "Call-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n",
             status, b->branch);
    give(b, "", "", text);
    bd_events_turn(b->events, b->now_ms);
}

void want_notify(struct bench *b, const char *part, const char *other)
{
    if (!take(b))
        fail_msg("no NOTIFY with %s", part);
    if (strncmp(b->out, "NOTIFY ", 7) != 0 || !strstr(b->out, part) || !strstr(b->out, other))
        fail_msg("wanted %s and %s in %s", part, other, b->out);
}

void put(struct bench *b, uint32_t expires_s)
{
    struct lab *lab = &b->lab;
    struct bd_str aor = BD_STR("joe@example.com");
    struct bd_binding binding = {
        .text =
            {[BD_TEXT_URI] = BD_STR("sip:joe@198.18.0.2:5070"), [BD_TEXT_CALL_ID] = BD_STR("call")},
        .state = bd_state_make(++b->register_cseq, (uint32_t)(b->now_ms / 1000) + expires_s),
        .created_at_s = 4000,
        .q_milli = BD_Q_NONE};
    struct bd_binding former;
    struct bd_slot_ref ref;
    bd_writer_online(lab->writer);
    if (bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref) || expires_s) {
        if (ref.record)
            bd_record_view(ref.record, 0, &former);
        assert_int_equal(bd_table_put(lab->writer, &ref, aor, ref.record ? &former.state : NULL,
                                      &binding, expires_s ? 1 : 0),
                         BD_TABLE_OK);
    }
    bd_writer_quiescent(lab->writer);
    bd_writer_offline(lab->writer);
}

void subscribed(struct bench *b)
{
    b->call++;
    *b->tag = 0;
    assert_int_equal(subscribe(b, "Expires: 600\r\n"), 200);
    want_notify(b, "state=\"full\"", "active;expires=600");
    assert_int_equal(b->version, 0);
    answer(b, "200 OK");
    turn(b, 6000);
    assert_false(take(b));
}

uint64_t number(struct bench *b, size_t off)
{
    return *(const uint64_t *)((const char *)bd_events_numbers(b->events) + off);
}
unsigned count_of(const char *text, const char *part)
{
    unsigned cnt = 0;
    for (const char *p = text; (p = strstr(p, part)); p++)
        cnt++;
    return cnt;
}
