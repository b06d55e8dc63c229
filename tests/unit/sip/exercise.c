/* SPDX-License-Identifier: BSD-3-Clause */
#include "exercise.h"

#include "check.h"
#include "wire.h"

/* What the walks over one datagram share. */
struct walk {
    const struct bd_message *m;
    struct bd_uri first_contact;
    bool has_contact;
};

static void inside(const struct walk *walk, struct bd_str s)
{
    struct bd_str all = walk->m->text;
    if (s.p && (s.p < all.p || s.len > all.len || s.p + s.len > all.p + all.len))
        fail_msg("a slice lies outside the datagram");
}

static void uri(const struct walk *walk, const struct bd_uri *u)
{
    char key[BD_AOR_MAX];
    struct bd_str cursor = u->params, name, value;
    bool bad = false;
    inside(walk, u->text);
    inside(walk, u->user);
    inside(walk, u->password);
    inside(walk, u->host);
    inside(walk, u->headers);
    while (bd_param_next(&cursor, &name, &value, &bad)) {
        inside(walk, name);
        inside(walk, value);
    }
    if (u->text.p && !bd_uri_equal(u, u))
        fail_msg("%.*s does not equal itself", BD_STR_ARG(u->text));
    uint32_t len = bd_aor_canonical(u, BD_STR_NULL, false, key, sizeof(key));
    if (len > sizeof(key) || memchr(key, 0, len))
        fail_msg("the AoR has a NUL or is too long");
    bd_aor_canonical(u, BD_STR("example.com"), true, key, sizeof(key));
}

static void name_addr(const struct walk *walk, const struct bd_name_addr *na)
{
    struct bd_str cursor = na->params, name, value;
    bool bad = false;
    inside(walk, na->display);
    inside(walk, na->params);
    inside(walk, na->text);
    uri(walk, &na->uri);
    while (bd_param_next(&cursor, &name, &value, &bad)) {
        inside(walk, name);
        inside(walk, value);
    }
    if (bad)
        fail_msg("parameters that parsed do not walk");
}

static void contact(struct walk *walk, struct bd_str element)
{
    struct bd_contact c;
    if (!bd_contact_parse(element, &c) || c.star)
        return;
    name_addr(walk, &c.addr);
    inside(walk, c.instance);
    if (c.q_milli > 1000)
        fail_msg("q is %u", c.q_milli);
    if (walk->has_contact && bd_uri_equal(&walk->first_contact, &c.addr.uri) !=
                                 bd_uri_equal(&c.addr.uri, &walk->first_contact))
        fail_msg("equality is not symmetric");
    walk->first_contact = c.addr.uri;
    walk->has_contact = true;
}

static void lists(struct walk *walk)
{
    for (int id = 0; id < BD_HDR_CNT; id++) {
        struct bd_list list = bd_list_begin(walk->m, (enum bd_header_id)id);
        struct bd_str element;
        struct bd_name_addr na;
        while (bd_list_next(&list, &element)) {
            inside(walk, element);
            if (id == BD_HDR_CONTACT)
                contact(walk, element);
            else if (bd_name_addr_parse(element, &na))
                name_addr(walk, &na);
        }
    }
}

static void credentials(const struct walk *walk)
{
    static char out[BD_SIP_MESSAGE_MAX];
    for (const struct bd_header *h = bd_header_first(walk->m, BD_HDR_AUTHORIZATION); h;
         h = bd_header_next(walk->m, h)) {
        struct bd_credentials c;
        if (bd_credentials_parse(h->value, &c) != BD_CREDENTIALS_OK)
            continue;
        struct bd_str texts[] = {c.username, c.realm,  c.nonce,  c.uri,
                                 c.response, c.cnonce, c.opaque, c.nc_text};
        for (size_t i = 0; i < ROWS(texts); i++) {
            inside(walk, texts[i]);
            bd_unquote(texts[i], out, sizeof(out));
        }
    }
}

static void headers(const struct walk *walk)
{
    for (int i = 0; i < walk->m->header_cnt; i++) {
        inside(walk, walk->m->header[i].name);
        inside(walk, walk->m->header[i].value);
    }
    inside(walk, walk->m->body);
    inside(walk, walk->m->method_text);
    inside(walk, walk->m->call_id);
    inside(walk, walk->m->from_tag);
    inside(walk, walk->m->to_tag);
    inside(walk, walk->m->cseq_method);
    inside(walk, walk->m->via.text);
    inside(walk, walk->m->via.branch);
    inside(walk, walk->m->via.maddr);
}

/* The reply to whatever may be replied to; to a good request it must be a good response. */
static void reply(const struct walk *walk, enum bd_verdict verdict)
{
    static char out[BD_SIP_REPLY_MAX];
    static struct bd_message back;
    const struct bd_message *m = walk->m;
    struct bd_endpoint source = {.port = 40000};
    bd_ip_parse(BD_STR("198.18.0.2"), &source.ip);
    bd_reply_destination(m, &source, true);
    struct bd_wire w = bd_wire_init(out, sizeof(out));
    bd_reply_begin(&w, m, 200, bd_reason(200), BD_STR("a1b2"), &source);
    bd_reply_end(&w);
    if (verdict != BD_VERDICT_NONE || w.overflow || !m->is_request)
        return;
    enum bd_verdict again = bd_message_parse(&back, out, bd_wire_len(&w));
    if (again != BD_VERDICT_NONE || back.is_request || back.status != 200 ||
        !bd_str_eq(back.call_id, m->call_id) || back.cseq != m->cseq ||
        !bd_str_eq(back.via.branch, m->via.branch) || !back.to_tag.p)
        fail_msg("bad reply (%s): %.*s", back.reason ? back.reason : "fields differ",
                 (int)bd_wire_len(&w), out);
}

enum bd_verdict exercise(const char *buf, uint32_t len)
{
    /* Not initialised, as the worker's is not: 0xa5 stands for what was there before. */
    static struct bd_message m;
    memset(&m, 0xa5, sizeof(m));
    enum bd_verdict verdict = bd_message_parse(&m, buf, len);
    if ((verdict != BD_VERDICT_NONE) != (m.reason != NULL))
        fail_msg("verdict %d without its reason", verdict);
    struct walk walk = {.m = &m};
    headers(&walk);
    uri(&walk, &m.request_uri);
    name_addr(&walk, &m.from);
    name_addr(&walk, &m.to);
    lists(&walk);
    credentials(&walk);
    if (verdict == BD_VERDICT_NONE || (verdict < BD_VERDICT_CNT && bd_verdict_info[verdict].status))
        reply(&walk, verdict);
    return verdict;
}
