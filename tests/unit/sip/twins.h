/* SPDX-License-Identifier: BSD-3-Clause */
/* What the vector code finds beside what its scalar twins find: each fails the running test where
 * they differ. */
#ifndef BD_TEST_TWINS_H
#define BD_TEST_TWINS_H

#include "message.h"

/* A whole message of BD_SIP_MESSAGE_MAX bytes at most, parsed with marks and without. */
void twins_same_message(struct bd_str text);
/* One word by all primitives that look at one. */
void twins_same_word(struct bd_str word);

#endif
