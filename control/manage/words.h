/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of one command line, as both ends of the stats socket understand them.
 *
 *   line  =  word *( 1*(SP / HTAB) word )
 *   word  =  1*(any byte but SP, HTAB, DQUOTE)  /  DQUOTE *( any / "\" any ) DQUOTE
 *
 * Quotes let a password or a file name hold blanks. Pure functions; may be called from anywhere. */
#ifndef BD_WORDS_H
#define BD_WORDS_H

#include <event2/buffer.h>

#include "str.h"

#define BD_WORDS_MAX 16
/* Longest command line. An AoR, a Contact URI and both quoted and escaped fit. Longer: refused. */
#define BD_LINE_MAX 4096

/* How the line begins that a server without a free connection sends instead of an answer. */
#define BD_ALL_TAKEN "error: all connections"

struct bd_words {
    unsigned cnt;
    struct bd_str word[BD_WORDS_MAX];
};

/* Splits `line` in place (quoted words are unescaped where they stand). False, with the reason in
 * *why, when a quote is left open, there are more than BD_WORDS_MAX words, or the line holds a
 * control character. An empty line gives cnt == 0. */
bool bd_words_split(char *line, size_t len, struct bd_words *words, const char **why);

/* Adds a word to a line under construction, with quotes when it needs them. */
void bd_words_quote(struct evbuffer *line, struct bd_str word);

static inline bool bd_word_is(struct bd_str word, const char *text)
{
    return bd_str_eq(word, bd_str_from(text));
}

#endif
