/* SPDX-License-Identifier: BSD-3-Clause */
/* `show overload` and its metrics: how long requests wait, and what is shed. */
#include "shedding.h"

#include "answer.h"
#include "commands.h"
#include "metrics_text.h"
#include "state.h"

enum { NEED_CNT = 2, CLASS_CNT = 3, ALL = 65536 };

/* In the order of struct bd_worker_stats. */
static const char *const need_word[NEED_CNT] = {"worker", "verifier"};
static const char *const class_word[CLASS_CNT] = {"unknown", "new", "refresh"};

static const enum bd_verdict shed_verdict[] = {BD_SIP_SHED_UNKNOWN, BD_SIP_SHED_NEW,
                                               BD_SIP_SHED_REFRESH, BD_SIP_SHED_SILENT};
enum { SHED_VERDICT_CNT = sizeof(shed_verdict) / sizeof(shed_verdict[0]) };

static double shed_part(const struct bd_worker_stats *stats, unsigned need, unsigned class_)
{
    return (double)bd_stat_read(&stats->overload_shed[need][class_]) / ALL;
}

static uint64_t verdict_of(const struct bd_control *control, unsigned worker, unsigned i)
{
    return bd_stat_read(&bd_control_stats(control, worker)->verdict[shed_verdict[i]]);
}

uint64_t bd_shedding_sum(const struct bd_control *control)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < SHED_VERDICT_CNT; i++)
        sum += bd_control_judged(control, shed_verdict[i]);
    return sum;
}

/* --- show overload ---------------------------------------------------------------------------- */

static json_t *worker_json(const struct bd_control *control, unsigned w)
{
    const struct bd_worker_stats *stats = bd_control_stats(control, w);
    json_t *row = json_pack("{s:I, s:I}", "worker", (json_int_t)w, "wait_us",
                            (json_int_t)bd_stat_read(&stats->overload_wait_us));
    for (unsigned i = 0; i < SHED_VERDICT_CNT; i++)
        json_object_set_new(row, bd_verdict_info[shed_verdict[i]].text,
                            json_integer((json_int_t)verdict_of(control, w, i)));
    return row;
}

/* A row a worker and need. */
static void add_percents(json_t *list, const struct bd_control *control, unsigned w)
{
    const struct bd_worker_stats *stats = bd_control_stats(control, w);
    for (unsigned n = 0; n < NEED_CNT; n++) {
        json_t *row = json_pack("{s:I, s:s}", "worker", (json_int_t)w, "for", need_word[n]);
        for (unsigned c = 0; c < CLASS_CNT; c++) {
            char name[32];
            snprintf(name, sizeof(name), "%s_shed_percent", class_word[c]);
            json_object_set_new(row, name, json_real(100 * shed_part(stats, n, c)));
        }
        json_array_append_new(list, row);
    }
}

void bd_command_show_overload(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    const struct bd_control *control = bd_answer_control(answer);
    json_t *workers = json_array(), *percents = json_array();
    for (unsigned w = 0; w < bd_control_workers(control); w++) {
        json_array_append_new(workers, worker_json(control, w));
        add_percents(percents, control, w);
    }
    bd_answer_document(answer,
                       json_pack("{s:I, s:o, s:o}", "target_us",
                                 (json_int_t)control->config->overload_target_us, "workers",
                                 workers, "now", percents),
                       BD_RENDER_TABLES);
}

/* --- metrics ---------------------------------------------------------------------------------- */

#define WAIT_NAME "bindery_overload_wait_seconds"
#define WAIT_HELP "how long a queue has stood: least wait of the last interval (overload_target_us)"
#define SHED_NAME "bindery_overload_shed_ratio"
#define SHED_HELP "part of the requests of a class that is not served now, by what they need"

void bd_shedding_metrics_write(const struct bd_control *control, struct evbuffer *out)
{
    bd_metrics_family(out, "gauge", WAIT_NAME, WAIT_HELP);
    for (unsigned w = 0; w < bd_control_workers(control); w++)
        evbuffer_add_printf(out, WAIT_NAME "{worker=\"%u\"} %.6f\n", w,
                            (double)bd_stat_read(&bd_control_stats(control, w)->overload_wait_us) /
                                1e6);
    bd_metrics_family(out, "gauge", SHED_NAME, SHED_HELP);
    for (unsigned w = 0; w < bd_control_workers(control); w++) {
        for (unsigned i = 0; i < NEED_CNT * CLASS_CNT; i++) {
            unsigned need = i / CLASS_CNT, class_ = i % CLASS_CNT;
            evbuffer_add_printf(out, SHED_NAME "{worker=\"%u\",need=\"%s\",class=\"%s\"} %.6f\n", w,
                                need_word[need], class_word[class_],
                                shed_part(bd_control_stats(control, w), need, class_));
        }
    }
}

void bd_shedding_metrics_docs(FILE *out)
{
    bd_metrics_docs_row(out, WAIT_NAME, "worker", "gauge", WAIT_HELP);
    bd_metrics_docs_row(out, SHED_NAME, "worker, need, class", "gauge", SHED_HELP);
}
