/* SPDX-License-Identifier: BSD-3-Clause */
/* bindery-load: a load generator for a registrar at the other end of a memif. */
#include <stdio.h>

#include "phases.h"

int main(int argc, char **argv)
{
    static struct load load;
    int rc = options_read(&load.options, argc, argv);
    if (rc != 0)
        return rc < 0 ? 0 : rc;
    if (!load_init(&load) || !wire_open(&load.wire, &load.options.wire, 10))
        return 1;
    load.report = report_new();
    run_init(&load.run, &load.wire, load.options.threshold_ms / 1000, load.options.window);
    if (!watch_open(&load.run.watch, load.options.watch))
        return 1;
    for (unsigned i = 0; i < load.options.phase_cnt && rc == 0; i++)
        rc = load_phase(&load, load.options.phase[i]);
    if (!report_end(load.report, load.options.json)) {
        perror(load.options.json);
        rc = 1;
    }
    digest_free(load.digest);
    wire_close(&load.wire);
    return rc;
}
