/* SPDX-License-Identifier: BSD-3-Clause */
/* MD5 (RFC 1321) of sixteen texts of one length at once, one in each lane of a vector: a phone
 * makes one digest at a time, but the generator plays a million phones on one core. */
#ifndef LOAD_MD5_H
#define LOAD_MD5_H

#include <stdint.h>

enum { MD5_LANES = 16, MD5_SZ = 16, MD5_ROOM = 256 };

/* Texts of len bytes; what follows them, up to MD5_ROOM, is written over. len is at most
 * MD5_ROOM - 9. */
void md5_lanes(uint8_t text[MD5_LANES][MD5_ROOM], uint32_t len, uint8_t out[MD5_LANES][MD5_SZ]);

#endif
