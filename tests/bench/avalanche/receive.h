/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes by the wire, to the phones. */
#ifndef AVALANCHE_RECEIVE_H
#define AVALANCHE_RECEIVE_H

#include "crowd.h"

/* Gives the crowd the frames that are there, a burst at most. Whether there were any. */
bool crowd_receive(struct wire *wire, struct crowd *crowd, uint32_t now);

#endif
