/* SPDX-License-Identifier: BSD-3-Clause */
/* What main() of each program begins with. */
#ifndef BD_PROCESS_H
#define BD_PROCESS_H

/* Lets standard descriptors that are closed lead nowhere: else the next file that is opened, the
 * arena or a stats socket, is standard error, and lines for people are written into it. Writing to
 * standard output fails as before. */
void bd_process_fill_stdio(void);

/* SIGTERM and SIGINT end the process with status 0 wherever it is, while it starts and after its
 * own handling of them has ended; SIGHUP does nothing. SIGPIPE never does: who reads the log, a
 * client or a memif peer may be gone. */
void bd_process_catch_signals(void);

#endif
