/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether this processor can run what the compiler was told to build (meson's option `march`). */
#ifndef BD_CPU_H
#define BD_CPU_H

#include <stdbool.h>

/* The first of the instruction sets compiled in that this processor lacks; NULL: it has them all.
 */
const char *bd_cpu_lacks(void);

/* Runs before main() in any program that links it: one line on stderr and exit status 1 when the
 * processor lacks something, in place of an illegal instruction later. Call it once from main(), so
 * that it is linked. */
void bd_cpu_check(void);

#endif
