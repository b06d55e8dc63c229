/* SPDX-License-Identifier: BSD-3-Clause */
/* Caller preferences at a redirect server (RFC 3841 7.2): which of the callee's contacts the caller
 * wants, by the features that the contacts were registered with (RFC 3840).
 *
 * No allocation; bounded by BD_PREFERENCES_MAX and BD_PREFERENCE_VALUES_MAX. */
#ifndef BD_PREFERENCES_H
#define BD_PREFERENCES_H

#include "feature.h"
#include "limits.h"
#include "locate.h"
#include "message.h"

/* One value of Accept-Contact or Reject-Contact: a conjunction of features. */
struct bd_preference {
    bool reject, require, explicit;
    uint8_t first, cnt; /* in feature[] */
};

struct bd_preferences {
    bool implied; /* 7.2.2: neither field was there */
    bool no_fork; /* Request-Disposition: one address only */
    unsigned cnt, feature_cnt, value_cnt;
    struct bd_preference preference[BD_PREFERENCES_MAX];
    struct bd_feature feature[BD_PREFERENCE_VALUES_MAX];
};

/* Reads what a request prefers. False when a field is malformed or there is too much of it; *reason
 * says which. */
bool bd_preferences_read(struct bd_preferences *preferences, const struct bd_message *m,
                         const char **reason);

/* Drops the targets that the caller does not want and sorts the rest (7.2.4). False when implied
 * preferences would have left nothing: the location is then as it was. */
bool bd_preferences_apply(const struct bd_preferences *preferences, struct bd_location *location);

#endif
