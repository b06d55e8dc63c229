/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of bindery-avalanche. */
#ifndef AVALANCHE_OPTIONS_H
#define AVALANCHE_OPTIONS_H

#include "crowd.h"

struct options {
    struct wire_options wire;
    struct crowd_options crowd;
    double limit_s; /* ends even when not all are registered */
    const char *csv, *series;
    double step_s;     /* of the CSV */
    const char *watch; /* schedstat of the registrar's worker, or NULL */
};

/* 0, or the exit status; -1: help was asked for. */
int options_read(struct options *options, int argc, char **argv);

#endif
