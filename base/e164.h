/* SPDX-License-Identifier: BSD-3-Clause */
/* E.164 numbers, and the sets of them that a carrier writes down.
 *
 *   number  "+49305550123"                   "+", then 1..15 digits, the first not 0
 *   range   "+49305550000-+49305559999"      both ends belong to it, both of one length
 *           "+49305550000-9999"              the same: the second end replaces the last digits
 *   prefix  "+493044*"                       all numbers of 15 digits at most that begin so
 *
 * A number is its value: no number begins with 0, so the value tells the length too. Pure
 * functions; may be called from anywhere. */
#ifndef BD_E164_H
#define BD_E164_H

#include "str.h"

#define BD_E164_DIGITS_MAX 15
#define BD_E164_TEXT_MAX   (BD_E164_DIGITS_MAX + 2) /* "+", digits, NUL */
#define BD_E164_SET_MAX    (2 * BD_E164_TEXT_MAX)   /* "FIRST-LAST", NUL */

struct bd_e164 {
    uint64_t value;
    unsigned digits;
};

/* The numbers of `digits` digits from first to last; prefix: those that begin with first, which is
 * last. */
struct bd_e164_set {
    uint64_t first, last;
    uint8_t digits;
    bool prefix;
};

extern const uint64_t bd_e164_power[BD_E164_DIGITS_MAX + 1]; /* of ten */

/* Reads a global number as the user part of a URI has it; the visual separators of RFC 3966 5.1.1
 * "-", ".", "(" and ")" mean nothing. False when the text is anything else: a number without "+" is
 * somebody's local one. */
bool bd_e164_parse(struct bd_str text, struct bd_e164 *number);
/* Writes "+" and digits only (RFC 6140 5.2), NUL-terminated. Returns the length without the NUL. */
uint32_t bd_e164_format(const struct bd_e164 *number, char out[BD_E164_TEXT_MAX]);

/* Reads a number, range or prefix; no separators here. False when it is none, or ends before it
 * begins. */
bool bd_e164_set_parse(struct bd_str text, struct bd_e164_set *set);
uint32_t bd_e164_set_format(const struct bd_e164_set *set, char out[BD_E164_SET_MAX]);

#endif
