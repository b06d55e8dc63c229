/* SPDX-License-Identifier: BSD-3-Clause */
/* What the generator can do, one function a phase. Phases follow one another in one process, so
 * that Call-ID and CSeq go on as a phone's do. */
#ifndef LOAD_PHASES_H
#define LOAD_PHASES_H

#include "options.h"
#include "report.h"
#include "run.h"

struct load {
    struct options options;
    struct wire wire;
    struct run run;
    struct report *report;
    struct run_outcome outcome; /* of the last rate that was tried */
    struct phone_form form[PHONE_METHODS][PHONE_MAKES];
    uint32_t registered;   /* of options.aors, from the first on */
    uint32_t cseq;         /* no request had it yet */
    struct digest *digest; /* NULL: no phone was challenged yet */
    uint32_t nc;           /* nonce count that no request had yet */
};

/* Makes the forms. False when a request would not fit into a frame. */
bool load_init(struct load *load);

/* Runs a phase and reports. 0: done; 1: with failures; 2: no such phase. */
int load_phase(struct load *load, const char *name);

#endif
