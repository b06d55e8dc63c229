/* SPDX-License-Identifier: BSD-3-Clause */
/* How a binding looks to operators, in what `show bindings` and `lookup` have in common. */
#ifndef BD_BINDING_SHOWN_H
#define BD_BINDING_SHOWN_H

#include <jansson.h>

#include "record.h"

/* The clock in the seconds of bindings. */
uint32_t bd_shown_now_s(void);
/* Not over at that second. */
bool bd_shown_current(const struct bd_binding *binding, uint32_t at_s);
/* Seconds that a current binding has left, one at least. */
uint32_t bd_shown_left_s(const struct bd_binding *binding, uint32_t at_s);

json_t *bd_shown_endpoint(const struct bd_endpoint *endpoint);
/* null: the phone gave none. */
json_t *bd_shown_q(const struct bd_binding *binding);

#endif
