/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk number contacts (RFC 6140, GIN): a PBX registers one Contact for all numbers that are its.
 *
 *   REGISTER  To: <sip:pbx1@example.com>     Contact: <sip:198.51.100.3:5060;bnc>
 *        one binding of pbx1@example.com with BD_BINDING_BULK: renewed, expired and removed as any
 *   look-up   +4930555123@example.com        number --bd_bulk_find--> pbx1@example.com
 *        its own bindings, and <sip:+4930555123@198.51.100.3:5060> for each bulk binding of the PBX
 *
 * The targets of an AoR (5.2: each number is a row of its own in the location service, and a number
 * may also be registered itself; 7.2.2: then a request goes to both) are
 *
 *   1. the bindings of the AoR without BD_BINDING_BULK, as they stand: bd_locate(). One with it
 *      stands for the numbers of that PBX, and is no way to the PBX's own AoR;
 *   2. where bd_bulk_find() (policy/bulk.h) hits, the bindings of hit.pbx with BD_BINDING_BULK,
 *      their URI by bd_bulk_contact(), all else (Path, q, feature tags) as it stands:
 *      bd_locate_bulk().
 *
 * A number that bd_bulk_find() hits is known, registered or not: 480 rather than 404.
 *
 * Pure functions; may be called from anywhere. */
#ifndef BD_BULK_CONTACT_H
#define BD_BULK_CONTACT_H

#include "bulk.h"
#include "wire.h"

/* What is wrong with a Contact URI that has a bnc parameter (5.2, 5.3, 9.2.1): the reason of a 400,
 * or NULL. */
const char *bd_bulk_check(const struct bd_uri *contact);

/* Writes the Contact URI of a number: the registered one with "+" and digits as user part and
 * without bnc, all other parameters as they stand (5.2). False, and nothing written, when `contact`
 * is no URI that bd_bulk_check took; overflow is the wire's. */
bool bd_bulk_contact(struct bd_wire *w, struct bd_str contact, const struct bd_e164 *number);

#endif
