/* SPDX-License-Identifier: BSD-3-Clause */
#include "alarm.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

struct bd_alarms {
    pthread_mutex_t mutex;
    struct bd_alarm_state state[BD_ALARM_CNT];
};

const struct bd_alarm_info bd_alarm_info[BD_ALARM_CNT] = {
#define X(enumerator, label, help) [BD_ALARM_##enumerator] = {#label, help},
    BD_ALARMS(X)
#undef X
};

struct bd_alarms *bd_alarms_new(struct bd_error *error)
{
    struct bd_alarms *alarms = calloc(1, sizeof(*alarms));
    if (!alarms) {
        bd_fail(error, "no memory for alarms");
        return NULL;
    }
    pthread_mutex_init(&alarms->mutex, NULL);
    return alarms;
}

void bd_alarms_free(struct bd_alarms *alarms)
{
    if (!alarms)
        return;
    pthread_mutex_destroy(&alarms->mutex);
    free(alarms);
}

void bd_alarm_raise(struct bd_alarms *alarms, enum bd_alarm which, const char *format, ...)
{
    struct bd_alarm_state *state = &alarms->state[which];
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&alarms->mutex);
    vsnprintf(state->text, sizeof(state->text), format, args);
    va_end(args);
    if (!state->raised) {
        state->raised = true;
        state->since_ms = bd_clock_ms();
        bd_log(BD_LOG_WARNING, "alarm %s: %s", bd_alarm_info[which].label, state->text);
    }
    pthread_mutex_unlock(&alarms->mutex);
}

void bd_alarm_clear(struct bd_alarms *alarms, enum bd_alarm which)
{
    struct bd_alarm_state *state = &alarms->state[which];
    pthread_mutex_lock(&alarms->mutex);
    if (state->raised) {
        state->raised = false;
        bd_log(BD_LOG_NOTICE, "alarm %s is over after %llu s", bd_alarm_info[which].label,
               (unsigned long long)(bd_clock_ms() - state->since_ms) / 1000);
    }
    pthread_mutex_unlock(&alarms->mutex);
}

void bd_alarm_read(struct bd_alarms *alarms, enum bd_alarm which, struct bd_alarm_state *state)
{
    pthread_mutex_lock(&alarms->mutex);
    *state = alarms->state[which];
    pthread_mutex_unlock(&alarms->mutex);
}
