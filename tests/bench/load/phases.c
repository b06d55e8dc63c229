/* SPDX-License-Identifier: BSD-3-Clause */
#include "phases.h"

#include <rte_common.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reflect.h"
#include "search.h"

bool load_init(struct load *load)
{
    for (unsigned method = 0; method < PHONE_METHODS; method++) {
        for (unsigned make = 0; make < PHONE_MAKES; make++) {
            unsigned as = load->options.make < 0 ? make : (unsigned)load->options.make;
            if (!phone_form_make(&load->form[method][make], &load->options.world,
                                 (enum phone_method)method, as)) {
                fprintf(stderr, "bindery-load: a request of %s does not fit into a frame\n",
                        phone_make_name[make]);
                return false;
            }
        }
    }
    load->cseq = load->options.cseq;
    return true;
}

/* --- plans ------------------------------------------------------------------------------------ */

static struct check *check_new(struct load *load, enum phone_method method, unsigned status)
{
    struct check *check = calloc(1, sizeof(*check));
    if (!check)
        abort();
    check->status = status;
    check->form = load->form[method];
    check->contact = status == 401 ? NULL : load->form[PHONE_REGISTER];
    return check;
}

static struct run_kind kind_new(struct load *load, enum phone_method method, unsigned status)
{
    return (struct run_kind){.form = load->form[method],
                             .check = check_new(load, method, status),
                             .authenticates = method == PHONE_REGISTER_DIGEST};
}

static void plan_free(struct run_plan *plan)
{
    free(plan->kind[0].check);
    free(plan->kind[1].check);
}

/* Times that a run is made which the machine disturbs. */
enum { TRIES = 3 };

/* Runs at one rate, and again when it failed because the machine took a core away. */
static bool try_at(struct load *load, const char *what, struct run_plan *plan, uint64_t rate)
{
    struct run_outcome *outcome = &load->outcome;
    bool again = true;
    plan->rate = rate;
    for (unsigned i = 0; i < TRIES && again; i++) {
        run_execute(&load->run, plan, outcome);
        report_step(what, rate, outcome);
        again = !run_kept_rate(plan, outcome) && run_was_disturbed(outcome);
    }
    return run_kept_rate(plan, outcome);
}

/* Runs at one rate to the end and reports it. */
static int run_at(struct load *load, const char *what, const char *kind, struct run_plan *plan,
                  uint64_t rate, uint64_t cnt)
{
    static struct run_outcome outcome;
    plan->rate = rate;
    plan->cnt = cnt;
    plan->to_the_end = true;
    run_execute(&load->run, plan, &outcome);
    report_run(load->report, what, kind, rate, &outcome);
    return run_succeeded(plan, &outcome) ? 0 : 1;
}

/* --- registering for the first time ----------------------------------------------------------- */

/* The phones from `from` on, `cnt` of them, in order, as preparation: at no rate in particular. */
static int run_new(struct load *load, const char *what, const char *kind, uint32_t from,
                   uint32_t cnt, uint64_t rate)
{
    struct order order = order_of(cnt, false);
    struct run_plan plan = {.kind[0] = kind_new(load, PHONE_REGISTER, 200),
                            .order = &order,
                            .first = load->options.first + from,
                            .cseq = load->cseq++};
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): plan_free() has what kinds hold */
    int rc = run_at(load, what, kind, &plan, rate, cnt);
    plan_free(&plan);
    return rc;
}

static uint32_t left_of(const struct load *load)
{
    return load->options.aors - load->registered;
}

/* No measurement: what failed is done again, slower. */
static int phase_fill(struct load *load)
{
    enum { SLOWER = 4 };
    uint32_t left = left_of(load);
    int rc = left == 0 ? 0 : 1;
    for (unsigned i = 0; i < SLOWER && rc != 0; i++)
        rc = run_new(load, "register", "fill", load->registered, left,
                     (load->options.fill_rate >> i) + 1);
    load->registered = load->options.aors;
    return rc;
}

/* The next `cnt` phones, that were never seen. After a failure nobody knows which of them are
 * registered: they are registered again, in peace, so that the table holds them all. */
static bool register_next(struct load *load, const struct run_kind *kind, uint64_t rate,
                          uint32_t cnt)
{
    struct run_outcome *outcome = &load->outcome;
    uint32_t from = load->registered;
    struct order order = order_of(cnt, false);
    struct run_plan plan = {.kind[0] = *kind,
                            .rate = rate,
                            .cnt = cnt,
                            .order = &order,
                            .first = load->options.first + from,
                            .cseq = load->cseq};
    run_execute(&load->run, &plan, outcome);
    report_step("register", rate, outcome);
    load->registered += (uint32_t)outcome->sent;
    bool kept = run_kept_rate(&plan, outcome);
    load->cseq += !run_succeeded(&plan, outcome);
    if (!run_succeeded(&plan, outcome) && outcome->sent > 0)
        run_new(load, "register", "repair", from, (uint32_t)outcome->sent, load->options.fill_rate);
    return kept;
}

/* The same, with others again, when it failed because the machine took a core away. */
static bool register_try(struct load *load, const struct run_kind *kind, uint64_t rate,
                         uint32_t cnt)
{
    bool success = false, again = true;
    for (unsigned i = 0; i < TRIES && again; i++) {
        success = register_next(load, kind, rate, RTE_MIN(cnt, left_of(load)));
        again = !success && run_was_disturbed(&load->outcome);
    }
    return success;
}

/* No phone registers for the first time twice: the search has half of them, and what it found must
 * hold for the others, in one go of half a second at least. */
static int phase_register(struct load *load)
{
    struct search search = search_of(load->options.rate, load->options.weight);
    struct run_kind kind = kind_new(load, PHONE_REGISTER, 200);
    uint32_t step = (uint32_t)load->options.attempts;
    bool converged = false, held = false;
    while (!converged && left_of(load) >= load->options.aors / 2 + step) {
        bool success = register_try(load, &kind, search.r, step);
        converged = search_step(&search, success) || load->options.fixed;
    }
    for (uint64_t r = search.old_r; !held && r >= 100 && left_of(load) >= r / 2; r = r / 100 * 97) {
        held = register_try(load, &kind, r, left_of(load));
        if (held)
            report_run(load->report, "register", converged ? "search" : "unconverged", r,
                       &load->outcome);
    }
    free(kind.check);
    load->cseq++;
    if (!held)
        fprintf(stderr,
                "bindery-load: register: no rate held; %u phones are left (--aors should be more "
                "than a second's)\n",
                left_of(load));
    return held ? 0 : 1;
}

/* --- registered phones ------------------------------------------------------------------------ */

/* RFC 7502 4.10. Zero: nothing succeeds. */
static uint64_t search_rate(struct load *load, const char *what, struct run_plan *plan)
{
    struct search search = search_of(load->options.rate, load->options.weight);
    plan->cnt = load->options.attempts;
    for (bool converged = false; !converged;) {
        bool success = try_at(load, what, plan, search.r);
        if (!success && search.r < 100)
            return 0;
        converged = search_step(&search, success);
    }
    return search.old_r;
}

static void last_for(const struct load *load, struct run_plan *plan, uint64_t rate)
{
    plan->cnt = (uint64_t)((double)rate * load->options.seconds) + 1;
}

static bool lasts(struct load *load, const char *what, struct run_plan *plan, uint64_t rate)
{
    last_for(load, plan, rate);
    return try_at(load, what, plan, rate);
}

/* The rate that was kept for the whole time: what the search found or a little less, and then a
 * little more as often as that is kept, too. A search can end too low: what fails for a passing
 * reason is not asked for again. */
static uint64_t confirm_rate(struct load *load, const char *what, struct run_plan *plan,
                             uint64_t rate)
{
    static struct run_outcome outcome;
    uint64_t held = 0;
    while (rate >= 100 && !lasts(load, what, plan, rate))
        rate = rate / 100 * 97;
    if (rate < 100)
        return 0;
    do {
        outcome = load->outcome;
        held = rate;
        rate = rate / 100 * 103;
    } while (lasts(load, what, plan, rate));
    report_run(load->report, what, "search", held, &outcome);
    return held;
}

/* The rate, and latency at shares of it. A share with failures is reported as it is. */
static int find_rate(struct load *load, const char *what, struct run_plan *plan)
{
    static const double share[] = {0.1, 0.5, 0.9};
    uint64_t found = confirm_rate(load, what, plan, search_rate(load, what, plan));
    if (found == 0) {
        fprintf(stderr, "bindery-load: %s: nothing succeeds\n", what);
        return 1;
    }
    plan->to_the_end = true;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t rate = (uint64_t)(share[i] * (double)found);
        lasts(load, what, plan, rate);
        report_run(load->report, what, "rate", rate, &load->outcome);
    }
    return 0;
}

/* A search, or one run, over the phones that are there, again and again. */
static int over_known(struct load *load, const char *what, struct run_plan *plan)
{
    struct order order =
        order_of(load->registered ? load->registered : load->options.aors, !load->options.in_order);
    plan->order = &order;
    plan->first = load->options.first;
    plan->cseq = load->cseq;
    plan->digest = load->digest;
    plan->nc = load->nc;
    int rc = load->options.fixed
                 ? run_at(load, what, "rate", plan, load->options.rate, load->options.attempts)
                 : find_rate(load, what, plan);
    load->cseq += 2 * (order.pass + 1);
    load->nc += order.pass + 1;
    plan_free(plan);
    plan->order = NULL;
    return rc;
}

static int phase_known(struct load *load, const char *what, enum phone_method method,
                       unsigned status)
{
    struct run_plan plan = {.kind[0] = kind_new(load, method, status)};
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): plan_free() has what kinds hold */
    return over_known(load, what, &plan);
}

/* --- digest ----------------------------------------------------------------------------------- */

/* Runs once through all phones, in order and in peace. */
static int once(struct load *load, const char *what, struct run_kind kind)
{
    struct order order = order_of(load->options.aors, false);
    struct run_plan plan = {.kind[0] = kind,
                            .digest = load->digest,
                            .order = &order,
                            .first = load->options.first,
                            .cseq = load->cseq++,
                            .nc = load->nc++};
    int rc = run_at(load, what, "fill", &plan, load->options.fill_rate, load->options.aors);
    plan_free(&plan);
    return rc;
}

/* Each phone is challenged once and registers; from then on its credentials go ahead of any
 * challenge, with the same nonce and a count that goes up, as phones do (RFC 7616 3.4). */
static int phase_digest(struct load *load)
{
    struct run_kind challenge = kind_new(load, PHONE_REGISTER, 401);
    challenge.learns = true;
    if (!load->digest)
        load->digest = digest_new(load->options.world.domain, load->options.aors,
                                  8 * load->options.world.nonce_words);
    load->nc = 0;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): plan_free() has what kinds hold */
    int rc = once(load, "challenge", challenge);
    if (rc == 0)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): plan_free() has what kinds hold */
        rc = once(load, "digest", kind_new(load, PHONE_REGISTER_DIGEST, 200));
    if (rc != 0)
        return rc;
    load->registered = load->options.aors;
    return phase_known(load, "digest", PHONE_REGISTER_DIGEST, 200);
}

/* Each attempt asks without credentials, is challenged, and asks again with them. */
static int phase_digest_full(struct load *load)
{
    struct run_plan plan = {
        .kind = {kind_new(load, PHONE_REGISTER, 401), kind_new(load, PHONE_REGISTER_DIGEST, 200)},
        .both = true};
    plan.kind[0].learns = true;
    if (!load->digest)
        load->digest = digest_new(load->options.world.domain, load->options.aors,
                                  8 * load->options.world.nonce_words);
    load->nc = 1;
    return over_known(load, "digest-full", &plan);
}

/* --- all -------------------------------------------------------------------------------------- */

int load_phase(struct load *load, const char *name)
{
    if (strcmp(name, "fill") == 0)
        return phase_fill(load);
    if (strcmp(name, "register") == 0)
        return phase_register(load);
    if (strcmp(name, "reregister") == 0)
        return phase_known(load, name, PHONE_REGISTER, 200);
    if (strcmp(name, "challenge") == 0)
        return phase_known(load, name, PHONE_REGISTER, 401);
    if (strcmp(name, "digest") == 0)
        return phase_digest(load);
    if (strcmp(name, "digest-full") == 0)
        return phase_digest_full(load);
    if (strcmp(name, "redirect") == 0)
        return phase_known(load, name, PHONE_INVITE, 302);
    if (strcmp(name, "reflect") == 0)
        return reflect(&load->wire, &load->form[PHONE_REGISTER][0], load->options.seconds,
                       load->report);
    fprintf(stderr, "bindery-load: no such phase: %s\n", name);
    return 2;
}
