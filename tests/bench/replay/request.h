/* SPDX-License-Identifier: BSD-3-Clause */
/* What the replay tier sends: requests made from templates, the texts of four phone makes, about
 * 600 bytes each (900 with credentials). Subscriber n is always the same phone with the same
 * Call-ID; a new round is a new CSeq and branch. Writing one costs a copy and some fixed-width
 * fields, because what it costs is the bench's own time. */
#ifndef REPLAY_REQUEST_H
#define REPLAY_REQUEST_H

#include "ip.h"
#include "str.h"

enum replay_method { REPLAY_REGISTER, REPLAY_AUTHORIZED, REPLAY_INVITE };

/* Widths of the fields that differ between requests. */
enum {
    REPLAY_HOST = 14,
    REPLAY_BRANCH = 16,
    REPLAY_CALL_ID = 16,
    REPLAY_USER = 8,
    REPLAY_CSEQ = 4,
    REPLAY_NONCE = 64,
    REPLAY_RESPONSE = 32,
    REPLAY_NC = 8,
    REPLAY_MAKES = 4,
    REPLAY_ROUNDS_MAX = 8999, /* CSeq has four digits */
    REPLAY_REQUEST_MAX = 1200
};

#define REPLAY_DOMAIN "example.com"
#define REPLAY_CNONCE "0a4f113b5c6d7e8f"

/* What makes one request itself, as it stands in request and reply. */
struct replay_ids {
    uint32_t number;
    char host[REPLAY_HOST], branch[REPLAY_BRANCH], call_id[REPLAY_CALL_ID], user[REPLAY_USER],
        cseq[REPLAY_CSEQ];
};

/* How one subscriber answers the challenge he was given. */
struct replay_credentials {
    char nonce[REPLAY_NONCE], response[REPLAY_RESPONSE];
};

struct replay_ids replay_ids_of(uint32_t number, unsigned round);
/* Where he calls from, which is what his Via says: one of 10,000 addresses. */
struct bd_ip replay_source_of(uint32_t number);
/* His phone. Two neighbours have the same make: or of two queues, which take turns, one would have
 * the makes that are longer to read. */
static inline unsigned replay_make_of(uint32_t number)
{
    return number / 2 % REPLAY_MAKES;
}
/* The subscriber's user part: REPLAY_USER digits, no NUL. */
void replay_user_of(uint32_t number, char out[REPLAY_USER]);
/* nc as it stands in a request: REPLAY_NC hexadecimal digits, no NUL. */
void replay_nc_of(uint32_t nc, char out[REPLAY_NC]);

struct replay_field {
    uint16_t off;
    char what; /* the letter of the template */
};
struct replay_form {
    uint32_t len, field_cnt;
    struct replay_field field[16];
    char text[REPLAY_REQUEST_MAX];
};

/* Makes the form of a phone make (0 .. REPLAY_MAKES - 1). */
void replay_form_make(struct replay_form *form, enum replay_method method, unsigned make);
/* Writes a request and returns its length. credentials and nc are for REPLAY_AUTHORIZED only. */
uint32_t replay_request_write(const struct replay_form *form, const struct replay_ids *ids,
                              const struct replay_credentials *credentials,
                              const char nc[REPLAY_NC], char out[REPLAY_REQUEST_MAX]);

#endif
