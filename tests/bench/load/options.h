/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of bindery-load. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "phone.h"
#include "wire.h"

enum { OPTIONS_PHASES_MAX = 16 };

struct options {
    struct wire_options wire;
    struct phone_world world;
    uint32_t aors, first; /* how many phones, and the number of the first */
    uint64_t attempts;    /* N of RFC 7502 4.10 */
    uint64_t rate;        /* r to begin with; with `fixed` the only one */
    bool fixed;
    double weight; /* w */
    uint64_t fill_rate;
    double threshold_ms;
    unsigned window;
    uint32_t cseq;
    bool in_order;     /* re-registrations; else at random */
    double seconds;    /* of a run at 10, 50, 90 %, and of reflect */
    const char *json;  /* file, or NULL */
    const char *watch; /* schedstat of the registrar's worker, or NULL */
    int make;          /* of all phones, or -1: each its own */
    unsigned phase_cnt;
    const char *phase[OPTIONS_PHASES_MAX];
};

/* 0, or the exit status. */
int options_read(struct options *options, int argc, char **argv);

#endif
