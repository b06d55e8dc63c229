/* SPDX-License-Identifier: BSD-3-Clause */
/* The registrar against a plain model of RFC 3261 10.3 (model.h) in random conversations: several
 * devices, each with a Call-ID of its own, several Contacts, CSeqs that mostly grow, requests that
 * come again, time that jumps, all limits. The model knows bindings by the identity that a pool of
 * URIs gives each text, so it owes nothing to the parser, to 19.1.4 in uri.c, or to the table.
 *
 * Half of the users have phones that know outbound (RFC 5626 6): a Contact with an instance and a
 * reg-id is that flow, whatever its URI, and no flow and no plain binding are ever one; a reg-id
 * without an instance is nothing. One request may set up one flow, not two, and with nothing else.
 *
 * Where registrar and model differ, the running test fails. */
#ifndef CONVERSATION_H
#define CONVERSATION_H

#include "lab.h"

enum { CONVERSATION_STEPS_MAX = 48 };

/* Whose decisions all is made of: 0..n-1, n being 256 at most. */
extern unsigned (*conversation_roll)(unsigned n);

struct conversation;

struct conversation *conversation_begin(struct lab *lab, unsigned user);
void conversation_end(struct conversation *c);
/* Some time goes by and a request is sent; both must answer, and then hold, the same. */
void conversation_step(struct conversation *c);
/* Other settings for the domain. */
void conversation_settle(struct conversation *c);
/* The dataplane dies and comes back: bindings stay, the memory of transactions is gone. */
void conversation_kill(struct conversation *c);
/* The operator removes all bindings. */
void conversation_unregister(struct conversation *c);

#endif
