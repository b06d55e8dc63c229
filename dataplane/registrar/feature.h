/* SPDX-License-Identifier: BSD-3-Clause */
/* Feature parameters (RFC 3840 9) and whether two of them can hold at once (RFC 2533, as RFC 3841
 * 7.2.4 and 8 use it). Pure; slices only. */
#ifndef BD_FEATURE_H
#define BD_FEATURE_H

#include "str.h"

/* A feature tag, decoded: "audio" and "+sip.audio" are one (RFC 3841 8). */
struct bd_feature {
    bool sip;            /* "sip." was before it, written or implied */
    struct bd_str name;  /* the rest */
    struct bd_str value; /* as it stood, quotes included; NULL: "TRUE" */
    struct bd_str text;  /* the name as it stood */
};

/* The next feature parameter of a ";name=value" list, others passed over; the cursor is as that of
 * bd_param_next(). False at the end or where the list is malformed (*bad). */
bool bd_feature_next(struct bd_str *cursor, struct bd_feature *feature, bool *bad);
/* Finds the parameter of the same tag. False when there is none. */
bool bd_feature_find(struct bd_str params, const struct bd_feature *tag, struct bd_feature *found);

/* Number of values in a feature's tag-value-list. */
unsigned bd_feature_value_cnt(const struct bd_feature *feature);
/* Whether some value satisfies both: tokens without case, strings with case, numbers by their
 * ranges, '!' negates. Quadratic in the values: the caller bounds those of one side. */
bool bd_feature_match(const struct bd_feature *a, const struct bd_feature *b);

#endif
