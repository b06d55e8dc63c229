/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of bindery-attack. */
#ifndef ATTACK_OPTIONS_H
#define ATTACK_OPTIONS_H

#include <crowd.h>

#include "flood.h"

struct options {
    struct wire_options wire;
    struct crowd_options crowd;
    struct flood_options flood;
    double head_s; /* the phones have the wire for themselves so long */
    double seconds, limit_s;
};

/* 0, or the exit status; -1: help was asked for. */
int options_read(struct options *options, int argc, char **argv);

#endif
