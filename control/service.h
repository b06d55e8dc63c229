/* SPDX-License-Identifier: BSD-3-Clause */
/* The control process from its first module to its last: init, run, unwind. */
#ifndef BD_SERVICE_H
#define BD_SERVICE_H

#include "state.h"

/* Starts the modules in the order of struct bd_control. control->config, ->started and
 * ->config_file are set. -1 with an error; bd_service_stop is due in either case. */
int bd_service_start(struct bd_control *control, struct bd_error *error);
/* Serves until SIGTERM or SIGINT; SIGHUP reloads. Tells the service manager. */
int bd_service_run(struct bd_control *control, struct bd_error *error);
/* Stops what was started, in reverse, and frees the configuration. False: a thread goes on that
 * nothing can stop, so the process is to end by _exit(), which ends it too. */
bool bd_service_stop(struct bd_control *control);

#endif
