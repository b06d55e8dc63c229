/* SPDX-License-Identifier: BSD-3-Clause */
#include "twins.h"

#include "check.h"
#include "parse.h"

static void same_slice(struct bd_str a, struct bd_str b)
{
    if (a.p != b.p || (a.p && a.len != b.len))
        fail_msg("'%.*s' and '%.*s'", BD_STR_ARG(a), BD_STR_ARG(b));
}

static void same_uri(const struct bd_uri *a, const struct bd_uri *b)
{
    const struct bd_str x[] = {a->text, a->scheme_text, a->user,   a->password,
                               a->host, a->params,      a->headers};
    const struct bd_str y[] = {b->text, b->scheme_text, b->user,   b->password,
                               b->host, b->params,      b->headers};
    for (size_t i = 0; i < ROWS(x); i++)
        same_slice(x[i], y[i]);
    assert_int_equal(a->scheme, b->scheme);
    assert_int_equal(a->host_type, b->host_type);
    assert_memory_equal(&a->ip, &b->ip, sizeof(a->ip));
    assert_int_equal(a->port, b->port);
    assert_int_equal(a->bnc, b->bnc);
}

static void same_address(const struct bd_name_addr *a, const struct bd_name_addr *b)
{
    same_uri(&a->uri, &b->uri);
    same_slice(a->display, b->display);
    same_slice(a->params, b->params);
    same_slice(a->text, b->text);
}

static void same_contact(const struct bd_contact *x, const struct bd_contact *y)
{
    assert_int_equal(x->star, y->star);
    same_address(&x->addr, &y->addr);
    same_slice(x->instance, y->instance);
    assert_int_equal(x->has_expires, y->has_expires);
    assert_int_equal(x->expires_s, y->expires_s);
    assert_int_equal(x->has_q, y->has_q);
    assert_int_equal(x->q_milli, y->q_milli);
    assert_int_equal(x->reg_id, y->reg_id);
}

static void same_element(const struct bd_scan *scan, struct bd_str element)
{
    struct bd_contact with, without;
    bool valid = bd_contact_read(NULL, element, &without);
    assert_int_equal(bd_contact_read(scan, element, &with), valid);
    if (valid)
        same_contact(&with, &without);
}

static void same_contacts(const struct bd_scan *scan, const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT);
    struct bd_str element;
    while (bd_list_next(&list, &element))
        same_element(scan, element);
}

/* What was read in one go, against its element cut out first and read then, without marks. False
 * when that is malformed or not there. */
static bool first_element(const struct bd_header *h, const char **stop, struct bd_str *element)
{
    *stop = h ? bd_element_end(NULL, h->value.p, bd_str_end(h->value)) : NULL;
    *element = *stop ? bd_trim(h->value.p, *stop) : BD_STR_NULL;
    return element->len > 0;
}

/* All Contacts of a message. */
static void same_contact_lists(const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT), cut = list;
    struct bd_contact contact = {0}, expected = {0};
    struct bd_str element;
    bool more = true;
    while (more) {
        bool valid = bd_list_next(&cut, &element) && bd_contact_read(NULL, element, &expected);
        more = bd_contact_next(&list, &contact);
        assert_int_equal(more, valid);
        if (more)
            same_contact(&contact, &expected);
    }
}

static void same_first_via(const struct bd_message *m)
{
    struct bd_str element;
    struct bd_via via = {0};
    const char *stop;
    if (first_element(bd_header_first(m, BD_HDR_VIA), &stop, &element))
        bd_via_read(NULL, element, &via);
    same_slice(m->via.text, via.text);
    same_slice(m->via.host, via.host);
    same_slice(m->via.params, via.params);
    same_slice(m->via.branch, via.branch);
    same_slice(m->via.maddr, via.maddr);
    assert_ptr_equal(m->via.rport_end, via.rport_end);
    assert_int_equal(m->via.port, via.port);
    assert_int_equal(m->via.rport, via.rport);
    assert_int_equal(m->via.keep, via.keep);
    assert_int_equal(m->via.plain, via.plain);
}

static void same_headers(const struct bd_message *a, const struct bd_message *b)
{
    assert_int_equal(a->header_cnt, b->header_cnt);
    assert_memory_equal(a->first, b->first, sizeof(a->first));
    for (int i = 0; i < a->header_cnt; i++) {
        same_slice(a->header[i].name, b->header[i].name);
        same_slice(a->header[i].value, b->header[i].value);
        assert_int_equal(a->header[i].id, b->header[i].id);
        assert_int_equal(a->header[i].next, b->header[i].next);
    }
}

static void same_fields(const struct bd_message *a, const struct bd_message *b)
{
    const struct bd_str x[] = {a->method_text, a->via.text,   a->via.transport, a->via.host,
                               a->via.params,  a->via.branch, a->via.maddr,     a->from_tag,
                               a->to_tag,      a->call_id,    a->cseq_method,   a->body};
    const struct bd_str y[] = {b->method_text, b->via.text,   b->via.transport, b->via.host,
                               b->via.params,  b->via.branch, b->via.maddr,     b->from_tag,
                               b->to_tag,      b->call_id,    b->cseq_method,   b->body};
    for (size_t i = 0; i < ROWS(x); i++)
        same_slice(x[i], y[i]);
    assert_int_equal(a->via.port, b->via.port);
    assert_int_equal(a->via.rport, b->via.rport);
    assert_int_equal(a->via.keep, b->via.keep);
    assert_int_equal(a->cseq, b->cseq);
    assert_int_equal(a->has_expires, b->has_expires);
    assert_int_equal(a->expires_s, b->expires_s);
    assert_int_equal(a->max_forwards, b->max_forwards);
    assert_int_equal(a->method, b->method);
    assert_int_equal(a->status, b->status);
    assert_ptr_equal(a->reason, b->reason);
}

void twins_same_message(struct bd_str text)
{
    static struct bd_message with, without;
    static struct bd_scan_room room;
    const struct bd_scan *scan = bd_scan_of(&room, text.p);
    bd_mark(&room.marks, text.p, text.len);
    enum bd_verdict verdict = bd_message_read(NULL, &without, text.p, text.len);
    assert_int_equal(bd_message_read(scan, &with, text.p, text.len), verdict);
    same_headers(&with, &without);
    same_fields(&with, &without);
    same_uri(&with.request_uri, &without.request_uri);
    same_address(&with.from, &without.from);
    same_address(&with.to, &without.to);
    same_contacts(scan, &without);
    if (with.header_cnt > 0) {
        same_contact_lists(&with);
        same_first_via(&with);
    }
}

static void same_copy(struct bd_str s, bool lower)
{
    static char fast[BD_SIP_MESSAGE_MAX], slow[BD_SIP_MESSAGE_MAX];
    memset(fast, 0x55, s.len);
    memset(slow, 0x55, s.len);
    assert_int_equal(bd_copy_plain(fast, s, lower), bd_copy_plain_scalar(slow, s, lower));
    assert_memory_equal(fast, slow, s.len);
}

static void same_ipv6(struct bd_str s)
{
    uint8_t fast[16] = {0}, slow[16] = {0};
    bool address = bd_ipv6_scalar(s, slow);
    if (bd_ipv6(s, fast) != address)
        fail_msg("'%.*s' is %s", BD_STR_ARG(s), address ? "an address" : "none");
    if (address)
        assert_memory_equal(fast, slow, sizeof(fast));
}

void twins_same_word(struct bd_str s)
{
    uint32_t fast = 1, slow = 1, fast_ip = 1, slow_ip = 1;
    bool number = bd_number_scalar(s, &slow), address = bd_ipv4_scalar(s, &slow_ip);
    assert_int_equal(bd_number(s, &fast), number);
    assert_int_equal(bd_ipv4(s, &fast_ip), address);
    if (number)
        assert_int_equal(fast, slow);
    if (address)
        assert_int_equal(fast_ip, slow_ip);
    assert_int_equal(bd_hostname(s), bd_hostname_scalar(s));
    same_ipv6(s);
    assert_int_equal(bd_word(s), bd_word_scalar(s));
    same_copy(s, true);
    same_copy(s, false);
}
