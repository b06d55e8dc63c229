/* SPDX-License-Identifier: BSD-3-Clause */
/* One subscription to the registration state of one AoR.
 *
 *                      it expires, Expires: 0,
 *                         no longer allowed            NOTIFY answered
 *   SUBSCRIBE --> active -------------------> ending -----------------> over
 *                    \                                                   ^
 *                     `------- NOTIFY fails: timeout, 481, ... ---------'
 *
 * `over` ones only repeat their last reply until Timer J (RFC 3261 17.2.2) has passed. */
#ifndef BD_SUBSCRIPTION_H
#define BD_SUBSCRIPTION_H

#include "dialog.h"
#include "told.h"
#include "transaction.h"

#define BD_ROOM_ANY UINT32_MAX

struct bd_subscription {
    uint32_t slot;
    unsigned worker; /* which one the last SUBSCRIBE came by: NOTIFYs leave there */
    uint32_t watcher_len, resource_len;
    char watcher[BD_AOR_MAX], resource[BD_AOR_MAX]; /* canonical AoRs */
    uint32_t bound_len;
    char bound[BD_AOR_MAX]; /* the AoR that the bindings of the resource stand under */
    uint64_t hash;          /* of bound, in the table */
    struct bd_dialog dialog;
    struct bd_transaction notify;
    struct bd_told told;
    uint32_t version; /* of the next document */
    uint64_t began_ms, expires_ms;
    uint64_t next_ms;   /* changes are not told before */
    bool urgent, full;  /* the next NOTIFY goes at once; it has the whole state */
    const char *ending; /* reason of Subscription-State: terminated; NULL: active */
    bool over;
    uint64_t over_ms;     /* it may be forgotten then */
    uint64_t operator_ms; /* until then a contact that vanishes was removed by an operator */
    uint64_t notifies;
    /* Bytes that NOTIFYs may have until one is answered: in an open domain anybody may have named
     * that Contact. BD_ROOM_ANY: somebody is there who wants them. */
    uint32_t room;
    /* The last SUBSCRIBE and the reply it drew. */
    uint64_t transaction;
    char *reply;
    uint32_t reply_len;
};

static inline struct bd_str bd_subscription_resource(const struct bd_subscription *s)
{
    return (struct bd_str){s->resource, s->resource_len};
}
static inline struct bd_str bd_subscription_bound(const struct bd_subscription *s)
{
    return (struct bd_str){s->bound, s->bound_len};
}
static inline struct bd_str bd_subscription_watcher(const struct bd_subscription *s)
{
    return (struct bd_str){s->watcher, s->watcher_len};
}

#endif
