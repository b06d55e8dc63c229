/* SPDX-License-Identifier: BSD-3-Clause */
/* The costliest messages that were found (tests/corpus/worst), by the steps that parser and
 * registrar take for them: basic blocks, so the same under any load. Each is sent twice, as the
 * second meets what the first has registered, and must take at most so many times the steps of an
 * ordinary request of its size.
 *
 * With the argument `table` it prints what each takes. */
#include "lab.h"

#include "corpus.h"

/* Times an ordinary request of the same size, and steps for each byte. */
enum { TIMES_MAX = 8, PER_BYTE_MAX = 120 };

static uint64_t steps;

/* What the compiler puts at the begin of each basic block. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

static struct lab *all_switched_on(void)
{
    struct lab *lab = lab_new(256);
    struct bd_policy_domain settings = lab_settings;
    settings.max_contacts = BD_CONTACTS_PER_AOR_MAX;
    settings.outbound_mode = BD_OUTBOUND_SUPPORTED;
    settings.gruu_enabled = settings.redirect = settings.caller_preferences = true;
    settings.use_path = settings.reg_event = true;
    lab_policy(lab, &settings, true);
    return lab;
}

static uint64_t steps_of(struct bd_str text)
{
    struct lab *lab = all_switched_on();
    memcpy(lab->request, text.p, text.len);
    lab->request[text.len] = 0;
    steps = 0;
    lab_send_bytes(lab, text.len);
    char *cseq = strstr(lab->request, "\nCSeq: ");
    if (cseq)
        cseq[7] = '9';
    lab->now_ms += 1000;
    lab_send_bytes(lab, text.len);
    lab_free(lab);
    return steps;
}

/* As many plain Contacts as it takes to be so long, or one and a long User-Agent. */
static struct bd_str ordinary(char *out, size_t len)
{
    static const char agent[] =
        "\r\nUser-Agent: a phone with the long name of its make and model\r\n";
    size_t n = (size_t)sprintf(
        out, "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKo\r\n"
             "From: <sip:o@example.com>;tag=f\r\nTo: <sip:o@example.com>\r\nCall-ID: o\r\n"
             "CSeq: 1 REGISTER");
    n += (size_t)sprintf(out + n, "%s", agent);
    for (unsigned i = 0; i == 0 || (i < BD_CONTACTS_PER_REQUEST_MAX && n + 280 < len); i++)
        n +=
            (size_t)sprintf(out + n,
                            "Contact: \"A. Phone\" <sip:o@192.0.2.%u:5060;transport=udp;ob;line=%u>"
                            ";+u.sip!devicename.ccm.cisco.com=\"SEP%0100u\";expires=3600\r\n",
                            i + 1, 1000 + i, i);
    n += (size_t)sprintf(out + n, "\r\n");
    return (struct bd_str){out, (uint32_t)n};
}

static double times_of(struct bd_str text, uint64_t taken)
{
    char like[2 * LAB_REPLY_MAX];
    struct bd_str other = ordinary(like, text.len);
    uint64_t usual = steps_of(other);
    /* An ordinary one is not longer than its Contacts make it. */
    double size = other.len < text.len ? (double)text.len / other.len : 1;
    return (double)taken / ((double)usual * size);
}

static struct corpus corpus;

static void test_ordinary(void **state)
{
    (void)state;
    char like[2 * LAB_REPLY_MAX];
    for (size_t len = 300; len < BD_SIP_MESSAGE_MAX; len *= 2) {
        struct bd_str text = ordinary(like, len);
        assert_true(text.len <= BD_SIP_MESSAGE_MAX);
        struct lab *lab = all_switched_on();
        memcpy(lab->request, text.p, text.len);
        assert_int_equal(lab_send_bytes(lab, text.len), 200);
        lab_free(lab);
    }
}

static void test_worst(void **state)
{
    (void)state;
    corpus_load(&corpus, "worst/", ".sip");
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        uint64_t taken = steps_of(text);
        if (times_of(text, taken) > TIMES_MAX || taken > (uint64_t)PER_BYTE_MAX * text.len)
            fail_msg("%s: %lu steps, %.1f times an ordinary request, %lu a byte",
                     corpus.file[i].name, (unsigned long)taken, times_of(text, taken),
                     (unsigned long)(taken / text.len));
    }
}

static int print_table(void)
{
    corpus_load(&corpus, "worst/", ".sip");
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        uint64_t taken = steps_of(text);
        printf("| `%s` | %u | %lu | %.1f | %.1f |\n", corpus.file[i].name, text.len,
               (unsigned long)taken, (double)taken / text.len, times_of(text, taken));
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "table") == 0)
        return print_table();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ordinary),
                                       cmocka_unit_test(test_worst)};
    return cmocka_run_group_tests_name("worst", tests, NULL, NULL);
}
