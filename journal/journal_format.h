/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of the journal's files and what they mean: encoding and decoding, no input or output.
 *
 *   header, 4096 bytes, twice: a bad sector in one costs nothing
 *     0 "BINDERY-JOURNAL\n"   16 u32 0x01020304   20 u16 version   22 u16 kind   24 u64 number
 *    32 u64 previous   40 u64 geometry   48 u64 slots   56 u64 salt
 *    64 u64 wall_ms    72 u64 clock_ms   80 u64 boot   88 zero   4088 u64 XXH3 of bytes 0..4087
 *
 *   frame, 24 bytes at a multiple of 8
 *     0 u32 check of 4..23   4 u24 length of the body   7 u8 type   8 u64 sequence
 *    16 u64 check of the body, zeros up to a multiple of 8 included
 *
 * All numbers little endian. A check is XXH3 (64 bits; the frame's own: its low 32) seeded with
 * salt + offset of the frame. XXH3 rather than CRC-32C: the seed makes it depend on file and place,
 * 64 bits leave no doubt over years of records, it runs at memory speed without special
 * instructions, and it is linked already.
 *
 * Sequence numbers count the records of a file from 1. */
#ifndef BD_JOURNAL_FORMAT_H
#define BD_JOURNAL_FORMAT_H

#include "record.h"

#define BD_JOURNAL_VERSION     1
#define BD_JOURNAL_HEADER_SZ   4096
#define BD_JOURNAL_RECORDS_OFF (2 * BD_JOURNAL_HEADER_SZ)
#define BD_JOURNAL_FRAME_SZ    24
#define BD_JOURNAL_ALIGN       8
/* Bytes of a name in the directory: "snapshot-18446744073709551615.bad-..." */
#define BD_JOURNAL_NAME_MAX 64

/* A moment by both clocks (clock.h), and which start of the machine clock_ms counts from. */
struct bd_journal_time {
    uint64_t wall_ms, clock_ms, boot;
};
/* Reads the clocks; for main functions. */
struct bd_journal_time bd_journal_time_read(void);

enum bd_journal_kind { BD_JOURNAL_FILE_JOURNAL = 1, BD_JOURNAL_FILE_SNAPSHOT = 2 };

struct bd_journal_header {
    uint16_t version;
    uint16_t kind;
    uint64_t number, previous, geometry, slots, salt;
    struct bd_journal_time made;
};

void bd_journal_header_encode(const struct bd_journal_header *header,
                              uint8_t out[BD_JOURNAL_HEADER_SZ]);
/* False for a block that is no header or a damaged one. The version is the caller's to look at: of
 * another version, nothing but version, kind and number is filled in. */
bool bd_journal_header_decode(const uint8_t in[BD_JOURNAL_HEADER_SZ],
                              struct bd_journal_header *header);

enum bd_journal_type {
    BD_JOURNAL_PUT = 1,
    BD_JOURNAL_STATE,
    BD_JOURNAL_EMPTY,
    BD_JOURNAL_COMMIT,
    BD_JOURNAL_END
};

struct bd_journal_frame {
    uint64_t seq, body_check;
    uint32_t len; /* of the body, without padding */
    uint8_t type;
};

static inline uint32_t bd_journal_padded(uint32_t len)
{
    return (len + BD_JOURNAL_ALIGN - 1) & ~(uint32_t)(BD_JOURNAL_ALIGN - 1);
}

/* Finishes a record: the body stands behind the frame; writes frame and padding. seed: salt +
 * offset. */
void bd_journal_frame_encode(uint8_t *record, uint64_t seed, uint8_t type, uint32_t len,
                             uint64_t seq);
/* Takes a frame apart, whatever it is, and returns the check that it says. */
uint32_t bd_journal_frame_peek(const uint8_t in[BD_JOURNAL_FRAME_SZ],
                               struct bd_journal_frame *frame);
/* False when the check does not fit or the length is above BD_JOURNAL_BODY_MAX. */
bool bd_journal_frame_decode(const uint8_t in[BD_JOURNAL_FRAME_SZ], uint64_t seed,
                             struct bd_journal_frame *frame);
bool bd_journal_body_whole(const struct bd_journal_frame *frame, const uint8_t *body,
                           uint64_t seed);

/* What a refresh changes in a contact, times as in the file. */
struct bd_journal_contact {
    uint64_t expires_ms, txn;
    uint32_t cseq;
};

/* A record read back. Slices point into the body. */
struct bd_journal_record {
    enum bd_journal_type type;
    uint32_t len; /* of the body */
    uint64_t off, seq;
    uint64_t slot;     /* PUT, STATE, EMPTY */
    uint32_t check;    /* PUT, STATE: of all that a refresh leaves as it is */
    unsigned cnt;      /* PUT, STATE: contacts */
    uint64_t wall_ms;  /* COMMIT, END */
    uint64_t clock_ms; /* COMMIT, END */
    uint64_t records;  /* COMMIT: since the last one. END: of the file, without itself */
    uint64_t next;     /* END: number of the journal that goes on; 0: none */
    struct bd_str aor; /* PUT */
    uint64_t created_ms[BD_CONTACTS_PER_AOR_MAX];               /* PUT */
    struct bd_journal_contact contact[BD_CONTACTS_PER_AOR_MAX]; /* PUT, STATE */
    struct bd_binding binding[BD_CONTACTS_PER_AOR_MAX]; /* PUT; state, txn, created_at_s are 0 */
};

/* Check of an AoR and its bindings without what a refresh changes, and without created_at_s, which
 * is rounded on its way through the file. */
uint32_t bd_journal_check(struct bd_str aor, const struct bd_binding *bindings, unsigned cnt);

/* Write a body and return its length. `shift_ms` is what turns clock ms into the file's times:
 * made.wall_ms - made.clock_ms. out has room for BD_JOURNAL_BODY_MAX. */
uint32_t bd_journal_put_encode(uint8_t *out, uint64_t shift_ms, uint64_t slot, struct bd_str aor,
                               const struct bd_binding *bindings, unsigned cnt);
uint32_t bd_journal_state_encode(uint8_t *out, uint64_t shift_ms, uint64_t slot, uint32_t check,
                                 const struct bd_binding *bindings, unsigned cnt);
uint32_t bd_journal_empty_encode(uint8_t *out, uint64_t slot);
/* COMMIT (next is 0) and END. */
uint32_t bd_journal_commit_encode(uint8_t *out, const struct bd_journal_time *now, uint64_t records,
                                  uint64_t next);

/* Reads a whole body of record->type and record->len. False when it is not what that type holds or
 * a slot is not below `slots`. */
bool bd_journal_record_decode(const uint8_t *body, uint64_t slots,
                              struct bd_journal_record *record);

/* The AoR of a PUT whose body may be anything; false: it is no such body. */
bool bd_journal_put_peek(const uint8_t *body, uint32_t len, struct bd_str *aor);

#endif
