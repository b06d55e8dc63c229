/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes wrong, and the trace of what happened. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"

enum { TEXT_MAX = 1024, LINE_MAX_SZ = 512, LOOK_AGAIN_MS = 20 };

static const char *const op_name[] = {"open",   "write", "sync",  "syncdir",
                                      "rename", "link",  "unlink"};
_Static_assert(sizeof(op_name) / sizeof(op_name[0]) == DISK_OP_CNT, "one name each");

static const struct {
    const char *name;
    int error;
} errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char rules[TEXT_MAX];              /* as last read; the counts are since it changed */
static unsigned long counts[DISK_OP_CNT]; /* guarded by mutex */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        continue;
}

/* By system calls: the C library's names are this library's own. */
static void read_rules(char text[TEXT_MAX])
{
    const char *path = getenv("DISK_RULES");
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? 0 : read((int)fd, text, TEXT_MAX - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close((int)fd);
}

static unsigned long count_of(const char *op, enum disk_op now_op)
{
    unsigned long all = 0;
    if (strcmp(op, op_name[now_op]) == 0)
        return counts[now_op];
    if (strcmp(op, "any") != 0)
        return 0;
    for (unsigned i = 0; i < DISK_OP_CNT; i++)
        all += counts[i];
    return all;
}

/* The action of the first rule that is about this call; "" without one. */
static void find_action(enum disk_op op, char action[16])
{
    char text[TEXT_MAX], name[16], last[24], *rest = NULL;
    unsigned long first;
    strcpy(text, rules);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (sscanf(line, "%15s %lu %23s %15s", name, &first, last, action) != 4)
            continue;
        unsigned long n = count_of(name, op);
        if (n >= first && n > 0 && (strcmp(last, "-") == 0 || n <= strtoul(last, NULL, 10)))
            return;
    }
    action[0] = '\0';
}

static void hang(void)
{
    char before[TEXT_MAX], text[TEXT_MAX];
    strcpy(before, rules);
    do {
        wait_ms(LOOK_AGAIN_MS);
        read_rules(text);
    } while (strcmp(before, text) == 0);
}

/* One line, in one write. By a system call, as the C library's name is this library's own. */
static void trace(const struct disk_call *call, const char *result)
{
    const char *path = getenv("DISK_TRACE");
    char line[LINE_MAX_SZ];
    int n = snprintf(line, sizeof(line), "%.6f %.6f %s %lu %s %s\n", call->began, now(),
                     op_name[call->op], call->count, *call->name ? call->name : ".", result);
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, flags, 0600) : -1;
    if (fd < 0)
        return;
    syscall(SYS_write, fd, line, n);
    close((int)fd);
}

static void die(const struct disk_call *call)
{
    trace(call, "killed");
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static void obey(struct disk_call *call, const char *action)
{
    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(action, errors[i].name) == 0)
            call->error = errors[i].error;
    }
    call->half = strcmp(action, "short") == 0;
    call->lie = strcmp(action, "lie") == 0;
    call->die_after = strcmp(action, "after") == 0;
    if (strncmp(action, "slow:", 5) == 0)
        wait_ms(strtol(action + 5, NULL, 10));
    if (strcmp(action, "hang") == 0)
        hang();
    if (strcmp(action, "kill") == 0)
        die(call);
}

void disk_begin(struct disk_call *call, enum disk_op op, const char *name)
{
    char text[TEXT_MAX], action[16];
    *call = (struct disk_call){.op = op, .name = name, .began = now()};
    read_rules(text);
    pthread_mutex_lock(&mutex);
    if (strcmp(text, rules) != 0) {
        strcpy(rules, text);
        memset(counts, 0, sizeof(counts));
    }
    call->count = ++counts[op];
    find_action(op, action);
    pthread_mutex_unlock(&mutex);
    obey(call, action);
}

long disk_end(const struct disk_call *call, long rc)
{
    int error = rc < 0 ? errno : 0;
    char result[16];
    snprintf(result, sizeof(result), "%d", error);
    if (call->die_after)
        die(call);
    trace(call, result);
    errno = error;
    return rc;
}
