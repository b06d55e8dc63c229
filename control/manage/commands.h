/* SPDX-License-Identifier: BSD-3-Clause */
/* One function a command; the table in command.c says what each does. */
#ifndef BD_COMMANDS_H
#define BD_COMMANDS_H

#include "answer.h"

#define BD_COMMANDS(X)                                                                             \
    X(help)                                                                                        \
    X(show_info)                                                                                   \
    X(show_stats)                                                                                  \
    X(show_cluster)                                                                                \
    X(show_workers)                                                                                \
    X(show_latency)                                                                                \
    X(show_overload)                                                                               \
    X(show_config)                                                                                 \
    X(show_bindings)                                                                               \
    X(show_subscriptions)                                                                          \
    X(show_screening)                                                                              \
    X(ban)                                                                                         \
    X(unban)                                                                                       \
    X(show_limits)                                                                                 \
    X(show_metrics)                                                                                \
    X(lookup)                                                                                      \
    X(unregister)                                                                                  \
    X(subscriber_add)                                                                              \
    X(subscriber_set)                                                                              \
    X(subscriber_profile)                                                                          \
    X(subscriber_implicit)                                                                         \
    X(subscriber_remove)                                                                           \
    X(subscriber_show)                                                                             \
    X(subscriber_import)                                                                           \
    X(snapshot)                                                                                    \
    X(reload)                                                                                      \
    X(drain)

#define X(name)                                                                                    \
    void bd_command_##name(struct bd_answer *answer, const struct bd_str *args, unsigned cnt);
BD_COMMANDS(X)
#undef X

#endif
