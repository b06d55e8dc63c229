/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
    WINDOW_SZ = 1 << 20,
    BLOCK_SZ = 4096, /* what is given up where the disk does not read */
    /* Such blocks before the rest of the file is given up: each can take a failing disk seconds. */
    UNREADABLE_MAX = 64,
    RECORD_MAX = BD_JOURNAL_FRAME_SZ + BD_JOURNAL_BODY_MAX,
    AHEAD_SZ = 4096, /* a dozen typical PUTs: as many misses as a core has under way */
};
_Static_assert(WINDOW_SZ >= 2 * RECORD_MAX, "the window holds any record");

static const struct {
    bool keeps;
    const char *text;
} troubles[] = {
#define X(name, keep, say) [BD_JOURNAL_##name##_TROUBLE] = {keep, say},
    BD_JOURNAL_TROUBLES(X)
#undef X
};

const char *bd_journal_trouble_text(enum bd_journal_trouble trouble)
{
    return troubles[trouble].text;
}

bool bd_journal_trouble_keeps(enum bd_journal_trouble trouble)
{
    return troubles[trouble].keeps;
}

/* --- window ----------------------------------------------------------------------------------- */

static int64_t read_at(struct bd_journal_reader *reader, uint8_t *out, uint32_t len, uint64_t off)
{
    int64_t n;
    do
        n = reader->io->read_at(reader->io->arg, reader->fd, out, len, off);
    while (n == -EINTR);
    return n;
}

/* Reads a block alone; one that cannot be read counts as zeros, which is no record. */
static int64_t read_block(struct bd_journal_reader *reader, uint8_t *out, uint64_t off)
{
    int64_t n = read_at(reader, out, BLOCK_SZ, off);
    if (n >= 0)
        return n;
    if (reader->unreadable_bytes == 0)
        reader->unreadable_off = off;
    reader->unreadable_bytes = off + BLOCK_SZ - reader->unreadable_off;
    if (++reader->unreadable > UNREADABLE_MAX)
        return 0;
    memset(out, 0, BLOCK_SZ);
    return BLOCK_SZ;
}

static void fill(struct bd_journal_reader *reader, uint64_t off)
{
    reader->window_off = off;
    reader->window_len = 0;
    while (reader->window_len < WINDOW_SZ && reader->unreadable <= UNREADABLE_MAX) {
        uint32_t room = WINDOW_SZ - reader->window_len;
        uint8_t *out = reader->window + reader->window_len;
        uint64_t at = off + reader->window_len;
        int64_t n = read_at(reader, out, room, at);
        if (n < 0)
            n = room < BLOCK_SZ ? 0 : read_block(reader, out, at);
        if (n <= 0)
            return;
        reader->window_len += (uint32_t)n;
    }
}

/* The bytes from off on: at least `want` of them unless the file ends before; *have says how many.
 */
static const uint8_t *look(struct bd_journal_reader *reader, uint64_t off, uint32_t want,
                           uint32_t *have)
{
    if (off < reader->window_off || off - reader->window_off > reader->window_len ||
        reader->window_len - (off - reader->window_off) < want)
        fill(reader, off);
    *have = reader->window_len - (uint32_t)(off - reader->window_off);
    return reader->window + (off - reader->window_off);
}

/* --- open ------------------------------------------------------------------------------------- */

static bool read_headers(struct bd_journal_reader *reader)
{
    uint32_t have;
    const uint8_t *p = look(reader, 0, BD_JOURNAL_RECORDS_OFF, &have);
    struct bd_journal_header second;
    bool first_whole = have >= BD_JOURNAL_HEADER_SZ && bd_journal_header_decode(p, &reader->header);
    bool second_whole = have >= BD_JOURNAL_RECORDS_OFF &&
                        bd_journal_header_decode(p + BD_JOURNAL_HEADER_SZ, &second);
    if (!first_whole && second_whole)
        reader->header = second;
    reader->one_header = first_whole != second_whole;
    return first_whole || second_whole;
}

int bd_journal_reader_open(struct bd_journal_reader *reader, const struct bd_journal_dir *dir,
                           const char *name, struct bd_journal_problem *problem,
                           struct bd_error *error)
{
    *reader = (struct bd_journal_reader){.io = dir->io, .off = BD_JOURNAL_RECORDS_OFF};
    *problem = (struct bd_journal_problem){.trouble = BD_JOURNAL_NO_HEADER_TROUBLE, .file = name};
    reader->fd = bd_journal_open(dir, name, 0);
    if (reader->fd == -EIO)
        return 1;
    if (reader->fd < 0)
        return bd_fail(error, "journal %s/%s: cannot be opened: %s", dir->path, name,
                       strerror(-reader->fd));
    reader->window = malloc(WINDOW_SZ);
    int rc = 0;
    if (!reader->window)
        rc = bd_fail(error, "journal %s/%s: no memory for a buffer", dir->path, name);
    else if (!read_headers(reader))
        rc = 1;
    else if (reader->header.version != BD_JOURNAL_VERSION)
        rc = bd_fail(error,
                     "journal %s/%s: has format %u, this version reads %u; start the version that "
                     "made it, or move the file away (its bindings are lost)",
                     dir->path, name, reader->header.version, BD_JOURNAL_VERSION);
    if (rc != 0)
        bd_journal_reader_close(reader);
    return rc;
}

void bd_journal_reader_close(struct bd_journal_reader *reader)
{
    reader->io->close(reader->io->arg, reader->fd);
    free(reader->window);
    reader->window = NULL;
}

/* --- records ---------------------------------------------------------------------------------- */

enum found { FOUND_RECORD, FOUND_BAD_BODY, FOUND_CUT, FOUND_NOTHING, FOUND_EOF };

/* What is at an offset. */
static enum found probe(struct bd_journal_reader *reader, uint64_t off,
                        struct bd_journal_frame *frame, const uint8_t **body)
{
    uint32_t have;
    const uint8_t *p = look(reader, off, BD_JOURNAL_FRAME_SZ, &have);
    uint64_t seed = reader->header.salt + off;
    if (have == 0)
        return FOUND_EOF;
    if (have < BD_JOURNAL_FRAME_SZ)
        return FOUND_CUT;
    if (!bd_journal_frame_decode(p, seed, frame) || frame->seq <= reader->seq)
        return FOUND_NOTHING;
    uint32_t want = BD_JOURNAL_FRAME_SZ + bd_journal_padded(frame->len);
    p = look(reader, off, want, &have);
    if (have < want)
        return FOUND_CUT;
    *body = p + BD_JOURNAL_FRAME_SZ;
    return bd_journal_body_whole(frame, *body, seed) ? FOUND_RECORD : FOUND_BAD_BODY;
}

/* The offset behind the damage at reader->off where a record begins, or the end of the file. */
static uint64_t search(struct bd_journal_reader *reader, uint64_t *lost)
{
    struct bd_journal_frame frame;
    const uint8_t *body;
    uint64_t off = reader->off;
    uint32_t have;
    for (;;) {
        off += BD_JOURNAL_ALIGN;
        switch (probe(reader, off, &frame, &body)) {
        case FOUND_RECORD:
        case FOUND_BAD_BODY:
            *lost = frame.seq - reader->seq - 1;
            return off;
        case FOUND_CUT:
        case FOUND_EOF:
            look(reader, off - BD_JOURNAL_ALIGN, RECORD_MAX, &have);
            return off - BD_JOURNAL_ALIGN + have;
        case FOUND_NOTHING:
            break;
        }
    }
}

static enum bd_journal_step tell(struct bd_journal_reader *reader,
                                 struct bd_journal_problem *problem,
                                 enum bd_journal_trouble trouble, uint64_t end)
{
    *problem = (struct bd_journal_problem){.trouble = trouble,
                                           .file = problem->file,
                                           .off = reader->off,
                                           .bytes = end - reader->off,
                                           .after = reader->seq};
    reader->off = end;
    return BD_JOURNAL_PROBLEM;
}

static enum bd_journal_step at_end(struct bd_journal_reader *reader,
                                   struct bd_journal_problem *problem)
{
    if (reader->ended)
        return BD_JOURNAL_EOF;
    reader->ended = true; /* told once */
    return tell(reader, problem, BD_JOURNAL_NO_END_TROUBLE, reader->off);
}

/* What is to be told before the next record. */
static bool tell_pending(struct bd_journal_reader *reader, struct bd_journal_problem *problem)
{
    *problem = (struct bd_journal_problem){.file = problem->file, .after = reader->seq};
    if (reader->one_header) {
        reader->one_header = false;
        problem->trouble = BD_JOURNAL_ONE_HEADER_TROUBLE;
        problem->bytes = BD_JOURNAL_RECORDS_OFF;
        return true;
    }
    if (reader->unreadable_bytes) {
        problem->trouble = BD_JOURNAL_UNREADABLE_TROUBLE;
        problem->off = reader->unreadable_off;
        problem->bytes = reader->unreadable_bytes;
        reader->unreadable_bytes = 0;
        return true;
    }
    return false;
}

static enum bd_journal_step take(struct bd_journal_reader *reader,
                                 const struct bd_journal_frame *frame, const uint8_t *body,
                                 struct bd_journal_record *record,
                                 struct bd_journal_problem *problem)
{
    uint64_t end = reader->off + BD_JOURNAL_FRAME_SZ + bd_journal_padded(frame->len);
    record->type = (enum bd_journal_type)frame->type;
    record->len = frame->len;
    record->off = reader->off;
    record->seq = frame->seq;
    if (!bd_journal_record_decode(body, reader->header.slots, record)) {
        tell(reader, problem, BD_JOURNAL_MALFORMED_TROUBLE, end);
        problem->lost = 1;
        reader->seq = frame->seq;
        return BD_JOURNAL_PROBLEM;
    }
    reader->off = end;
    reader->seq = frame->seq;
    if (record->type == BD_JOURNAL_END) {
        reader->ended = true;
        reader->next = record->next;
    }
    return BD_JOURNAL_RECORD;
}

enum bd_journal_step bd_journal_reader_next(struct bd_journal_reader *reader,
                                            struct bd_journal_record *record,
                                            struct bd_journal_problem *problem)
{
    struct bd_journal_frame frame;
    const uint8_t *body;
    if (tell_pending(reader, problem))
        return BD_JOURNAL_PROBLEM;
    enum found found = probe(reader, reader->off, &frame, &body);
    uint64_t lost = 0, end;
    uint32_t have;
    switch (found) {
    case FOUND_RECORD:
        return take(reader, &frame, body, record, problem);
    case FOUND_BAD_BODY:
        tell(reader, problem, BD_JOURNAL_DAMAGED_TROUBLE,
             reader->off + BD_JOURNAL_FRAME_SZ + bd_journal_padded(frame.len));
        problem->lost = frame.seq - problem->after;
        reader->seq = frame.seq;
        return BD_JOURNAL_PROBLEM;
    case FOUND_CUT:
        look(reader, reader->off, RECORD_MAX, &have);
        reader->ended = true; /* said by this */
        return tell(reader, problem, BD_JOURNAL_CUT_TROUBLE, reader->off + have);
    case FOUND_NOTHING:
        end = search(reader, &lost);
        tell(reader, problem, BD_JOURNAL_DAMAGED_TROUBLE, end);
        problem->lost = lost;
        reader->seq += lost;
        return BD_JOURNAL_PROBLEM;
    case FOUND_EOF:
        break;
    }
    if (reader->unreadable_bytes && tell_pending(reader, problem))
        return BD_JOURNAL_PROBLEM;
    return at_end(reader, problem);
}

bool bd_journal_reader_ahead(struct bd_journal_reader *reader, struct bd_str *aor)
{
    if (reader->ahead_off < reader->off)
        reader->ahead_off = reader->off;
    while (reader->ahead_off - reader->off < AHEAD_SZ) {
        uint64_t in_window = reader->ahead_off - reader->window_off + BD_JOURNAL_FRAME_SZ;
        if (in_window > reader->window_len)
            return false;
        const uint8_t *body = reader->window + in_window;
        struct bd_journal_frame frame;
        bd_journal_frame_peek(body - BD_JOURNAL_FRAME_SZ, &frame);
        if (bd_journal_padded(frame.len) > reader->window_len - in_window)
            return false;
        reader->ahead_off += BD_JOURNAL_FRAME_SZ + bd_journal_padded(frame.len);
        if (frame.type == BD_JOURNAL_PUT && bd_journal_put_peek(body, frame.len, aor))
            return true;
    }
    return false;
}
