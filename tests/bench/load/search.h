/* SPDX-License-Identifier: BSD-3-Clause */
/* The benchmarking algorithm of RFC 7502 4.10: finds the largest rate R at which all of N attempts
 * succeed. Its names and its steps; pure, so that a test can drive it. It differs in two numbers:
 * both weights fall to 0.02 instead of 0.10, so that the answer is finer, and three successes that
 * bring nothing new end it instead of ten. */
#ifndef LOAD_SEARCH_H
#define LOAD_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

struct search {
    uint64_t r;     /* the rate to try next, attempts a second */
    uint64_t old_r; /* the largest that had no failure */
    double w, d;    /* traffic increase and decrease weights */
    unsigned count; /* successes at no more than old_r: three of them end it */
};

/* 0 < w <= 1. "It is best to start with the defaults (w = 0.10 and r >= 100)"; w = 1 doubles until
 * the first failure, and each failure halves both weights. */
struct search search_of(uint64_t r, double w);

/* Takes the outcome of the attempt at s->r and sets the next one. True: converged, old_r is R. */
bool search_step(struct search *s, bool success);

#endif
