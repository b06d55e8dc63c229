/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts of requests, one for each make of phone.
 *
 * %u the number's digits · %h "1dd.1dd:" of the source address · %s sequence · %c CSeq · %d domain
 * %r run · %a Authorization or nothing · %p what fills the message up · %n nonce · %i nonce count
 * %e response */
#ifndef LOAD_MAKES_H
#define LOAD_MAKES_H

#include "phone.h"

extern const char *const make_register[PHONE_MAKES];
extern const char *const make_invite;
extern const char *const make_authorization;

#endif
