/* SPDX-License-Identifier: BSD-3-Clause */
/* The command lines of bindery-load, bindery-avalanche and bindery-attack: a row for each option
 * says what is read, where to, and what --help writes of it. Each program has the options of the
 * wire and of the phones, and rows of its own. */
#ifndef LOAD_COMMAND_LINE_H
#define LOAD_COMMAND_LINE_H

#include "phone.h"
#include "wire.h"

struct option_row {
    const char *name;  /* without the dashes */
    const char *value; /* as --help calls it; NULL: the option takes none */
    const char *help;  /* with the default in brackets; later lines bring their own indent */
    /* False: the text cannot be used. */
    bool (*read)(const struct option_row *row, const char *text);
    void *to;
    double least, most; /* of a number; 0 and 0: of any text */
};

/* Readers: of a `const char *`, a bool, a uint32_t, a uint64_t (both of these take 2e6 too, and cut
 * a fraction off) and a double. */
bool option_text(const struct option_row *row, const char *text);
bool option_flag(const struct option_row *row, const char *text);
bool option_u32(const struct option_row *row, const char *text);
bool option_u64(const struct option_row *row, const char *text);
bool option_real(const struct option_row *row, const char *text);

enum { COMMAND_LINE_OPTIONS_MAX = 40 };

struct command_line {
    const char *program;
    const char *about, *after; /* what --help writes above and below the options */
    struct wire_options *wire;
    struct phone_world *world;
    const struct option_row *own;
    unsigned own_cnt;
    bool operands; /* it takes words that are no options; argv has them last, from `optind` on */
};

/* What wire and world are when no option says otherwise: the registrar of the bench, a memif with
 * rings of 4096 frames, nonces of 64 characters, and a run that has the second as its name. */
void command_line_defaults(struct wire_options *wire, struct phone_world *world);

/* Reads the options, and gives the phones the MAC of the wire. 0; 2 and a line on stderr: what
 * cannot be used, and what can; -1: help was asked for, and is written. */
int command_line_read(const struct command_line *line, int argc, char **argv);

#endif
