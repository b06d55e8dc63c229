/* SPDX-License-Identifier: BSD-3-Clause */
/* The phones: whole frames of several makes, in which what differs from one request to the next
 * stands at fixed places and is patched there.
 *
 *   address of record   sip:4930dddddddd@domain; the eight digits are the phone's number
 *   source              198.18.(100 + d5d6).(100 + d7d8), port 1dddd of the first four digits: so
 * its text has one length, and those behind an address have a port each, as a NAT gives them
 *   ... that ends in 9  is one phone's alone, which has 0000 there; whoever else would be there is
 *                       behind the address before it, port 2dddd
 *   branch              z9hG4bK and sixteen hexadecimal digits: the number of the request
 *
 * A number has always the same make and Call-ID, as a phone has. The UDP checksum is right: the sum
 * of the constant part is made once, that of the patched words on the way. */
#ifndef LOAD_PHONE_H
#define LOAD_PHONE_H

#include <stdbool.h>
#include <stdint.h>

enum { PHONE_FRAME_MAX = 1514, PHONE_HEADERS_SZ = 14 + 20 + 8, PHONE_HOLES_MAX = 48 };
enum { PHONE_MAKES = 8, PHONE_NUMBER_MAX = 99999999 };

/* A phone never changes it: it is its nonce count that goes up. */
#define PHONE_CNONCE "0a4f113b"

/* What is patched in, in words of eight characters. */
enum phone_field {
    PHONE_USER,         /* dddddddd */
    PHONE_HOST,         /* two words, "18.1dd.1" and "dd:1dddd": what follows "198." */
    PHONE_SEQUENCE = 3, /* two words */
    PHONE_CSEQ = 5,     /* eight digits, the first of them no zero */
    PHONE_NC,           /* nonce count */
    PHONE_RESPONSE,     /* four words */
    PHONE_NONCE = 11,   /* up to eight words */
    PHONE_FIELDS = 19
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

/* Whose address has one phone already. */
static inline bool phone_is_second(uint64_t user)
{
    return user >> 56 == '9' && (uint32_t)user != 0x30303030;
}

static inline uint64_t phone_place(uint64_t user)
{
    return user - ((uint64_t)phone_is_second(user) << 56);
}

/* Third and fourth byte of the source address, in the order of memory. */
static inline uint16_t phone_host_bytes(uint64_t user)
{
    uint64_t digits = phone_place(user) - 0x3030303030303030ULL;
    unsigned third = 100 + (unsigned)(digits >> 32 & 15) * 10 + (unsigned)(digits >> 40 & 15);
    unsigned fourth = 100 + (unsigned)(digits >> 48 & 15) * 10 + (unsigned)(digits >> 56 & 15);
    return (uint16_t)(third | fourth << 8);
}

/* The source port, in the order of memory. */
static inline uint16_t phone_port_bytes(uint64_t user)
{
    uint32_t digits = (uint32_t)user & 0x0f0f0f0f;
    uint32_t pairs = digits * 10 + (digits >> 8);
    uint32_t port =
        10000 + 10000 * phone_is_second(user) + (pairs & 0xff) * 100 + (pairs >> 16 & 0xff);
    return __builtin_bswap16((uint16_t)port);
}

static inline void phone_host_text(uint64_t user, uint64_t text[2])
{
    const uint64_t first = (uint64_t)'1' | (uint64_t)'8' << 8 | (uint64_t)'.' << 16 |
                           (uint64_t)'1' << 24 | (uint64_t)'.' << 48 | (uint64_t)'1' << 56;
    const uint64_t second = (uint64_t)':' << 16 | (uint64_t)'1' << 24;
    uint64_t place = phone_place(user);
    text[0] = first | (place >> 32 & 0xffff) << 32;
    text[1] = (second + ((uint64_t)phone_is_second(user) << 24)) | place >> 48 | user << 32;
}

#endif
