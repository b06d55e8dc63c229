/* SPDX-License-Identifier: BSD-3-Clause */
/* `subscriber import`: a thread reads the file into the database, then the loop reads the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "recovery.h"
#include "roster.h"

enum { BAD_LINES_TOLD = 20 };

struct job {
    struct bd_answer *answer;
    struct bd_control *control;
    char *csv_path, *database;
    struct bd_import_domain *domains; /* a copy: the configuration may be loaded again meanwhile */
    unsigned domain_cnt;
    char *bad; /* lines for the operator */
    size_t bad_len;
    FILE *bad_out;
    int rc;
    struct bd_import_result result;
    struct bd_error error;
};

static void free_job(struct job *job)
{
    for (unsigned i = 0; i < job->domain_cnt; i++) {
        free((char *)job->domains[i].given.p);
        free((char *)job->domains[i].name.p);
        free((char *)job->domains[i].realm.p);
    }
    if (job->bad_out)
        fclose(job->bad_out);
    free(job->bad);
    free(job->domains);
    free(job->csv_path);
    free(job->database);
    free(job);
}

static void finish_with_error(struct job *job, const struct bd_error *error)
{
    bd_answer_error(job->answer, "%s", error->text);
    free_job(job);
}

static void on_reloaded(void *arg, const struct bd_error *error)
{
    struct job *job = arg;
    if (error) {
        finish_with_error(job, error);
        return;
    }
    uint64_t left_out = bd_roster_left_out(job->control->roster);
    char more[128] = "";
    if (left_out)
        snprintf(more, sizeof(more),
                 "; %llu subscribers are not in force: raise arena.subscribers_max (%llu) and "
                 "restart",
                 (unsigned long long)left_out,
                 (unsigned long long)job->control->started->subscribers_max);
    bd_answer_done(job->answer, "imported %lu lines: %lu added, %lu changed%s", job->result.lines,
                   job->result.added, job->result.changed, more);
    free_job(job);
}

static void tell_bad_lines(struct job *job)
{
    fprintf(job->bad_out, "%s: nothing was imported: %lu of %lu lines are bad\n", job->csv_path,
            job->result.bad, job->result.lines);
    fflush(job->bad_out);
    bd_answer_errors(job->answer, (struct bd_str){job->bad, (uint32_t)job->bad_len});
    free_job(job);
}

static void on_imported(void *arg)
{
    struct job *job = arg;
    struct bd_error error;
    if (job->rc < 0 && atomic_load(bd_tasks_stopping(job->control->tasks)))
        bd_log(BD_LOG_WARNING, "import of %s: %s", job->csv_path, job->error.text);
    if (job->rc > 0 && job->result.bad > 0)
        tell_bad_lines(job);
    else if (job->rc != 0) /* also where each line is right and a set is not */
        finish_with_error(job, &job->error);
    else if (bd_roster_reload(job->control->roster, on_reloaded, job, &error) < 0)
        finish_with_error(job, &error);
}

static void on_bad_line(void *arg, unsigned long line, const char *what)
{
    struct job *job = arg;
    fprintf(job->bad_out, "%s:%lu: %s\n", job->csv_path, line, what);
}

/* A pipe or a device may never come to its end. */
static FILE *open_csv(const char *path, struct bd_error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool plain = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    FILE *csv = plain ? fdopen(fd, "r") : NULL;
    if (csv)
        return csv;
    if (fd < 0 || plain)
        bd_fail(error, "cannot read %s: %s%s", path, strerror(errno),
                errno == EACCES ? ": it must be readable to the user of bindery-control" : "");
    else
        bd_fail(error, "cannot read %s: it is no plain file", path);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void import_in_thread(void *arg, unsigned line)
{
    struct job *job = arg;
    job->rc = -1;
    FILE *csv = open_csv(job->csv_path, &job->error);
    if (!csv)
        return;
    struct bd_import import = {.database = job->database,
                               .csv = csv,
                               .domains = job->domains,
                               .domain_cnt = job->domain_cnt,
                               .bad_line = on_bad_line,
                               .arg = job,
                               .stop = bd_tasks_stopping(job->control->tasks),
                               .bad_max = BAD_LINES_TOLD};
    job->rc = bd_subscribers_import(&import, &job->result, &job->error);
    fclose(csv);
}

static bool add_domain(struct job *job, const struct bd_config_domain *domain, const char *given)
{
    struct bd_import_domain *copy = &job->domains[job->domain_cnt++];
    *copy = (struct bd_import_domain){.given = bd_str_from(strdup(given)),
                                      .name = bd_str_from(strdup(domain->name))};
    if (domain->realm)
        copy->realm = bd_str_from(strdup(domain->realm));
    return copy->given.p && copy->name.p && (copy->realm.p || !domain->realm);
}

static bool copy_domains(struct job *job, const struct bd_config *config)
{
    size_t cnt = 1;
    for (unsigned i = 0; i < config->domain_cnt; i++)
        cnt += 1 + config->domains[i].alias_cnt;
    job->domains = calloc(cnt, sizeof(*job->domains));
    bool ok = job->domains != NULL;
    for (unsigned i = 0; ok && i < config->domain_cnt; i++) {
        const struct bd_config_domain *domain = &config->domains[i];
        ok = add_domain(job, domain, domain->name);
        for (unsigned a = 0; ok && a < domain->alias_cnt; a++)
            ok = add_domain(job, domain, domain->aliases[a]);
    }
    return ok;
}

static struct job *make_job(struct bd_answer *answer, struct bd_str path)
{
    struct bd_control *control = bd_answer_control(answer);
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->answer = answer;
    job->control = control;
    job->csv_path = strndup(path.p, path.len);
    job->database = strdup(control->started->database);
    job->bad_out = open_memstream(&job->bad, &job->bad_len);
    if (copy_domains(job, control->config) && job->csv_path && job->database && job->bad_out)
        return job;
    free_job(job);
    return NULL;
}

void bd_command_subscriber_import(struct bd_answer *answer, const struct bd_str *args, unsigned cnt)
{
    if (args[0].len == 0 || args[0].p[0] != '/') {
        bd_answer_error(answer, "FILE is read by the server: write its whole path, from '/'");
        return;
    }
    struct job *job = make_job(answer, args[0]);
    struct bd_error error;
    if (!job)
        bd_answer_error(answer, "out of memory");
    else if (bd_subscribers_in_place(bd_roster_database(job->control->roster), &error) < 0) {
        bd_recovery_note(job->control->recovery, &error);
        finish_with_error(job, &error);
    } else if (bd_tasks_start(job->control->tasks, import_in_thread, on_imported, job, false,
                              &error) < 0)
        finish_with_error(job, &error);
}
