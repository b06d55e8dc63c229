/* SPDX-License-Identifier: BSD-3-Clause */
#include "reginfo.h"

#include "record.h"
#include "scan.h"

static const char tail[] = "</registration>\n</reginfo>\n";

static void put(struct bd_wire *w, const char *text)
{
    bd_wire_put(w, bd_str_from(text));
}

/* Bytes of the well-formed sequence (RFC 3629 4) of an XML 1.0 Char at p, 0 when there is none. */
static uint32_t utf8_len(const unsigned char *p, uint32_t left)
{
    if (p[0] < 0x80)
        return (p[0] >= 0x20 && p[0] != 0x7f) || p[0] == '\t' ? 1 : 0;
    uint32_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > left)
        return 0;
    uint32_t code = p[0] & (0x7fU >> len);
    for (uint32_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    bool noncharacter = code == 0xfffe || code == 0xffff;
    return code >= least[len] && code <= 0x10ffff && !surrogate && !noncharacter ? len : 0;
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\t':
        return "&#9;"; /* would become a space in an attribute */
    default:
        return NULL;
    }
}

/* Text for content and attributes alike. */
static void put_text(struct bd_wire *w, struct bd_str s)
{
    for (uint32_t i = 0; i < s.len;) {
        uint32_t len = utf8_len((const unsigned char *)s.p + i, s.len - i);
        const char *name = entity(s.p[i]);
        if (len == 0)
            put(w, "\xef\xbf\xbd");
        else if (name)
            put(w, name);
        else
            bd_wire_put(w, (struct bd_str){s.p + i, len});
        i += len ? len : 1;
    }
}

static void put_attribute(struct bd_wire *w, const char *name, struct bd_str value)
{
    bd_wire_char(w, ' ');
    put(w, name);
    put(w, "=\"");
    put_text(w, value);
    bd_wire_char(w, '"');
}

static void put_number(struct bd_wire *w, const char *name, uint32_t value)
{
    char text[10];
    struct bd_wire n = bd_wire_init(text, sizeof(text));
    bd_wire_u32(&n, value);
    put_attribute(w, name, (struct bd_str){text, bd_wire_len(&n)});
}

static void put_id(struct bd_wire *w, uint64_t id)
{
    char text[2 * sizeof(id)];
    struct bd_wire n = bd_wire_init(text, sizeof(text));
    bd_wire_hex(&n, &id, sizeof(id));
    put_attribute(w, "id", (struct bd_str){text, sizeof(text)});
}

/* A canonical AoR is decoded; in a URI, what its user part may not hold has to be escaped again. */
static void put_aor(struct bd_wire *w, struct bd_str aor)
{
    char text[4 + 3 * BD_AOR_MAX];
    struct bd_wire uri = bd_wire_init(text, sizeof(text));
    put(&uri, "sip:");
    const char *at = memrchr(aor.p, '@', aor.len);
    for (const char *p = aor.p; p < aor.p + aor.len; p++) {
        static const char digits[] = "0123456789ABCDEF";
        bool plain = !at || p >= at || *p == '%' || (bd_is(*p, BD_C_USER) && *p != '@');
        bd_wire_char(&uri, plain ? *p : '%');
        if (!plain) {
            bd_wire_char(&uri, digits[(uint8_t)*p >> 4]);
            bd_wire_char(&uri, digits[(uint8_t)*p & 15]);
        }
    }
    put_attribute(w, "aor", (struct bd_str){text, bd_wire_len(&uri)});
}

void bd_reginfo_begin(struct bd_reginfo *r, char *buf, uint32_t cap,
                      const struct bd_reginfo_head *head)
{
    struct bd_wire *w = &r->wire;
    *w = bd_wire_init(buf, cap);
    r->end = w->end;
    w->end -= sizeof(tail) - 1;
    put(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\"");
    put_number(w, "version", head->version);
    put_attribute(w, "state", head->full ? BD_STR("full") : BD_STR("partial"));
    put(w, ">\n<registration");
    put_aor(w, head->aor);
    put_id(w, head->id);
    put_attribute(w, "state", bd_str_from(head->state));
    put(w, ">\n");
}

void bd_reginfo_narrow(struct bd_reginfo *r, uint32_t len)
{
    uint32_t least = bd_wire_len(&r->wire) + (uint32_t)sizeof(tail) - 1;
    char *end = r->wire.begin + (len > least ? len : least);
    if (end < r->end) {
        r->end = end;
        r->wire.end = end - (sizeof(tail) - 1);
    }
}

static void put_attributes(struct bd_wire *w, const struct bd_reginfo_contact *c)
{
    put_id(w, c->id);
    put_attribute(w, "state", c->active ? BD_STR("active") : BD_STR("terminated"));
    put_attribute(w, "event", bd_str_from(c->event));
    put_number(w, "duration-registered", c->duration_s);
    if (c->active)
        put_number(w, "expires", c->expires_s);
    if (c->q_milli != BD_Q_NONE) {
        char text[8];
        struct bd_wire q = bd_wire_init(text, sizeof(text));
        bd_wire_q(&q, c->q_milli);
        put_attribute(w, "q", (struct bd_str){text, bd_wire_len(&q)});
    }
    if (c->call_id.len) {
        put_attribute(w, "callid", c->call_id);
        put_number(w, "cseq", c->cseq);
    }
}

/* 5.1: contact parameters that RFC 3261 does not name. Quotes stay, as in RFC 5628 7. */
static void put_params(struct bd_wire *w, struct bd_str params)
{
    struct bd_str cursor = params, name, value;
    bool bad = false;
    while (bd_param_next(&cursor, &name, &value, &bad)) {
        put(w, "<unknown-param");
        put_attribute(w, "name", name);
        bd_wire_char(w, '>');
        put_text(w, value);
        put(w, "</unknown-param>\n");
    }
}

#define GRUU_NAMESPACE "xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\""

static void put_gruus(struct bd_wire *w, const struct bd_reginfo_contact *c)
{
    if (c->pub_gruu.len) {
        put(w, "<gr:pub-gruu " GRUU_NAMESPACE);
        put_attribute(w, "uri", c->pub_gruu);
        put(w, "/>\n");
    }
    if (c->temp_gruu.len) {
        put(w, "<gr:temp-gruu " GRUU_NAMESPACE);
        put_attribute(w, "uri", c->temp_gruu);
        put_number(w, "first-cseq", c->temp_gruu_first_cseq);
        put(w, "/>\n");
    }
}

bool bd_reginfo_contact(struct bd_reginfo *r, const struct bd_reginfo_contact *c)
{
    struct bd_wire *w = &r->wire;
    const struct bd_wire before = *w;
    put(w, "<contact");
    put_attributes(w, c);
    put(w, ">\n<uri>");
    put_text(w, c->uri);
    put(w, "</uri>\n");
    put_params(w, c->params);
    put_gruus(w, c);
    put(w, "</contact>\n");
    if (!w->overflow)
        return true;
    *w = before;
    return false;
}

uint32_t bd_reginfo_end(struct bd_reginfo *r)
{
    r->wire.end = r->end;
    put(&r->wire, tail);
    return bd_wire_len(&r->wire);
}
