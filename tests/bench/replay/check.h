/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a reply is the one that was due: status, branch, Call-ID, CSeq, and the Contact of the
 * subscriber (or, of a challenge, a nonce). Where these stand is learnt from a reply read line by
 * line and tried first on the next one of the same form; a reply that does not fit is read line by
 * line again, so what passes never rests on what was learnt. */
#ifndef REPLAY_CHECK_H
#define REPLAY_CHECK_H

#include "request.h"

struct replay_layout {
    uint32_t branch, call_id, cseq, contact, nonce; /* offsets; all 0: nothing learnt yet */
};

/* `status` is "200", "302", ...; 401 wants a nonce, which *nonce then points to, the others a
 * Contact. */
bool replay_reply_check(struct replay_layout *layout, const struct replay_ids *ids,
                        const char *status, struct bd_str method, struct bd_str reply,
                        const char **nonce);

#endif
