/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Unescapes the quoted word whose first byte is *p (after the quote) in place; sets *p after the
 * closing quote. */
static bool take_quoted(char **p, char *end, struct bd_str *word)
{
    char *in = *p, *out = *p;
    while (in < end && *in != '"') {
        if (*in == '\\' && end - in >= 2)
            in++;
        *out++ = *in++;
    }
    *word = (struct bd_str){*p, (uint32_t)(out - *p)};
    if (in == end)
        return false;
    *p = in + 1;
    return true;
}

static void take_plain(char **p, char *end, struct bd_str *word)
{
    char *start = *p;
    while (*p < end && !is_blank(**p))
        (*p)++;
    *word = (struct bd_str){start, (uint32_t)(*p - start)};
}

static bool has_control_character(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

bool bd_words_split(char *line, size_t len, struct bd_words *words, const char **why)
{
    words->cnt = 0;
    *why = "the line holds a control character";
    if (has_control_character(line, len))
        return false;
    char *p = line, *end = line + len;
    while (true) {
        while (p < end && is_blank(*p))
            p++;
        if (p == end)
            return true;
        *why = "too many words";
        if (words->cnt == BD_WORDS_MAX)
            return false;
        struct bd_str *word = &words->word[words->cnt++];
        if (*p != '"') {
            take_plain(&p, end, word);
            continue;
        }
        p++;
        *why = "a quotation mark is left open";
        if (!take_quoted(&p, end, word))
            return false;
    }
}

void bd_words_quote(struct evbuffer *line, struct bd_str word)
{
    bool plain = word.len > 0;
    for (uint32_t i = 0; i < word.len; i++)
        plain = plain && !is_blank(word.p[i]) && word.p[i] != '"';
    if (plain) {
        evbuffer_add(line, word.p, word.len);
        return;
    }
    evbuffer_add(line, "\"", 1);
    for (uint32_t i = 0; i < word.len; i++) {
        if (word.p[i] == '"' || word.p[i] == '\\')
            evbuffer_add(line, "\\", 1);
        evbuffer_add(line, word.p + i, 1);
    }
    evbuffer_add(line, "\"", 1);
}
