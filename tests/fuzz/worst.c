/* SPDX-License-Identifier: BSD-3-Clause */
/* Searches for the message that costs most, by hill climbing on the number of basic blocks that are
 * executed: the same on every machine and under any load. For this the project is built with
 * -Dfuzz=steps. In any other build it measures time.
 *
 *   worst parser|registrar SECONDS FOLDER [FILE...]   searches, each size class by itself, from the
 *                                                     files; writes the worst to FOLDER
 *   worst parser|registrar time FILE...               nanoseconds of each file
 *
 * parser: bd_message_parse and all Contacts. registrar: the whole of a request at a domain with all
 * extensions on, and once more as the next request of the same phone, which meets what the first
 * one has registered. What is compared with is the mean of the files given that parse. */
#include "fuzz.h"

#include <err.h>
#include <sys/stat.h>
#include <time.h>

#include "lab.h"
#include "worst_change.h"

enum { FILES_MAX = 400, KEPT = 6, CLASSES = 5, ROUNDS = 25 };

static const uint32_t class_max[CLASSES] = {300, 600, 1300, 4000, BD_SIP_MESSAGE_MAX};

static struct text file[FILES_MAX];
static const char *file_name[FILES_MAX];
static unsigned files;

/* --- cost ------------------------------------------------------------------------------------- */

static uint64_t steps;

/* What the compiler puts at the begin of each basic block. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void parse(const struct text *text)
{
    static struct bd_message m;
    struct bd_contact contact;
    if (bd_message_parse(&m, text->p, text->len) != BD_VERDICT_NONE)
        return;
    struct bd_list list = bd_list_begin(&m, BD_HDR_CONTACT);
    while (bd_contact_next(&list, &contact)) {
    }
}

/* The next request of the phone: CSeq is 7 more in one of its digits, the branch another one. */
static void go_on(char *p, uint32_t len)
{
    static const char cseq[] = "\nCSeq: ", branch[] = "branch=z9hG4bK";
    char *at = memmem(p, len, cseq, sizeof(cseq) - 1), *end = p + len;
    if (at && at + sizeof(cseq) < end && at[sizeof(cseq) - 1] <= '2')
        at[sizeof(cseq) - 1] = (char)(at[sizeof(cseq) - 1] + 7);
    at = memmem(p, len, branch, sizeof(branch) - 1);
    if (at && at + sizeof(branch) < end)
        at[sizeof(branch) - 1] ^= 1;
}

static uint64_t measure(void (*run)(void *arg), void *arg)
{
    uint64_t before = steps, begin = now_ns();
    run(arg);
    uint64_t ns = now_ns() - begin;
    return steps > before ? steps - before : ns;
}

static void run_parser(void *arg)
{
    parse(arg);
}

static void run_registrar(void *arg)
{
    struct lab *lab = arg;
    lab_send_bytes(lab, lab->request_len);
}

static uint64_t cost_of_registrar(const struct text *text)
{
    struct lab *lab = lab_new(256);
    struct bd_policy_domain settings = lab_all_switched_on();
    uint64_t cost = 0;
    settings.max_contacts = BD_CONTACTS_PER_AOR_MAX;
    lab_policy(lab, &settings, true);
    memcpy(lab->request, text->p, text->len);
    lab->request_len = text->len;
    for (unsigned i = 0; i < 2; i++) {
        cost += measure(run_registrar, lab);
        lab->now_ms += 1000;
        lab->wall_ms += 1000;
        go_on(lab->request, text->len);
    }
    lab_free(lab);
    return cost;
}

static bool whole; /* the registrar, too */

static uint64_t cost_of(struct text *text)
{
    return text->cost = whole ? cost_of_registrar(text) : measure(run_parser, text);
}

/* --- search ----------------------------------------------------------------------------------- */

struct kept {
    struct text best[KEPT];
    unsigned cnt;
};

/* Takes a place among the best, if it is one of them and no twin of one. */
static void enter(struct kept *c, const struct text *t)
{
    unsigned at = c->cnt < KEPT ? c->cnt : KEPT - 1;
    for (unsigned i = 0; i < c->cnt; i++) {
        if (c->best[i].cost == t->cost)
            return;
    }
    if (c->cnt == KEPT && t->cost < c->best[at].cost)
        return;
    c->cnt += c->cnt < KEPT;
    for (; at > 0 && c->best[at - 1].cost < t->cost; at--)
        c->best[at] = c->best[at - 1];
    c->best[at] = *t;
}

static void report(const struct kept *c, unsigned which, const char *folder, uint64_t mean)
{
    char path[512];
    const struct text *t = &c->best[0];
    struct bd_message m;
    snprintf(path, sizeof(path), "%s/worst-%s-%u.sip", folder, whole ? "registrar" : "parser",
             class_max[which]);
    FILE *out = fopen(path, "we");
    if (!out || fwrite(t->p, 1, t->len, out) != t->len || fclose(out) != 0)
        err(1, "%s", path);
    enum bd_verdict verdict = bd_message_parse(&m, t->p, t->len);
    printf("%5u %5u %9lu %6.1f %6.1f %-14s %s\n", class_max[which], t->len, (unsigned long)t->cost,
           (double)t->cost / t->len, (double)t->cost / (double)mean,
           verdict == BD_VERDICT_NONE ? "parses" : bd_verdict_info[verdict].text, path);
}

static uint64_t mean_cost(void)
{
    uint64_t sum = 0, cnt = 0;
    struct bd_message m;
    for (unsigned i = 0; i < files; i++) {
        cost_of(&file[i]);
        if (bd_message_parse(&m, file[i].p, file[i].len) != BD_VERDICT_NONE)
            continue;
        sum += file[i].cost;
        cnt++;
    }
    return cnt ? sum / cnt : 1;
}

static void search(unsigned seconds, const char *folder)
{
    static struct kept classes[CLASSES];
    static struct text t;
    uint64_t mean = mean_cost(), end_ns = now_ns() + seconds * 1000000000ULL, tried = 0;
    if (steps == 0)
        errx(2, "built without -Dfuzz=steps");
    for (unsigned i = 0; i < files; i++) {
        for (unsigned k = 0; k < CLASSES; k++) {
            if (file[i].len <= class_max[k])
                enter(&classes[k], &file[i]);
        }
    }
    for (; now_ns() < end_ns; tried++) {
        unsigned k = (unsigned)(tried % CLASSES);
        if (classes[k].cnt == 0)
            continue;
        t = classes[k].best[worst_roll(classes[k].cnt)];
        worst_change(&t, class_max[k], &file[worst_roll(files)]);
        if (t.len == 0)
            continue;
        cost_of(&t);
        for (unsigned up = k; up < CLASSES; up++) {
            if (t.len <= class_max[up])
                enter(&classes[up], &t);
        }
    }
    printf(
        "%lu messages tried; a normal one takes %lu steps\n class bytes     steps /byte /normal\n",
        (unsigned long)tried, (unsigned long)mean);
    for (unsigned k = 0; k < CLASSES; k++) {
        if (classes[k].cnt > 0)
            report(&classes[k], k, folder, mean);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

/* The best of several rounds: what else runs on the machine only adds. */
static uint64_t best_ns(struct text *t)
{
    uint64_t best = UINT64_MAX;
    unsigned times = whole ? 1 : 200;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < times; i++)
            sum += cost_of(t);
        best = sum / times < best ? sum / times : best;
    }
    return best;
}

static void tell_times(void)
{
    for (unsigned i = 0; i < files; i++) {
        uint64_t ns = best_ns(&file[i]);
        printf("%8lu ns %6u bytes %7.2f ns/byte  %s\n", (unsigned long)ns, file[i].len,
               (double)ns / file[i].len, file_name[i]);
    }
}

static void read_files(int argc, char **argv)
{
    for (int i = 0; i < argc && files < FILES_MAX; i++) {
        FILE *in = fopen(argv[i], "re");
        if (!in)
            err(2, "%s", argv[i]);
        struct text *t = &file[files];
        t->len = (uint32_t)fread(t->p, 1, sizeof(t->p), in);
        file_name[files] = argv[i];
        fclose(in);
        files += t->len > 0;
    }
}

int main(int argc, char **argv)
{
    bool times = argc > 2 && strcmp(argv[2], "time") == 0;
    if (argc < (times ? 4 : 5))
        errx(2, "usage: worst parser|registrar SECONDS FOLDER FILE... | worst parser|registrar "
                "time FILE...");
    whole = strcmp(argv[1], "registrar") == 0;
    read_files(argc - (times ? 3 : 4), argv + (times ? 3 : 4));
    if (times) {
        tell_times();
        return 0;
    }
    mkdir(argv[3], 0755);
    search((unsigned)atoi(argv[2]), argv[3]);
    return 0;
}
