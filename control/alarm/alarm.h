/* SPDX-License-Identifier: BSD-3-Clause */
/* What an operator must know of: a fixed set of conditions, each raised with a text that says what
 * is wrong, and cleared when it is over.
 *
 *   clear --raise--> raised (text, since when) --raise--> raised (the newer text) --clear--> clear
 *
 * The log has one line when an alarm is raised and one when it is cleared, however often either is
 * called; `show info` and the metrics have the present state. Any thread of the control process may
 * call any function: a mutex in private memory guards the set. Workers do not know it. */
#ifndef BD_ALARM_H
#define BD_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

/* X(enumerator, label, help) */
#define BD_ALARMS(X)                                                                               \
    X(JOURNAL, journal, "the journal cannot be written")                                           \
    X(JOURNAL_SLOW, journal_slow, "the journal's disk does not keep up")                           \
    X(SUBSCRIBERS, subscribers, "the subscriber database is locked, damaged or cannot be used")    \
    X(VERIFIER, verifier, "a verifier thread is stuck")                                            \
    X(DATAPLANE, dataplane, "bindery-dataplane is gone, hangs or has a stuck worker")              \
    X(ARENA, arena, "the arena's file was removed or replaced")                                    \
    X(TABLE, table, "the table of bindings is nearly full, or refuses new ones")                   \
    X(OVERLOAD, overload, "requests are shed, as a worker or the verifiers are behind")            \
    X(SCREENING, screening, "requests are let through unscreened")

enum bd_alarm {
#define X(enumerator, label, help) BD_ALARM_##enumerator,
    BD_ALARMS(X)
#undef X
        BD_ALARM_CNT
};

struct bd_alarm_state {
    bool raised;
    uint64_t since_ms; /* bd_clock_ms() when it was raised */
    char text[256];    /* of the last raise */
};

struct bd_alarms;

/* NULL with an error: no memory. */
struct bd_alarms *bd_alarms_new(struct bd_error *error);
/* NULL is let pass. Nobody may use it any more. */
void bd_alarms_free(struct bd_alarms *alarms);

/* Raises an alarm, or gives a raised one a newer text (which is not logged). */
void bd_alarm_raise(struct bd_alarms *alarms, enum bd_alarm which, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends an alarm; nothing happens when it is not raised. */
void bd_alarm_clear(struct bd_alarms *alarms, enum bd_alarm which);
/* Copies the state of one. */
void bd_alarm_read(struct bd_alarms *alarms, enum bd_alarm which, struct bd_alarm_state *state);

/* Label (lower case, underscores) and help of each. */
struct bd_alarm_info {
    const char *label, *help;
};
extern const struct bd_alarm_info bd_alarm_info[BD_ALARM_CNT];

#endif
