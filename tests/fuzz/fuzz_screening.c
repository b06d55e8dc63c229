/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams, each ended by 0x1e, at a screener with a rule for each field. A rule matches when and
 * only when its word stands in a field of its name, found here by other means; what has passed once
 * is judged the same again. */
#include "fuzz.h"

#include "lab.h"

enum { MESSAGES_MAX = 8 };

static const struct {
    enum bd_screen_field field;
    const char *name, *compact, *word; /* of the header field */
    enum bd_verdict verdict;           /* BD_VERDICT_NONE: counted */
} rules[] = {
    {BD_SCREEN_USER_AGENT, "User-Agent", "", "bad0", BD_VERDICT_NONE},
    {BD_SCREEN_FROM, "From", "f", "bad1", BD_SIP_SCREEN_REJECT},
    {BD_SCREEN_TO, "To", "t", "bad2", BD_SIP_SCREEN_DROP},
    {BD_SCREEN_CONTACT, "Contact", "m", "bad3", BD_SIP_SCREEN_BAN},
    {BD_SCREEN_REQUEST_URI, "", "", "bad4", BD_SIP_SCREEN_DROP},
    {BD_SCREEN_CALL_ID, "Call-ID", "i", "bad5", BD_SIP_SCREEN_REJECT},
    {BD_SCREEN_VIA, "Via", "v", "bad6", BD_SIP_SCREEN_DROP},
    {BD_SCREEN_RAW, "", "", "bad7", BD_SIP_SCREEN_DROP},
    {BD_SCREEN_USER_AGENT, "User-Agent", "", "bad8", BD_SIP_SCREEN_DROP},
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static struct lab lab;

static const char *action_of(enum bd_verdict verdict)
{
    switch (verdict) {
    case BD_SIP_SCREEN_REJECT:
        return "reject 403";
    case BD_SIP_SCREEN_DROP:
        return "drop";
    case BD_SIP_SCREEN_BAN:
        return "ban 60";
    default:
        return "count";
    }
}

static void leave(void)
{
    lab_close(&lab);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char text[2048];
    int n = 0;
    for (unsigned i = 0; i < RULES; i++)
        n += snprintf(
            text + n, sizeof(text) - (size_t)n, "- {field: %s, pattern: %s, action: %s}\n",
            bd_screen_field_word[rules[i].field], rules[i].word, action_of(rules[i].verdict));
    lab_open(&lab);
    lab_rules(&lab, text, "");
    atexit(leave);
    return 0;
}

static bool holds(struct bd_str s, const char *word)
{
    size_t n = strlen(word);
    for (uint32_t i = 0; s.len >= n && i <= s.len - n; i++) {
        if (strncasecmp(s.p + i, word, n) == 0)
            return true;
    }
    return false;
}

static bool matches(const struct bd_message *m, unsigned i)
{
    if (rules[i].field == BD_SCREEN_RAW)
        return holds(m->text, rules[i].word);
    if (rules[i].field == BD_SCREEN_REQUEST_URI)
        return m->request_uri.text.p && holds(m->request_uri.text, rules[i].word);
    for (unsigned h = 0; h < m->header_cnt; h++) {
        struct bd_str name = m->header[h].name;
        bool is = bd_str_eq_nocase(name, bd_str_from(rules[i].name)) ||
                  (*rules[i].compact && bd_str_eq_nocase(name, bd_str_from(rules[i].compact)));
        if (is && holds(m->header[h].value, rules[i].word))
            return true;
    }
    return false;
}

/* What is no request that could be read is not screened. */
static enum bd_verdict expected(const struct bd_message *m, enum bd_verdict parsed)
{
    bool read = parsed == BD_VERDICT_NONE || parsed == BD_SIP_MALFORMED ||
                parsed == BD_SIP_BAD_VERSION || parsed == BD_SIP_BAD_SCHEME;
    for (unsigned i = 0; read && m->is_request && i < RULES; i++) {
        if (rules[i].verdict != BD_VERDICT_NONE && matches(m, i))
            return rules[i].verdict;
    }
    return BD_VERDICT_NONE;
}

static void judge(const char *p, uint32_t n)
{
    static struct bd_message m;
    unsigned code = 0;
    enum bd_verdict want = expected(&m, bd_message_parse(&m, p, n));
    for (unsigned i = 0; i < 2; i++) {
        enum bd_verdict got = lab_screen_at(&lab, p, n, 100, &code);
        fuzz_judge(got == want, "time %u: %d instead of %d for\n%.*s", i, got, want, (int)n, p);
        fuzz_judge(got != BD_SIP_SCREEN_REJECT || code == 403, "code %u", code);
    }
    fuzz_judge(lab_counter(&lab, BD_CTR_SCREEN_FAILED) == 0, "a scan failed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    for (unsigned i = 0; i < MESSAGES_MAX && in.left > 0; i++) {
        const uint8_t *p;
        size_t n = fuzz_take_until(&in, 0x1e, &p);
        judge((const char *)p, (uint32_t)n);
    }
    return 0;
}
