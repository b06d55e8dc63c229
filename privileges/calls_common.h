/* SPDX-License-Identifier: BSD-3-Clause */
/* What both processes may ask of the kernel, as any program with a heap, threads and a clock does,
 * and why. Stands in calls_control.h and calls_dataplane.h. See call_list.h. */

/* Time and waiting. */
CALL(clock_gettime, "the time, where the kernel must be asked for it")
CALL(gettimeofday, "the same")
CALL(time, "the same")
CALL(nanosleep, "a wait")
CALL(clock_nanosleep, "the same")
CALL(poll, "a wait for one thing")
CALL(ppoll, "the same")
CALL(restart_syscall, "a wait goes on after a stop")

/* Memory: more and less of it, never to be executed. */
CALL(brk, "the heap")
CALL_IF(mmap, 2, PROT_EXEC, 0, "memory and files; memif: the peer's rings")
CALL_IF(mprotect, 2, PROT_EXEC, 0, "a thread's stack and heap")
CALL(mremap, "a large block grows")
CALL(munmap, "memory given back; ports at the end")
CALL(madvise, "the same")
CALL(getrandom, "nonces, keys, hash seeds, identifiers")

/* Threads, signals and the end. */
CALL(futex, "locks and conditions")
CALL(sched_yield, "a thread waits for another")
CALL(getcpu, "which core a worker and its verifier are on, where the kernel must be asked for it")
CALL(sched_getaffinity, "how many processors there are, for memory")
CALL(getpid, "who am I")
CALL(gettid, "the same")
CALL(getuid, "libsystemd, whether it has to say who tells the service manager")
CALL(geteuid, "the same; SQLite, whether it would have to give files away")
CALL(getgid, "the same")
CALL(getegid, "the same")
CALL(exit, "a thread ends")
CALL(exit_group, "the process ends")
CALL(rt_sigaction, "the event loop's and drivers', at the end; abort()")
CALL(rt_sigprocmask, "a thread begins; the end")
CALL(rt_sigreturn, "a handler ends")
CALL(sigaltstack, "a thread begins or ends")
CALL(tgkill, "abort(), of this process")
