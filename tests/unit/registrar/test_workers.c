/* SPDX-License-Identifier: BSD-3-Clause */
/* Two workers serve the same few addresses of record at once. Each phone keeps to one worker, so
 * what it was told last must be what stands there: a lost update shows as a wrong CSeq, a lost
 * binding as a missing one. */
#include <pthread.h>

#include "lab.h"

enum { ROUNDS = 4000, AORS = 3, PHONES = 2 /* of each worker at each AoR */ };

struct worker {
    struct lab *lab;
    unsigned number;
    unsigned cseq[AORS][PHONES]; /* of the last request that was acknowledged; 0: not registered */
    unsigned failed;
    pthread_t thread;
};

static void write_request(char *out, size_t out_sz, const struct worker *w, unsigned aor,
                          unsigned phone, unsigned cseq, unsigned expires_s)
{
    unsigned id = w->number * PHONES + phone;
    snprintf(out, out_sz,
             "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.%u;branch=z9hG4bK%u\r\n"
             "From: <sip:u%u@example.com>;tag=f\r\nTo: <sip:u%u@example.com>\r\n"
             "Call-ID: phone%u\r\nCSeq: %u REGISTER\r\n"
             "Contact: <sip:u@192.0.2.%u>;expires=%u\r\nContent-Length: 0\r\n\r\n",
             id, cseq, aor, aor, id, cseq, id, expires_s);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    char text[1024];
    unsigned random = 12345 + w->number;
    for (unsigned cseq = 1; cseq <= ROUNDS; cseq++) {
        random = random * 1103515245 + 12345;
        unsigned aor = (random >> 16) % AORS, phone = (random >> 20) % PHONES;
        bool leave = (random >> 24) % 8 == 0;
        write_request(text, sizeof(text), w, aor, phone, cseq, leave ? 0 : 3600);
        if (lab_send(w->lab, text) == 200)
            w->cseq[aor][phone] = leave ? 0 : cseq;
        else
            w->failed++;
    }
    return NULL;
}

/* The CSeq of a phone's binding in the table; 0 when it has none. */
static unsigned stored_cseq(const struct lab *lab, unsigned aor_number, unsigned id)
{
    char text[64], uri[64];
    snprintf(text, sizeof(text), "u%u@example.com", aor_number);
    snprintf(uri, sizeof(uri), "sip:u@192.0.2.%u", id);
    struct bd_str aor = bd_str_from(text);
    struct bd_slot_ref ref;
    if (!bd_table_find(&lab->table, bd_table_hash(&lab->table, aor), aor, &ref))
        return 0;
    for (unsigned i = 0; i < bd_record_cnt(ref.record); i++) {
        struct bd_binding b;
        bd_record_view(ref.record, i, &b);
        if (bd_str_eq(b.text[BD_TEXT_URI], bd_str_from(uri)))
            return bd_state_cseq(b.state);
    }
    return 0;
}

static void check(const struct worker *w)
{
    assert_int_equal(w->failed, 0);
    for (unsigned aor = 0; aor < AORS; aor++) {
        for (unsigned phone = 0; phone < PHONES; phone++)
            assert_int_equal(stored_cseq(w->lab, aor, w->number * PHONES + phone),
                             w->cseq[aor][phone]);
    }
}

static void test_two_workers(void **state)
{
    (void)state;
    struct lab *lab = lab_new(256);
    struct worker w[2] = {{.lab = lab}, {.lab = lab_new_second(lab), .number = 1}};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(w[i].thread, NULL);
    for (unsigned i = 0; i < 2; i++)
        check(&w[i]);
    printf("%lu commits begun again\n",
           (unsigned long)(lab_counter(w[0].lab, BD_CTR_TABLE_RETRIES) +
                           lab_counter(w[1].lab, BD_CTR_TABLE_RETRIES)));
    lab_free_second(w[1].lab);
    lab_free(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_workers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
