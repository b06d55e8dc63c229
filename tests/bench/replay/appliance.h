/* SPDX-License-Identifier: BSD-3-Clause */
/* Bindery in one process, without ports: a real arena joined in both roles, the real workers in
 * threads of their own, the real verifiers, the policy of a real configuration file. */
#ifndef REPLAY_APPLIANCE_H
#define REPLAY_APPLIANCE_H

#include "port.h"

struct replay_appliance;

struct replay_settings {
    uint32_t bindings;
    unsigned workers;
    bool digest;       /* the domain asks for it, MD5; subscriber N has the password "secret-N" */
    bool redirect;     /* the domain redirects, without asking who calls */
    const char *rules; /* absolute path of screening rules; NULL: none */
};

/* Worker w runs on core w; verifiers and the caller on the last core. NULL with an error. */
struct replay_appliance *replay_appliance_start(const struct replay_settings *settings,
                                                struct bd_error *error);
void replay_appliance_stop(struct replay_appliance *appliance);

/* Runs a phase over all workers; sums what came of it, the times apart: from the first begin to the
 * last end. */
struct replay_outcome replay_appliance_run(struct replay_appliance *appliance,
                                           const struct replay_phase *phase);

/* Fills in the responses of all subscribers to their nonces, for a nonce count. */
void replay_appliance_answer(struct replay_appliance *appliance,
                             struct replay_credentials *credentials, uint32_t nc);

/* AoRs that are in the table, by a walk. */
uint64_t replay_appliance_aors(struct replay_appliance *appliance);
/* For how long a worker was at its share of all phases so far. */
uint64_t replay_appliance_busy_tsc(const struct replay_appliance *appliance, unsigned worker);
/* Whether the arena is in huge pages. */
bool replay_appliance_huge(const struct replay_appliance *appliance);

#endif
