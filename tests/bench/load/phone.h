/* SPDX-License-Identifier: BSD-3-Clause */
/* The phones: whole frames of several makes, in which what differs from one request to the next
 * stands at fixed places and is patched there.
 *
 *   address of record   sip:4930dddddddd@domain; the eight digits are the phone's number
 *   source address      198.18.(100 + d5d6).(100 + d7d8), so its text has one length; port 5060
 *   branch              z9hG4bK and sixteen hexadecimal digits: the number of the request
 *
 * A number has always the same make and Call-ID, as a phone has. The UDP checksum is right: the sum
 * of the constant part is made once, that of the patched words on the way. */
#ifndef LOAD_PHONE_H
#define LOAD_PHONE_H

#include <stdbool.h>
#include <stdint.h>

enum { PHONE_FRAME_MAX = 1514, PHONE_HEADERS_SZ = 14 + 20 + 8, PHONE_HOLES_MAX = 48 };
enum { PHONE_MAKES = 8, PHONE_PORT = 5060, PHONE_NUMBER_MAX = 99999999 };

/* A phone never changes it: it is its nonce count that goes up. */
#define PHONE_CNONCE "0a4f113b"

/* What is patched in, in words of eight characters. */
enum phone_field {
    PHONE_USER,       /* dddddddd */
    PHONE_HOST,       /* "1dd.1dd:", what follows "198.18." */
    PHONE_SEQUENCE,   /* two words */
    PHONE_CSEQ = 4,   /* eight digits, the first of them no zero */
    PHONE_NC,         /* nonce count */
    PHONE_RESPONSE,   /* four words */
    PHONE_NONCE = 10, /* up to eight words */
    PHONE_FIELDS = 18
};

enum phone_method { PHONE_REGISTER, PHONE_REGISTER_DIGEST, PHONE_INVITE, PHONE_METHODS };

struct phone_request {
    uint64_t field[PHONE_FIELDS];
};

struct phone_form {
    uint8_t frame[PHONE_FRAME_MAX];
    uint32_t len, hole_cnt;
    uint64_t udp_sum, ip_sum; /* of all that is not patched */
    struct {
        uint16_t off;
        uint16_t field;
    } hole[PHONE_HOLES_MAX];
};

/* What all phones have in common. Ports in host order, addresses as in the packet. */
struct phone_world {
    const char *domain, *run; /* run: eight characters in each Call-ID of this run */
    uint8_t registrar_mac[6], own_mac[6], registrar[4];
    uint16_t registrar_port;
    uint32_t size; /* of the SIP message at least; a header field fills it up. 0: as it comes */
    uint32_t nonce_words; /* of eight characters, in the registrar's nonces; at most 8 */
};

extern const char *const phone_make_name[PHONE_MAKES];

/* False when a request would not fit into a frame. */
bool phone_form_make(struct phone_form *form, const struct phone_world *world,
                     enum phone_method method, unsigned make);

/* A request of the phone with these digits; the fields of a digest are zero. */
struct phone_request phone_request_of(uint64_t user, uint64_t cseq, uint64_t sequence);

/* Writes a frame of form->len bytes. */
void phone_write(const struct phone_form *form, const struct phone_request *request,
                 uint8_t *frame);

/* By the last digit of the number. */
static inline unsigned phone_make_of(uint64_t user)
{
    return (unsigned)(user >> 56) & (PHONE_MAKES - 1);
}

/* Third and fourth byte of the source address, in the order of memory. */
static inline uint16_t phone_host_bytes(uint64_t user)
{
    uint64_t digits = user - 0x3030303030303030ULL;
    unsigned third = 100 + (unsigned)(digits >> 32 & 15) * 10 + (unsigned)(digits >> 40 & 15);
    unsigned fourth = 100 + (unsigned)(digits >> 48 & 15) * 10 + (unsigned)(digits >> 56 & 15);
    return (uint16_t)(third | fourth << 8);
}

static inline uint64_t phone_host_text(uint64_t user)
{
    const uint64_t frame =
        (uint64_t)'1' | (uint64_t)'.' << 24 | (uint64_t)'1' << 32 | (uint64_t)':' << 56;
    return frame | (user >> 32 & 0xffff) << 8 | (user >> 48) << 40;
}

#endif
