/* SPDX-License-Identifier: BSD-3-Clause */
/* The ceiling: how many frames a second the wire carries there and back, when the other end only
 * swaps the MACs (testpmd --forward-mode=macswap). */
#ifndef LOAD_REFLECT_H
#define LOAD_REFLECT_H

#include "report.h"

/* Keeps the ring full for so long with the frame of the form. 0, or 1 when nothing came back. */
int reflect(struct wire *wire, const struct phone_form *form, double seconds,
            struct report *report);

#endif
