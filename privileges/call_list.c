/* SPDX-License-Identifier: BSD-3-Clause */
#include "call_list.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define CALL(call_name, reason)                                                                    \
    {.number = SCMP_SYS(call_name), .name = #call_name, .why = reason, .arg = -1},
#define CALL_IF(call_name, which, bits, wanted, reason)                                            \
    {.number = SCMP_SYS(call_name),                                                                \
     .name = #call_name,                                                                           \
     .why = reason,                                                                                \
     .arg = which,                                                                                 \
     .mask = bits,                                                                                 \
     .value = wanted},
#define CALL_ERROR(call_name, code, reason)                                                        \
    {.number = SCMP_SYS(call_name), .name = #call_name, .why = reason, .arg = -1, .error = code},

/* Of an `int` or `unsigned` argument the upper half is anybody's. */
#define WORD UINT32_MAX

static const struct bd_call control_calls[] = {
#include "calls_control.h"
};
static const struct bd_call dataplane_calls[] = {
#include "calls_dataplane.h"
};
static const struct bd_call worker_calls[] = {
#include "calls_worker.h"
};

#define LIST(text, array)                                                                          \
    {                                                                                              \
        text, array, sizeof(array) / sizeof((array)[0])                                            \
    }

const struct bd_call_list *bd_call_list(enum bd_seccomp_list list)
{
    static const struct bd_call_list lists[] = {
        [BD_CALLS_CONTROL] = LIST("bindery-control", control_calls),
        [BD_CALLS_DATAPLANE] = LIST("bindery-dataplane", dataplane_calls),
        [BD_CALLS_WORKER] = LIST("workers", worker_calls),
    };
    return &lists[list];
}
