/* SPDX-License-Identifier: BSD-3-Clause */
/* What the threads of bindery-dataplane may ask of the kernel once ports are up, and why: the main
 * thread, DPDK's, and workers as far as calls_worker.h lets them. See call_list.h. */

/* Ports. */
CALL(read, "signals that were sent; wake-ups of DPDK's threads; a tap's frames")
CALL(readv, "a tap's frames")
CALL(write, "the log; wake-ups")
CALL(writev, "a tap's frames")
CALL(sendto, "af_packet and af_xdp: frames are ready")
CALL(recvfrom, "af_xdp: buffers are ready; memif")
CALL(ioctl, "the link's state; VFIO and network drivers")
CALL(recvmsg, "memif: its peer; what the kernel tells of links")
CALL(sendmsg, "memif: its peer; the service manager is told how it goes")
CALL_IF(socket, 0, WORD, AF_UNIX, "the same")
CALL(connect, "memif: its server is back")
CALL(accept, "memif: its client is back")
CALL(accept4, "the same")
CALL(getsockopt, "memif: how a connection went")
CALL(setsockopt, "room for what the service manager is told")
CALL(getsockname, "the same")
CALL(memfd_create, "memif: rings for a peer that is back")
CALL(ftruncate, "the same")
CALL(eventfd2, "the same")
CALL(close, "what a memif peer leaves behind; ports at the end")
CALL(unlink, "memif: its socket, at the end")

/* Waiting. */
CALL(epoll_wait, "DPDK's thread for interrupts")
CALL(epoll_pwait, "the same")
CALL(epoll_ctl, "the same")
CALL(epoll_create, "the same: its list is made anew when a memif peer comes or goes")
CALL(timerfd_settime, "DPDK's alarms")

/* Control, and the worker's own list. */
CALL(pidfd_open, "to be told when control dies")
CALL(fcntl, "whether control holds its lock on the arena")
CALL(seccomp, "a worker narrows what it may do")
CALL(prctl, "the same; names a thread")

/* Files, to be read alone: what the C library looks up (processors, the time zone). */
CALL_IF(openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY, "reads what a library wants to know")
CALL(fstat, "the same")
CALL(newfstatat, "the same")
CALL(lseek, "the same")

/* Memory is asked for when workers are made, as control has published a policy; no thread is
 * started any more. */
#include "calls_common.h"
