/* SPDX-License-Identifier: BSD-3-Clause */
#include "worst_change.h"

#include <string.h>

unsigned worst_roll(unsigned n)
{
    static uint64_t rng = 7; /* splitmix64 */
    rng += 0x9e3779b97f4a7c15ULL;
    uint64_t z = rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return n ? (unsigned)((z ^ (z >> 31)) % n) : 0;
}

static void insert(struct text *t, uint32_t max, uint32_t at, const char *p, uint32_t n)
{
    if (t->len > max || n > max - t->len || at > t->len)
        return;
    memmove(t->p + at + n, t->p + at, t->len - at);
    memcpy(t->p + at, p, n);
    t->len += n;
}

/* Puts a slice of a message in, once or as often as there is room. */
static void repeat(struct text *t, uint32_t max, const struct text *from)
{
    char slice[512];
    uint32_t begin = worst_roll(from->len), n = 1 + worst_roll(worst_roll(4) ? 40 : sizeof(slice)),
             at = worst_roll(t->len);
    unsigned times = worst_roll(3) == 0 ? 1 : worst_roll(4) == 0 ? 10000 : 1 + worst_roll(40);
    n = n < from->len - begin ? n : from->len - begin;
    memcpy(slice, from->p + begin, n);
    while (times-- > 0 && n <= max - t->len)
        insert(t, max, at, slice, n);
}

/* A whole line, again and again: lists of header fields. */
static void repeat_line(struct text *t, uint32_t max)
{
    uint32_t from = worst_roll(t->len);
    char *begin = memchr(t->p + from, '\n', t->len - from), *end;
    if (!begin || ++begin >= t->p + t->len ||
        !(end = memchr(begin, '\n', (size_t)(t->p + t->len - begin))))
        return;
    char line[1024];
    uint32_t n = (uint32_t)(end + 1 - begin), at = (uint32_t)(begin - t->p);
    if (n > sizeof(line))
        return;
    memcpy(line, begin, n);
    for (unsigned times = 1 + worst_roll(90); times > 0; times--)
        insert(t, max, at, line, n);
}

static void word(struct text *t, uint32_t max)
{
    static const char *const words[] = {",",
                                        ";",
                                        "\"",
                                        "\\",
                                        "<",
                                        ">",
                                        "%41",
                                        "\r\n ",
                                        ";a=b",
                                        ";a",
                                        "@",
                                        "[::1]",
                                        ":",
                                        "?a=b&c=d",
                                        "=",
                                        ";lr",
                                        ";q=0.1",
                                        "sip:",
                                        ".",
                                        " ",
                                        "1",
                                        "*",
                                        ",<sip:a@b>",
                                        "\"\"",
                                        "&",
                                        "a.",
                                        ";+sip.instance=\"<urn:x>\"",
                                        "Contact: <sip:a@b>\r\n",
                                        "m: <sip:a@b>\r\n",
                                        "Via: SIP/2.0/UDP a\r\n"};
    const char *w = words[worst_roll(sizeof(words) / sizeof(words[0]))];
    uint32_t at = worst_roll(t->len);
    for (unsigned times = worst_roll(2) ? 1 : 1 + worst_roll(60); times > 0; times--)
        insert(t, max, at, w, (uint32_t)strlen(w));
}

static void cut(struct text *t)
{
    uint32_t at = worst_roll(t->len), n = 1 + worst_roll(worst_roll(3) ? 30 : 400);
    n = n < t->len - at ? n : t->len - at;
    if (n >= t->len)
        return;
    memmove(t->p + at, t->p + at + n, t->len - at - n);
    t->len -= n;
}

void worst_change(struct text *t, uint32_t max, const struct text *other)
{
    for (unsigned times = 1 + worst_roll(3); times > 0 && t->len > 0; times--) {
        switch (worst_roll(8)) {
        case 0:
            t->p[worst_roll(t->len)] = (char)worst_roll(256);
            break;
        case 1:
        case 2:
            cut(t);
            break;
        case 3:
            word(t, max);
            break;
        case 4:
            repeat_line(t, max);
            break;
        case 5:
            repeat(t, max, other);
            break;
        default:
            repeat(t, max, t);
        }
    }
}
