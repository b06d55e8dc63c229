/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"
#include "scan.h"

/* Cuts s behind the first apostrophe; *part is what stood before it. False when there is none. */
static bool cut(struct bd_str *s, struct bd_str *part)
{
    const char *mark = s->len ? memchr(s->p, '\'', s->len) : NULL;
    if (!mark)
        return false;
    *part = bd_slice(s->p, mark);
    *s = bd_slice(mark + 1, bd_str_end(*s));
    return true;
}

/* attr-char = ALPHA / DIGIT / one of these. */
static bool is_attr_char(char c)
{
    static const char marks[] = "!#$&+-.^_`|~";
    return bd_is(c, BD_C_ALPHA | BD_C_DIGIT) || memchr(marks, c, sizeof(marks) - 1) != NULL;
}

struct sink {
    char *p, *end;
    bool latin1;
};

static bool put(struct sink *sink, unsigned byte)
{
    bool two = sink->latin1 && byte >= 0x80;
    if (sink->end - sink->p < 1 + two)
        return false;
    if (two)
        *sink->p++ = (char)(0xc0 | byte >> 6);
    *sink->p++ = (char)(two ? 0x80 | (byte & 0x3f) : byte);
    return true;
}

/* value-chars = *( pct-encoded / attr-char ) */
static bool put_chars(struct sink *sink, struct bd_str s)
{
    const char *p = s.p, *end = bd_str_end(s);
    while (p < end) {
        unsigned byte = (uint8_t)*p;
        uint32_t used = 1;
        if (*p == '%') {
            if (end - p < 3 || !bd_is(p[1], BD_C_HEX) || !bd_is(p[2], BD_C_HEX))
                return false;
            byte = bd_hex_value(p[1]) << 4 | bd_hex_value(p[2]);
            used = 3;
        } else if (!is_attr_char(*p)) {
            return false;
        }
        if (!put(sink, byte))
            return false;
        p += used;
    }
    return true;
}

uint32_t bd_ext_value_decode(struct bd_str s, char *out, uint32_t cap)
{
    struct bd_str charset, language;
    struct sink sink = {.p = out, .end = out + cap};
    if (!cut(&s, &charset) || !cut(&s, &language))
        return UINT32_MAX;
    sink.latin1 = bd_str_eq_nocase(charset, BD_STR("ISO-8859-1"));
    if (!sink.latin1 && !bd_str_eq_nocase(charset, BD_STR("UTF-8")))
        return UINT32_MAX;
    return put_chars(&sink, s) ? (uint32_t)(sink.p - out) : UINT32_MAX;
}
