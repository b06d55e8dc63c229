/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams at a registrar that has everything switched on, one after the other:
 *
 *   { control byte, datagram, 0x1e } ...
 *
 * The control byte says how much time goes by before, who sends, and what a verifier would say of
 * credentials. No model knows what each must draw; judged is what holds for all of them:
 *   - what was not granted has changed nothing: the table is as it was (10.3 (7))
 *   - no CSeq of a Call-ID ever goes back, no life is longer than the policy allows
 *   - no AoR has more bindings than it may, nor two that are one by 19.1.4
 *   - a reply to a sound request is a sound response, and bounded
 *   - a dataplane that died and came back has the same bindings */
#include "fuzz.h"

#include "lab.h"

enum { BINDINGS = 128, MESSAGES_MAX = 12, EXPIRES_MAX_S = 7200, CONTACTS_MAX = 4 };

/* A reply that names no bindings: of ours it has three challenges, and texts of fixed length. */
enum { REPLY_MORE = 1100 };

struct held {
    uint64_t hash; /* of the AoR and all texts */
    uint64_t state;
    uint64_t aor, call_id; /* hashes */
};
struct holdings {
    struct held held[BINDINGS * 4];
    unsigned cnt;
};

static uint64_t mix(uint64_t hash, const void *p, size_t n)
{
    const uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    return (hash ^ n) * 0x100000001b3ULL;
}

static uint64_t hash_of(struct bd_str s)
{
    return mix(0xcbf29ce484222325ULL, s.p, s.len);
}

static void one_binding(const struct lab *lab, struct bd_str aor, const struct bd_binding *b,
                        struct held *held)
{
    uint32_t now_s = (uint32_t)(lab->now_ms / 1000), until_s = bd_state_expires_at_s(b->state);
    struct bd_uri uri;
    fuzz_judge(until_s <= now_s + EXPIRES_MAX_S, "a life of %u s", until_s - now_s);
    fuzz_judge(bd_uri_parse(b->text[BD_TEXT_URI], &uri), "a Contact that is no URI: %.*s",
               BD_STR_ARG(b->text[BD_TEXT_URI]));
    fuzz_judge(b->q_milli <= 1000 || b->q_milli == BD_Q_NONE, "q is %u", b->q_milli);
    held->aor = held->hash = hash_of(aor);
    held->call_id = hash_of(b->text[BD_TEXT_CALL_ID]);
    for (int t = 0; t < BD_TEXT_CNT; t++)
        held->hash = mix(held->hash, b->text[t].p, b->text[t].len);
    held->hash = mix(held->hash, &b->reg_id, sizeof(b->reg_id));
    held->state = b->state & ~BD_STATE_SEALED;
}

static bool are_one(const struct bd_binding *a, const struct bd_binding *b)
{
    struct bd_uri x, y;
    bool flow = a->reg_id && a->text[BD_TEXT_INSTANCE].len;
    if (flow != (b->reg_id && b->text[BD_TEXT_INSTANCE].len))
        return false;
    if (flow)
        return a->reg_id == b->reg_id &&
               bd_instance_equal(a->text[BD_TEXT_INSTANCE], b->text[BD_TEXT_INSTANCE]);
    return bd_uri_parse(a->text[BD_TEXT_URI], &x) && bd_uri_parse(b->text[BD_TEXT_URI], &y) &&
           bd_uri_equal(&x, &y);
}

struct walk {
    const struct lab *lab;
    struct holdings *holdings;
};

static void one_record(void *arg, uint64_t slot, const struct bd_record *record)
{
    const struct walk *walk = arg;
    struct bd_binding live[BD_CONTACTS_PER_AOR_MAX];
    unsigned cnt = 0;
    for (unsigned i = 0; i < bd_record_cnt(record); i++) {
        bd_record_view(record, i, &live[cnt]);
        cnt += bd_state_expires_at_s(live[cnt].state) > walk->lab->now_ms / 1000;
    }
    fuzz_judge(cnt <= CONTACTS_MAX, "%u bindings of one AoR", cnt);
    for (unsigned i = 0; i < cnt; i++) {
        for (unsigned k = 0; k < i; k++)
            fuzz_judge(!are_one(&live[i], &live[k]), "%.*s is there twice",
                       BD_STR_ARG(live[i].text[BD_TEXT_URI]));
        one_binding(walk->lab, bd_record_aor(record), &live[i],
                    &walk->holdings->held[walk->holdings->cnt++]);
    }
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct held));
}

/* What is registered and has not expired, in an order of its own. */
static void look(const struct lab *lab, struct holdings *holdings)
{
    uint32_t cursor = 0;
    struct walk walk = {lab, holdings};
    memset(holdings, 0, sizeof(*holdings));
    while (bd_table_walk(&lab->table, &cursor, 1024, one_record, &walk)) {
    }
    qsort(holdings->held, holdings->cnt, sizeof(holdings->held[0]), by_hash);
}

static void no_step_back(const struct holdings *before, const struct holdings *after)
{
    for (unsigned i = 0; i < before->cnt; i++) {
        for (unsigned k = 0; k < after->cnt; k++) {
            const struct held *a = &before->held[i], *b = &after->held[k];
            fuzz_judge(a->hash != b->hash || a->call_id != b->call_id ||
                           bd_state_cseq(a->state) <= bd_state_cseq(b->state),
                       "CSeq went back from %u to %u", bd_state_cseq(a->state),
                       bd_state_cseq(b->state));
        }
    }
}

static void unchanged(const struct holdings *before, const struct holdings *after,
                      const struct lab *lab)
{
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): look() has made its gaps 0 */
    fuzz_judge(before->cnt == after->cnt && memcmp(before, after, sizeof(*before)) == 0,
               "bindings changed (%u, then %u) by\n%.*s\nwhich drew\n%s", before->cnt, after->cnt,
               (int)lab->request_len, lab->request, lab->reply);
}

/* What could not be parsed is copied into its reply as it stood. */
static void sound_reply(const struct lab *lab, unsigned status)
{
    static struct bd_message reply;
    bool copied = status == 400 || status == 505 || status == 513 || status == 416;
    bool lists = status == 200 || status == 302;
    fuzz_judge(lab->reply_len > 8 && memcmp(lab->reply + lab->reply_len - 4, "\r\n\r\n", 4) == 0,
               "an open end: %s", lab->reply);
    fuzz_judge(copied || (bd_message_parse(&reply, lab->reply, lab->reply_len) == BD_VERDICT_NONE &&
                          !reply.is_request && reply.status == status),
               "to\n%.*s\nthe reply\n%s", (int)lab->request_len, lab->request, lab->reply);
    fuzz_judge(lists || lab->reply_len <= lab->request_len + REPLY_MORE,
               "%u bytes to a request of %u:\n%s", lab->reply_len, lab->request_len, lab->reply);
}

static struct bd_endpoint source_of(unsigned i)
{
    static const char *const sources[] = {"192.0.2.1:5060", "198.51.100.7:40000",
                                          "[2001:db8::7]:5060", "192.0.2.2:1"};
    struct bd_endpoint source;
    bd_endpoint_parse(bd_str_from(sources[i % 4]), &source);
    return source;
}

static void wait_a_while(struct lab *lab, unsigned which)
{
    static const unsigned jumps_ms[] = {0, 0, 500, 1000, 29000, 60000, 599000, 3600000};
    lab->now_ms += jumps_ms[which];
    lab->wall_ms += jumps_ms[which];
}

static void give(struct lab *lab, unsigned control, const uint8_t *p, size_t n)
{
    static struct holdings before, after;
    wait_a_while(lab, control & 7);
    lab->source = source_of(control >> 3 & 3);
    look(lab, &before);
    memcpy(lab->request, p, n);
    unsigned status = lab_send_bytes(lab, n);
    if (lab->step == BD_STEP_VERIFY)
        status = lab_resume(lab, (enum bd_verify_rc)((control >> 5) % (BD_VERIFY_BAD_NONCE + 1)));
    look(lab, &after);
    if (status < 200 || status > 299)
        unchanged(&before, &after, lab);
    no_step_back(&before, &after);
    if (status > 0)
        sound_reply(lab, status);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct holdings before, after;
    struct fuzz_input in = {data, size};
    struct lab *lab = lab_new(BINDINGS);
    struct bd_policy_domain settings = lab_all_switched_on();
    settings.max_contacts = CONTACTS_MAX;
    settings.max_expires_s = EXPIRES_MAX_S;
    lab_policy(lab, &settings, true);
    for (unsigned i = 0; i < MESSAGES_MAX && in.left > 0; i++) {
        const uint8_t *p;
        unsigned control = fuzz_u8(&in);
        size_t n = fuzz_take_until(&in, 0x1e, &p);
        if (n <= sizeof(lab->request))
            give(lab, control, p, n);
    }
    look(lab, &before);
    lab_kill(lab);
    look(lab, &after);
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): look() has made its gaps 0 */
    fuzz_judge(memcmp(&before, &after, sizeof(before)) == 0, "a restart changed the bindings");
    lab_free(lab);
    return 0;
}
