/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything that can be done with a datagram, for tests whose input is hostile: parse it, walk
 * every list, contact, parameter and credential, compare URIs, make the AoR, write the reply and
 * parse that again. */
#ifndef BD_TEST_EXERCISE_H
#define BD_TEST_EXERCISE_H

#include "message.h"

/* Fails the running test when a slice lies outside the datagram or a reply to a good request is
 * not a good response. Returns the verdict. */
enum bd_verdict exercise(const char *buf, uint32_t len);

#endif
