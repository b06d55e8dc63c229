/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a frame is the reply to one of our requests, and the right one.
 *
 * A reply is first read slowly: status, Via with branch, From, To, Call-ID, CSeq and the Contact
 * are compared with the request, which is written again for it. One that is right becomes the
 * model of its make: the next reply must equal the model in every byte, but that the number,
 * address, sequence and CSeq must be those of its own request, and that Date, To tag, nonce and the
 * seconds left of what a 302 names may be any. What does not match is read slowly again, so the
 * fast way judges nothing by itself.
 *
 * A wrong UDP or IP checksum is looked for in replies that are read slowly. */
#ifndef LOAD_CHECK_H
#define LOAD_CHECK_H

#include "phone.h"

enum { CHECK_MODEL_MAX = 1536, CHECK_HOLES_MAX = 32 };

struct check_model {
    uint32_t len; /* 0: none yet */
    uint32_t hole_cnt;
    uint8_t frame[CHECK_MODEL_MAX], mask[CHECK_MODEL_MAX];
    struct {
        uint16_t off;
        uint16_t field;
        uint64_t mask;
    } hole[CHECK_HOLES_MAX];
};

/* What makes a reply right. */
struct check {
    unsigned status;
    const struct phone_form *form; /* PHONE_MAKES of the requests */
    const struct phone_form
        *contact; /* whose Contact the reply must have; NULL: none is looked at */
    struct check_model model[PHONE_MAKES];
    uint64_t slow; /* replies read slowly */
};

enum check_verdict {
    CHECK_RIGHT,
    CHECK_STATUS, /* another status */
    CHECK_SUM,    /* a wrong checksum or length */
    CHECK_FIELD,  /* a header field that does not answer the request */
    CHECK_VERDICTS
};

/* The sequence number that a SIP reply to us carries; 0: the frame is none. */
uint64_t check_sequence(const uint8_t *frame, uint32_t len);

/* Judges the reply to the request of these fields. The frame's buffer can be read up to the next
 * multiple of 64 beyond `len`. */
enum check_verdict check_reply(struct check *check, const struct phone_request *request,
                               const uint8_t *frame, uint32_t len);

/* The status and the text of a field of the reply, for error messages and for challenges. */
unsigned check_status(const uint8_t *frame, uint32_t len);

#endif
