/* SPDX-License-Identifier: BSD-3-Clause */
/* Who watches a registration, and what he is told (RFC 3680): steps, each begun by a byte.
 *
 *   0 SUBSCRIBE, outside or inside a dialog, with header fields up to 0x1e
 *   1 any datagram up to 0x1e, as a worker would hand it on when it parses
 *   2 an answer to the last NOTIFY   3 joe's Contact, up to 0x1e, and for how long
 *   4 time goes by
 *
 * Whatever is sent parses, is bounded, and a NOTIFY's body is as long as it says and well-formed
 * XML without a byte that XML must not have. */
#include "fuzz.h"

#include "lab.h"

#include "events.h"

enum { STEPS_MAX = 40, BEGIN_MS = 5000000 };

static struct lab lab;
static struct bd_events *events;
static uint64_t now_ms;
static unsigned cseq, register_cseq;
static char branch[128], tag[64]; /* of the last NOTIFY, of the last 200 */

static const char domains[] = "registrar:\n  reg_event: true\n  reg_event_max_subscriptions: 70\n"
                              "domains:\n  - name: \"example.com\"\n    auth: open\n"
                              "    reg_event_watchers: [\"app@example.com\"]\n";

static void leave(void)
{
    bd_events_free(events);
    lab_close(&lab);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    lab_open_with(&lab, domains);
    lab_dataplane(&lab);
    lab_wait_dataplane(&lab, true);
    atexit(leave);
    return 0;
}

/* --- the worker ------------------------------------------------------------------------------- */

/* What a worker hands on: an answer, or a SUBSCRIBE to this package. */
static bool is_ours(const struct bd_message *m)
{
    const struct bd_header *event = bd_header_first(m, BD_HDR_EVENT);
    bool reg = event && event->value.len >= 3 && memcmp(event->value.p, "reg", 3) == 0 &&
               (event->value.len == 3 || strchr("; \t", event->value.p[3]));
    return !m->is_request || (m->method == BD_METHOD_SUBSCRIBE && reg);
}

static void give(const char *watcher, const char *resource, struct bd_str datagram)
{
    static struct bd_message m;
    if (bd_message_parse(&m, datagram.p, datagram.len) != BD_VERDICT_NONE || !is_ours(&m))
        return;
    struct bd_inbound *in = bd_ring_reserve(bd_channel_of(&lab.arena, 0).inbound);
    fuzz_judge(in, "the ring is full");
    in->control_generation = lab.arena.header->role[BD_ROLE_CONTROL].generation;
    in->transaction = bd_hash64(&lab.arena.hash_key, datagram.p, datagram.len);
    in->way = (struct bd_way_back){.port = 3};
    bd_endpoint_parse(BD_STR("198.18.0.2:5070"), &in->way.peer);
    bd_endpoint_parse(BD_STR("198.18.0.1:5060"), &in->way.local);
    if (bd_inbound_put(in, bd_str_from(watcher), bd_str_from(resource), datagram))
        bd_ring_publish(bd_channel_of(&lab.arena, 0).inbound);
    bd_events_turn(events, now_ms);
}

/* --- judging ---------------------------------------------------------------------------------- */

/* The end of a tag: behind the '>' that stands in no attribute's value. */
static const char *tag_end(const char *p, const char *end)
{
    char quote = 0;
    for (; p < end; p++) {
        if (quote ? *p == quote : *p == '"' || *p == '\'')
            quote = quote ? 0 : *p;
        else if (!quote && *p == '>')
            return p + 1;
        fuzz_judge(*p != '<', "'<' within a tag");
    }
    return NULL;
}

static const char *reference_end(const char *p, const char *end)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i]);
        if ((size_t)(end - p) >= n && memcmp(p, known[i], n) == 0)
            return p + n;
    }
    return NULL;
}

/* Tags nest, references are known, and no byte is forbidden (XML 1.0 2.2). */
static void well_formed(struct bd_str body)
{
    const char *p = body.p, *end = body.p + body.len;
    int depth = 0;
    for (const char *c = p; c < end; c++) {
        fuzz_judge((uint8_t)*c >= ' ' || *c == '\n' || *c == '\r' || *c == '\t', "byte %02x",
                   (uint8_t)*c);
        fuzz_judge(*c != '&' || reference_end(c, end), "a bare '&' in %.*s", BD_STR_ARG(body));
    }
    while (p < end) {
        if (*p != '<') {
            p++;
            continue;
        }
        const char *stop = tag_end(p + 1, end);
        fuzz_judge(stop, "an open tag in %.*s", BD_STR_ARG(body));
        if (p[1] == '/')
            depth--;
        else if (stop[-2] != '/' && p[1] != '?')
            depth++;
        fuzz_judge(depth >= 0, "too many ends in %.*s", BD_STR_ARG(body));
        p = stop;
    }
    fuzz_judge(depth == 0, "%d elements are open in %.*s", depth, BD_STR_ARG(body));
}

static void remember(struct bd_str from, char *to, size_t room)
{
    if (from.len < room) {
        memcpy(to, from.p, from.len);
        to[from.len] = '\0';
    }
}

static void judge_sent(struct bd_str text)
{
    static struct bd_message m;
    enum bd_verdict verdict = bd_message_parse(&m, text.p, text.len);
    fuzz_judge(verdict == BD_VERDICT_NONE, "%s is sent:\n%.*s", m.reason, BD_STR_ARG(text));
    fuzz_judge(!m.is_request || m.method == BD_METHOD_NOTIFY, "a request:\n%.*s", BD_STR_ARG(text));
    if (m.is_request) {
        const struct bd_header *length = bd_header_first(&m, BD_HDR_CONTENT_LENGTH);
        fuzz_judge(length && m.body.p + m.body.len == text.p + text.len, "another length:\n%.*s",
                   BD_STR_ARG(text));
        well_formed(m.body);
        remember(m.via.branch, branch, sizeof(branch));
    } else if (m.status == 200) {
        remember(m.to_tag, tag, sizeof(tag));
    }
}

static void take_all(void)
{
    struct bd_ring *ring = bd_channel_of(&lab.arena, 0).outbound;
    const struct bd_outbound *o;
    while ((o = bd_ring_peek(ring))) {
        fuzz_judge(o->len <= BD_OUTBOUND_MAX, "%u bytes", o->len);
        judge_sent((struct bd_str){o->payload, o->len});
        bd_ring_release(ring);
    }
}

/* --- steps ------------------------------------------------------------------------------------ */

static void subscribe(struct fuzz_input *in, bool inside)
{
    static char text[8192];
    const uint8_t *extra;
    int n = (int)fuzz_take_until(in, 0x1e, &extra);
    int len = snprintf(text, sizeof(text),
                       "SUBSCRIBE sip:joe@example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 198.18.0.2:5070;branch=z9hG4bK%u\r\n"
                       "From: <sip:joe@example.com>;tag=his\r\nTo: <sip:joe@example.com>%s%s\r\n"
                       "Call-ID: call\r\nCSeq: %u SUBSCRIBE\r\n",
                       cseq, inside ? ";tag=" : "", inside ? tag : "", cseq + 1);
    cseq++;
    if (n > (int)sizeof(text) - len - 4)
        return;
    memcpy(text + len, extra, (size_t)n);
    memcpy(text + len + n, "\r\n", 2);
    give("joe@example.com", inside ? "" : "joe@example.com",
         (struct bd_str){text, (uint32_t)(len + n + 2)});
}

static void any_datagram(struct fuzz_input *in)
{
    const uint8_t *p;
    uint32_t n = (uint32_t)fuzz_take_until(in, 0x1e, &p);
    if (n <= BD_SIP_MESSAGE_MAX)
        give("joe@example.com", "joe@example.com", (struct bd_str){(const char *)p, n});
}

static void answer(unsigned how)
{
    static const char *const statuses[] = {"200 OK", "481 Gone", "100 Trying", "503 Busy"};
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 198.18.0.1:5060;branch=%s\r\n"
                       "From: <sip:joe@example.com>;tag=x\r\nTo: <sip:joe@example.com>;tag=his\r\n"
                       "Call-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n",
                       statuses[how % 4], branch);
    give("", "", (struct bd_str){text, (uint32_t)len});
}

/* Joe has one Contact that a registrar would have taken, or none. */
static void put(struct bd_str uri_text, uint32_t expires_s)
{
    struct bd_str aor = BD_STR("joe@example.com");
    struct bd_uri uri;
    struct bd_binding former, binding = {.text = {[BD_TEXT_URI] = uri_text,
                                                  [BD_TEXT_CALL_ID] = BD_STR("a<&\"b"),
                                                  [BD_TEXT_PARAMS] = uri_text},
                                         .created_at_s = 4000,
                                         .q_milli = 500};
    struct bd_slot_ref ref;
    if (expires_s > 0 && (uri_text.len > BD_CONTACT_URI_MAX || !bd_uri_parse(uri_text, &uri)))
        return;
    binding.state = bd_state_make(++register_cseq, (uint32_t)(now_ms / 1000) + expires_s);
    bd_writer_online(lab.writer);
    bool there = bd_table_find(&lab.table, bd_table_hash(&lab.table, aor), aor, &ref);
    if (there)
        bd_record_view(ref.record, 0, &former);
    if (there || expires_s)
        fuzz_judge(bd_table_put(lab.writer, &ref, aor, there ? &former.state : NULL, &binding,
                                expires_s ? 1 : 0) == BD_TABLE_OK,
                   "not put");
    bd_writer_quiescent(lab.writer);
    bd_writer_offline(lab.writer);
}

static void contact(struct fuzz_input *in)
{
    const uint8_t *p;
    uint32_t expires_s = fuzz_u8(in) * 20, n = (uint32_t)fuzz_take_until(in, 0x1e, &p);
    put((struct bd_str){(const char *)p, n}, expires_s);
}

static void wait_a_while(unsigned how)
{
    static const unsigned spans_ms[] = {50, 200, 1000, 6000, 33000};
    uint64_t end_ms = now_ms + spans_ms[how % 5];
    for (; now_ms < end_ms; now_ms += 50) {
        bd_events_turn(events, now_ms);
        take_all();
    }
}

static void step(struct fuzz_input *in)
{
    unsigned what = fuzz_u8(in);
    switch (what % 5) {
    case 0:
        subscribe(in, what >= 128);
        break;
    case 1:
        any_datagram(in);
        break;
    case 2:
        answer(what / 5);
        break;
    case 3:
        contact(in);
        break;
    default:
        wait_a_while(what / 5);
    }
    take_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct bd_error error;
    bd_events_free(events);
    now_ms = BEGIN_MS;
    cseq = 1;
    put(BD_STR_NULL, 0);
    take_all();
    strcpy(branch, "z9hG4bK0");
    strcpy(tag, "none");
    events = bd_events_new(&lab.control, &error);
    fuzz_judge(events, "%s", error.text);
    for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++)
        step(&in);
    return 0;
}
