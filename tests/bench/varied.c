/* SPDX-License-Identifier: BSD-3-Clause */
#include "varied.h"

#include "message.h"

#include "../xorshift.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

/* A place of a message and what comes there instead. */
struct edit {
    struct bd_str at;
    char text[64];
};

struct edits {
    struct edit edit[32];
    unsigned cnt;
    uint64_t random;
};

static unsigned draw(struct edits *edits, unsigned below)
{
    return (unsigned)(xorshift64(&edits->random) >> 33) % below;
}

static struct edit *edit_new(struct edits *edits, struct bd_str at)
{
    static struct edit nowhere;
    if (!at.p || edits->cnt == sizeof(edits->edit) / sizeof(edits->edit[0]))
        return &nowhere;
    struct edit *edit = &edits->edit[edits->cnt++];
    edit->at = at;
    return edit;
}

/* Characters of a token behind the first `keep` of what was there; about as many. */
static void edit_token(struct edits *edits, struct bd_str at, unsigned keep)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz-.";
    struct edit *edit = edit_new(edits, at);
    unsigned len = 0;
    unsigned want = (at.len > 40 ? 40 : at.len) + draw(edits, 5);
    for (; len < want; len++)
        edit->text[len] = len < keep ? at.p[len] : alphabet[draw(edits, sizeof(alphabet) - 1)];
    edit->text[len] = 0;
}

static void edit_string(struct edits *edits, struct bd_str at, const char *text)
{
    snprintf(edit_new(edits, at)->text, sizeof(edits->edit[0].text), "%s", text);
}

static void edit_port(struct edits *edits, struct bd_str host, uint16_t port)
{
    char was[8], text[8];
    uint32_t len = (uint32_t)snprintf(was, sizeof(was), ":%u", port);
    snprintf(text, sizeof(text), ":%u", 1024 + draw(edits, 64000));
    if (port && memcmp(host.p + host.len, was, len) == 0)
        edit_string(edits, (struct bd_str){host.p + host.len, len}, text);
}

/* Who registers and from where. */
static void edit_addresses(struct edits *edits, const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT);
    struct bd_str element;
    struct bd_contact c;
    char user[16], host[32];
    snprintf(user, sizeof(user), "%u", draw(edits, draw(edits, 2) ? 10000 : 1000000000));
    snprintf(host, sizeof(host), "%u.%u.%u.%u", 1 + draw(edits, 223), draw(edits, 256),
             draw(edits, 256), draw(edits, 256));
    edit_string(edits, m->from.uri.user, user);
    edit_string(edits, m->to.uri.user, user);
    edit_port(edits, m->via.host, m->via.port);
    if (m->via.host.len > 0 && m->via.host.p[0] >= '1' && m->via.host.p[0] <= '9')
        edit_string(edits, m->via.host, host);
    while (bd_list_next(&list, &element)) {
        if (!bd_contact_parse(element, &c) || c.star)
            continue;
        edit_string(edits, c.addr.uri.user, user);
        edit_port(edits, c.addr.uri.host, c.addr.uri.port);
        if (c.addr.uri.host_type == BD_HOST_IPV4)
            edit_string(edits, c.addr.uri.host, host);
    }
}

static void edit_identifiers(struct edits *edits, const struct bd_message *m)
{
    const struct bd_header *cseq = bd_header_first(m, BD_HDR_CSEQ);
    uint32_t cseq_len = 0;
    char number[16];
    while (cseq->value.p[cseq_len] >= '0' && cseq->value.p[cseq_len] <= '9')
        cseq_len++;
    edit_token(edits, m->via.branch, 7);
    edit_token(edits, m->from_tag, 0);
    edit_token(edits, m->call_id, 0);
    snprintf(number, sizeof(number), "%u", draw(edits, draw(edits, 2) ? 100 : 1000000));
    edit_string(edits, (struct bd_str){cseq->value.p, cseq_len}, number);
}

static int by_place(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    return x->at.p < y->at.p ? -1 : x->at.p > y->at.p;
}

static uint32_t edits_write(struct edits *edits, struct bd_str text, char *out)
{
    char *to = out;
    const char *from = text.p;
    qsort(edits->edit, edits->cnt, sizeof(edits->edit[0]), by_place);
    for (unsigned i = 0; i < edits->cnt; i++) {
        const struct edit *edit = &edits->edit[i];
        to = mempcpy(to, from, (size_t)(edit->at.p - from));
        to = stpcpy(to, edit->text);
        from = edit->at.p + edit->at.len;
    }
    to = mempcpy(to, from, (size_t)(text.p + text.len - from));
    return (uint32_t)(to - out);
}

void varied_fill(struct varied *varied, const struct corpus *corpus, uint32_t min, uint32_t max,
                 uint64_t seed)
{
    static struct bd_message m;
    struct edits edits = {.random = seed};
    unsigned tries = 0;
    for (varied->cnt = 0; varied->cnt < VARIED_CNT;) {
        struct bd_str text = corpus->file[draw(&edits, corpus->cnt)].text;
        if (++tries > 1000 * VARIED_CNT)
            errx(1, "the corpus has no message of %u to %u bytes", min, max);
        if (text.len < min || text.len > max)
            continue;
        edits.cnt = 0;
        char *out = varied->text[varied->cnt];
        if (bd_message_parse(&m, text.p, text.len) != BD_VERDICT_NONE)
            errx(1, "the corpus has a message that does not parse");
        edit_addresses(&edits, &m);
        edit_identifiers(&edits, &m);
        uint32_t len = edits_write(&edits, text, out);
        if (bd_message_parse(&m, out, len) != BD_VERDICT_NONE)
            errx(1, "%s in:\n%.*s", m.reason, (int)len, out);
        varied->len[varied->cnt++] = len;
    }
}
