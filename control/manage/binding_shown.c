/* SPDX-License-Identifier: BSD-3-Clause */
#include "binding_shown.h"

#include "clock.h"

uint32_t bd_shown_now_s(void)
{
    return (uint32_t)(bd_clock_ms() / 1000);
}

bool bd_shown_current(const struct bd_binding *b, uint32_t at_s)
{
    return bd_state_expires_at_s(b->state) > at_s;
}

/* An interval is granted from the next full second on, so the second that runs is not counted. */
uint32_t bd_shown_left_s(const struct bd_binding *b, uint32_t at_s)
{
    uint32_t left = bd_state_expires_at_s(b->state) - at_s;
    return left > 1 ? left - 1 : 1;
}

json_t *bd_shown_endpoint(const struct bd_endpoint *endpoint)
{
    char text[BD_ENDPOINT_TEXT_MAX];
    return json_stringn(text, bd_endpoint_format(endpoint, text));
}

json_t *bd_shown_q(const struct bd_binding *b)
{
    return b->q_milli == BD_Q_NONE ? json_null() : json_real(b->q_milli / 1000.0);
}
