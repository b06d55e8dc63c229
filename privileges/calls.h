/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of system calls, one for each process and a shorter one for workers:
 *
 *   calls_control.h     bindery-control, all threads
 *   calls_dataplane.h   bindery-dataplane, all threads
 *   calls_common.h      what stands in both of these
 *   calls_worker.h      workers besides
 *
 * They are compiled in. A call that is not on the list is not made: the process says which one it
 * was and ends, as it cannot be trusted any more, and the service manager starts a successor. An
 * error code instead would send it along ways that nobody has ever seen. What starting takes is not
 * on the lists: they come into force when it is over. */
#ifndef BD_CALLS_H
#define BD_CALLS_H

#include <stdio.h>

#include "log.h"

enum bd_seccomp_mode {
    BD_SECCOMP_OFF,
    BD_SECCOMP_LOG,    /* calls are made, and the kernel's log tells (audit type 1326) */
    BD_SECCOMP_ENFORCE /* calls are not made, the process ends with BD_SECCOMP_STATUS */
};

enum bd_seccomp_list { BD_CALLS_CONTROL, BD_CALLS_DATAPLANE, BD_CALLS_WORKER };

#define BD_SECCOMP_STATUS 159 /* 128 + SIGSYS */

/* From now on all threads of the process, those that there are and those to come, are bound by the
 * list. Once a process; after bd_privileges_begin. -1 with an error when the kernel cannot do it.
 */
int bd_seccomp_process(enum bd_seccomp_list list, enum bd_seccomp_mode mode,
                       struct bd_error *error);
/* The calling thread is bound by this list besides. The process's must allow seccomp(2). */
int bd_seccomp_thread(enum bd_seccomp_list list, enum bd_seccomp_mode mode, struct bd_error *error);

/* The list as text, "name reason" a line, for docs and tests. */
void bd_seccomp_print(enum bd_seccomp_list list, FILE *out);

#endif
