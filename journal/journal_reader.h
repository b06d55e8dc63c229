/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads one file record by record, and goes on behind damage.
 *
 * A frame that does not check hides where the next one begins: the reader searches for it in steps
 * of 8 bytes. What it finds is a record and not a text that looks like one, as a check depends on
 * the file's salt and the place. A frame that checks with a body that does not costs that record
 * only. Reads through a window of 1 MiB; a file may be longer than memory, and may grow meanwhile.
 * Any process, one thread a reader. */
#ifndef BD_JOURNAL_READER_H
#define BD_JOURNAL_READER_H

#include "journal_format.h"
#include "journal_io.h"
#include "log.h"

/* What can be wrong, and whether it makes a file one to be kept aside. */
#define BD_JOURNAL_TROUBLES(X)                                                                     \
    X(NO_HEADER, true, "neither header is whole: nothing of the file can be read")                 \
    X(ONE_HEADER, true, "one of the two headers is damaged")                                       \
    X(UNREADABLE, true, "the disk cannot read it")                                                 \
    X(DAMAGED, true, "damaged")                                                                    \
    X(MALFORMED, true, "a whole record that makes no sense")                                       \
    X(CUT, true, "cut: the file ends before it should")                                            \
    X(NO_END, false, "no END: its writer died, or what followed is lost")                          \
    X(MISSING, false, "a file before it is missing")                                               \
    X(MISSING_NEXT, false, "the file that goes on from it is missing")                             \
    X(ORPHAN, false, "a refresh of a record that is lost")

enum bd_journal_trouble {
#define X(name, keep, text) BD_JOURNAL_##name##_TROUBLE,
    BD_JOURNAL_TROUBLES(X)
#undef X
        BD_JOURNAL_TROUBLE_CNT
};

struct bd_journal_problem {
    enum bd_journal_trouble trouble;
    const char *file;    /* name in the directory; set by the loader */
    uint64_t off, bytes; /* which bytes; bytes 0: the place only */
    uint64_t after;      /* sequence of the last whole record before it */
    uint64_t lost;       /* records that are gone, as the sequence tells; 0: not known */
};

const char *bd_journal_trouble_text(enum bd_journal_trouble trouble);
bool bd_journal_trouble_keeps(enum bd_journal_trouble trouble);

struct bd_journal_reader {
    const struct bd_journal_io *io;
    int fd;
    struct bd_journal_header header;
    uint64_t off, seq;
    uint64_t ahead_off; /* behind what bd_journal_reader_ahead has told */
    uint64_t window_off;
    uint32_t window_len;
    uint8_t *window;
    unsigned unreadable;                       /* blocks that the disk did not give */
    uint64_t unreadable_off, unreadable_bytes; /* not yet told */
    bool one_header;                           /* not yet told */
    bool ended;                                /* END was read, or that there is none was told */
    uint64_t next;                             /* of END */
};

/* Opens a file and reads its headers. 0 done; 1 no readable header (*problem); -1 with an error: it
 * cannot be opened, no memory, or a version that this build does not read (never tried, as half
 * understood is worse than refused). A reader that did not open needs no close. */
int bd_journal_reader_open(struct bd_journal_reader *reader, const struct bd_journal_dir *dir,
                           const char *name, struct bd_journal_problem *problem,
                           struct bd_error *error);
void bd_journal_reader_close(struct bd_journal_reader *reader);

enum bd_journal_step { BD_JOURNAL_RECORD, BD_JOURNAL_PROBLEM, BD_JOURNAL_EOF };

/* The next record or the next problem, in the order of the file; call again until EOF. Slices of
 * the record live until the next call. A missing END is told last, unless a CUT says it. */
enum bd_journal_step bd_journal_reader_next(struct bd_journal_reader *reader,
                                            struct bd_journal_record *record,
                                            struct bd_journal_problem *problem);

/* The AoR of a PUT that bd_journal_reader_next will come to soon, each once and in order; false:
 * none more for now. A hint, from bytes that nothing has checked yet; it lives as the record's
 * slices do. Never reads the file. */
bool bd_journal_reader_ahead(struct bd_journal_reader *reader, struct bd_str *aor);

#endif
