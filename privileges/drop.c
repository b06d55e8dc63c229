/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads that a library started while the process was root are no obstacle: the C library changes
 * user and groups of all of them, and a thread that ceases to be root without having asked to keep
 * its capabilities has lost them. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privileges.h"

static int keep_only(const int *keep, unsigned keep_cnt, struct bd_error *error)
{
    cap_t caps = cap_init(); /* none */
    int rc = caps ? 0 : -1;
    for (unsigned i = 0; rc == 0 && i < keep_cnt; i++) {
        cap_value_t cap = keep[i];
        rc = cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_SET);
        rc = rc == 0 ? cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET) : rc;
    }
    if (rc == 0)
        rc = cap_set_proc(caps);
    if (rc != 0)
        bd_fail(error, "cannot give up capabilities: %s", strerror(errno));
    cap_free(caps);
    return rc;
}

static int become_failed(const struct bd_privileges *p, struct bd_error *error)
{
    return bd_fail(error, "cannot become user %s: %s", p->user, strerror(errno));
}

int bd_privileges_step_aside(const struct bd_privileges *p, struct bd_error *error)
{
    if (!p->leaves_root ||
        (initgroups(p->user, p->gid) == 0 && setegid(p->gid) == 0 && seteuid(p->uid) == 0))
        return 0;
    return become_failed(p, error);
}

void bd_privileges_step_back(const struct bd_privileges *p)
{
    if (p->leaves_root && geteuid() != 0 && (seteuid(0) != 0 || setegid(0) != 0))
        bd_log(BD_LOG_WARNING, "cannot be root again: %s", strerror(errno));
}

static int become(const struct bd_privileges *p, unsigned keep_cnt, struct bd_error *error)
{
    if ((geteuid() != 0 || bd_privileges_step_aside(p, error) == 0) &&
        prctl(PR_SET_KEEPCAPS, keep_cnt > 0, 0, 0, 0) == 0 &&
        setresgid(p->gid, p->gid, p->gid) == 0 && setresuid(p->uid, p->uid, p->uid) == 0)
        return 0;
    return become_failed(p, error);
}

/* The number in that base behind a word of a `status` file; UINT64_MAX when it has none. */
static uint64_t status_number(const char *text, const char *word, int base)
{
    const char *at = strstr(text, word);
    return at ? strtoull(at + strlen(word), NULL, base) : UINT64_MAX;
}

static uint64_t bits_of(const int *keep, unsigned keep_cnt)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < keep_cnt; i++)
        bits |= UINT64_C(1) << keep[i];
    return bits;
}

/* A thread of this process: what the kernel says of it, which no library can be wrong about. */
static int check_thread(const struct bd_privileges *p, const char *tid, uint64_t allowed,
                        struct bd_error *error)
{
    char path[64], text[4096];
    snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0; /* it has ended */
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    uint64_t caps = status_number(text, "CapPrm:", 16) | status_number(text, "CapEff:", 16);
    if (status_number(text, "Uid:", 10) == p->uid && status_number(text, "Gid:", 10) == p->gid &&
        (caps & ~allowed) == 0 && status_number(text, "NoNewPrivs:", 10) == 1)
        return 0;
    return bd_fail(error,
                   "thread %s has kept privileges (uid %" PRIu64 ", capabilities %" PRIx64 ")", tid,
                   status_number(text, "Uid:", 10), caps);
}

static int check_threads(const struct bd_privileges *p, uint64_t allowed, struct bd_error *error)
{
    DIR *dir = opendir("/proc/self/task");
    if (!dir)
        return bd_fail(error, "/proc/self/task: %s: cannot see what threads have kept",
                       strerror(errno));
    const struct dirent *entry;
    int rc = 0;
    while (rc == 0 && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            rc = check_thread(p, entry->d_name, atoi(entry->d_name) == getpid() ? allowed : 0,
                              error);
    }
    closedir(dir);
    return rc;
}

int bd_privileges_drop(const struct bd_privileges *p, const int *keep, unsigned keep_cnt,
                       struct bd_error *error)
{
    if (p->leaves_root && (become(p, keep_cnt, error) < 0 || keep_only(keep, keep_cnt, error) < 0 ||
                           check_threads(p, bits_of(keep, keep_cnt), error) < 0))
        return -1;
    /* A change of user has set it by a rule of the system's: so afterwards. */
    if (prctl(PR_SET_DUMPABLE, p->core_dumps ? 1 : 0, 0, 0, 0) != 0)
        return bd_fail(error, "cannot forbid core dumps: %s", strerror(errno));
    if (p->leaves_root)
        bd_log(BD_LOG_INFO, "root no more: user %s (uid %u, gid %u), %u capabilities", p->user,
               (unsigned)p->uid, (unsigned)p->gid, keep_cnt);
    return 0;
}
