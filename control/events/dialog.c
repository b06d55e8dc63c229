/* SPDX-License-Identifier: BSD-3-Clause */
#include "dialog.h"

#include "scan.h"

enum { SIP_PORT = 5060 };

/* --- reading ---------------------------------------------------------------------------------- */

static bool keep(struct bd_dialog *d, struct bd_str s, struct bd_str *kept)
{
    if (s.len > sizeof(d->text) - d->text_len)
        return false;
    *kept = (struct bd_str){d->text + d->text_len, s.len};
    if (s.len)
        memcpy(d->text + d->text_len, s.p, s.len);
    d->text_len += s.len;
    return true;
}

static struct bd_str event_of(const struct bd_message *m)
{
    const struct bd_header *h = bd_header_first(m, BD_HDR_EVENT);
    return h ? h->value : BD_STR_NULL;
}

/* Cuts an Event into its type and its id, which is NULL when there is none. */
static struct bd_str event_type(struct bd_str event, struct bd_str *id)
{
    uint32_t len = 0;
    while (len < event.len && !strchr("; \t\r\n", event.p[len]))
        len++;
    const char *semicolon = event.len ? memchr(event.p, ';', event.len) : NULL;
    struct bd_str params = BD_STR_NULL;
    if (semicolon)
        params = bd_slice(semicolon + 1, bd_str_end(event));
    if (!bd_param_find(params, BD_STR("id"), id))
        *id = BD_STR_NULL;
    return (struct bd_str){event.p, len};
}

bool bd_dialog_has_event(const struct bd_dialog *d, const struct bd_message *m)
{
    struct bd_str own, its;
    return bd_str_eq(event_type(d->event, &own), event_type(event_of(m), &its)) &&
           !own.p == !its.p && bd_str_eq(own, its);
}

/* A SUBSCRIBE has exactly one Contact (RFC 6665 8.2.1 with RFC 3261 12.1.2). */
static bool read_contact(const struct bd_message *m, struct bd_name_addr *contact)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_CONTACT);
    struct bd_str element, more;
    return bd_list_next(&list, &element) && !bd_list_next(&list, &more) && !list.bad &&
           bd_name_addr_parse(element, contact) &&
           (contact->uri.scheme == BD_URI_SIP || contact->uri.scheme == BD_URI_SIPS) &&
           contact->uri.text.len <= BD_CONTACT_URI_MAX;
}

/* 12.1.1: the route set is the Record-Route in order. */
static unsigned read_route(struct bd_dialog *d, const struct bd_message *m)
{
    struct bd_list list = bd_list_begin(m, BD_HDR_RECORD_ROUTE);
    struct bd_str element, kept;
    struct bd_name_addr route;
    uint32_t begin = d->text_len;
    d->first_route_len = 0;
    while (bd_list_next(&list, &element)) {
        if (!bd_name_addr_parse(element, &route))
            return 400;
        if (d->text_len == begin)
            d->first_route_len = element.len;
        if ((d->text_len > begin && !keep(d, BD_STR(", "), &kept)) || !keep(d, element, &kept))
            return 513;
    }
    d->route = (struct bd_str){d->text + begin, d->text_len - begin};
    return list.bad ? 400 : 0;
}

/* A URI as a Request-URI may be: headers ("?") are not allowed in one (19.1.1). */
static struct bd_str for_request(const struct bd_uri *uri)
{
    uint32_t headers = uri->headers.p ? uri->headers.len + 1 : 0;
    return (struct bd_str){uri->text.p, uri->text.len - headers};
}

/* The first of the route set, and what follows it. False: the set is empty. */
static bool first_route(const struct bd_dialog *d, struct bd_name_addr *first, struct bd_str *rest)
{
    struct bd_str route = d->route, one = {route.p, d->first_route_len};
    *rest = BD_STR("");
    if (one.len < route.len) /* ", " */
        *rest = (struct bd_str){route.p + one.len + 2, route.len - one.len - 2};
    return bd_name_addr_parse(one, first);
}

static bool is_loose(const struct bd_name_addr *route)
{
    struct bd_str value;
    return bd_param_find(route->uri.params, BD_STR("lr"), &value);
}

/* A client that gives an address which it does not send from, with no proxy in between that would
 * have recorded its route, sits behind a NAT (RFC 3581 1). */
static bool behind_nat(const struct bd_dialog *d, const struct bd_message *m,
                       const struct bd_uri *target)
{
    struct bd_ip sent_by;
    return d->route.len == 0 && m->via.rport && bd_ip_parse(m->via.host, &sent_by) &&
           bd_ip_eq(&sent_by, &target->ip) && !bd_ip_eq(&sent_by, &d->way.peer.ip);
}

static void find_next_hop(struct bd_dialog *d, const struct bd_message *m,
                          const struct bd_uri *target)
{
    struct bd_name_addr first;
    struct bd_str rest;
    const struct bd_uri *uri = first_route(d, &first, &rest) ? &first.uri : target;
    d->next_hop = d->way.peer;
    if (uri->host_type == BD_HOST_NAME || behind_nat(d, m, uri) ||
        bd_ip_is_v4(&uri->ip) != bd_ip_is_v4(&d->way.local.ip))
        return;
    d->next_hop = (struct bd_endpoint){uri->ip, uri->port ? uri->port : SIP_PORT};
}

/* 12.1.1 of the 2xx, 8.1.1.8 of the NOTIFY: whether either must have a sips Contact. */
static bool asks_for_sips(const struct bd_dialog *d, const struct bd_message *m,
                          const struct bd_uri *target)
{
    struct bd_name_addr first;
    struct bd_str rest;
    return m->request_uri.scheme == BD_URI_SIPS || target->scheme == BD_URI_SIPS ||
           (first_route(d, &first, &rest) && first.uri.scheme == BD_URI_SIPS);
}

static void set_target(struct bd_dialog *d, const struct bd_message *m,
                       const struct bd_way_back *way, const struct bd_uri *target)
{
    struct bd_str text = for_request(target);
    d->way = *way;
    memcpy(d->target_text, text.p, text.len);
    d->target = (struct bd_str){d->target_text, text.len};
    d->remote_cseq = m->cseq;
    d->secure |= asks_for_sips(d, m, target);
    find_next_hop(d, m, target);
}

unsigned bd_dialog_open(struct bd_dialog *d, const struct bd_message *m,
                        const struct bd_way_back *way)
{
    struct bd_name_addr contact;
    if (!read_contact(m, &contact))
        return 400;
    d->text_len = 0;
    d->local_cseq = 0;
    d->secure = false;
    const struct bd_header *from = bd_header_first(m, BD_HDR_FROM);
    const struct bd_header *to = bd_header_first(m, BD_HDR_TO);
    if (!keep(d, m->call_id, &d->call_id) || !keep(d, from->value, &d->remote) ||
        !keep(d, to->value, &d->local) || !keep(d, event_of(m), &d->event))
        return 513;
    d->remote_tag = BD_STR_NULL;
    if (m->from_tag.p) /* a slice of From: the same place in the copy */
        d->remote_tag =
            (struct bd_str){d->remote.p + (m->from_tag.p - from->value.p), m->from_tag.len};
    unsigned status = read_route(d, m);
    if (status == 0)
        set_target(d, m, way, &contact.uri);
    return status;
}

unsigned bd_dialog_refresh(struct bd_dialog *d, const struct bd_message *m,
                           const struct bd_way_back *way)
{
    struct bd_name_addr contact;
    if (!read_contact(m, &contact))
        return 400;
    set_target(d, m, way, &contact.uri);
    return 0;
}

bool bd_dialog_has(const struct bd_dialog *d, const struct bd_message *m)
{
    return bd_str_eq(d->call_id, m->call_id) && bd_str_eq(d->remote_tag, m->from_tag) &&
           (!m->to_tag.p || bd_str_eq(m->to_tag, (struct bd_str){d->local_tag, BD_LOCAL_TAG_LEN}));
}

/* --- writing ---------------------------------------------------------------------------------- */

/* 12.1.1: where we want requests of the dialog: the address where the SUBSCRIBE arrived. */
static void put_contact(const struct bd_dialog *d, struct bd_wire *w)
{
    char text[BD_ENDPOINT_TEXT_MAX];
    uint32_t len = bd_endpoint_format(&d->way.local, text);
    bd_wire_put(w, d->secure ? BD_STR("Contact: <sips:") : BD_STR("Contact: <sip:"));
    bd_wire_put(w, (struct bd_str){text, len});
    bd_wire_put(w, BD_STR(">\r\n"));
}

static void put_u32(struct bd_wire *w, struct bd_str name, uint32_t value, struct bd_str after)
{
    bd_wire_put(w, name);
    bd_wire_put(w, BD_STR(": "));
    bd_wire_u32(w, value);
    bd_wire_put(w, after);
    bd_wire_put(w, BD_STR("\r\n"));
}

void bd_dialog_accept(const struct bd_dialog *d, struct bd_wire *w, const struct bd_message *m,
                      uint32_t expires_s, struct bd_str server)
{
    bd_reply_begin(w, m, 200, bd_reason(200), (struct bd_str){d->local_tag, BD_LOCAL_TAG_LEN},
                   &d->way.peer);
    const struct bd_header *h = bd_header_first(m, BD_HDR_RECORD_ROUTE);
    for (; h; h = bd_header_next(m, h)) /* 12.1.1: copied as they are */
        bd_reply_header(w, BD_STR("Record-Route"), h->value);
    put_contact(d, w);
    put_u32(w, BD_STR("Expires"), expires_s, BD_STR(""));
    bd_reply_header(w, BD_STR("Allow-Events"), BD_STR("reg"));
    if (server.len)
        bd_reply_header(w, BD_STR("Server"), server);
    bd_reply_end(w);
}

/* 12.2.1.1. A first route without lr is a strict router: it becomes the Request-URI, and the target
 * the last of the routes. */
static void put_request_line(const struct bd_dialog *d, struct bd_wire *w, struct bd_str branch)
{
    struct bd_name_addr first;
    struct bd_str rest;
    bool routed = first_route(d, &first, &rest), strict = routed && !is_loose(&first);
    char via[BD_ENDPOINT_TEXT_MAX];
    bd_wire_put(w, BD_STR("NOTIFY "));
    bd_wire_put(w, strict ? for_request(&first.uri) : d->target);
    bd_wire_put(w, BD_STR(" SIP/2.0\r\nVia: SIP/2.0/UDP "));
    bd_wire_put(w, (struct bd_str){via, bd_endpoint_format(&d->way.local, via)});
    bd_wire_put(w, BD_STR(";branch="));
    bd_wire_put(w, branch);
    bd_wire_put(w, BD_STR("\r\nMax-Forwards: 70\r\n"));
    if (!routed)
        return;
    bd_wire_put(w, BD_STR("Route: "));
    bd_wire_put(w, strict ? rest : d->route);
    if (strict) {
        bd_wire_put(w, rest.len ? BD_STR(", <") : BD_STR("<"));
        bd_wire_put(w, d->target);
        bd_wire_char(w, '>');
    }
    bd_wire_put(w, BD_STR("\r\n"));
}

void bd_dialog_notify(struct bd_dialog *d, struct bd_wire *w, struct bd_str branch,
                      struct bd_str state, struct bd_str body)
{
    put_request_line(d, w, branch);
    bd_wire_put(w, BD_STR("From: "));
    bd_wire_put(w, d->local);
    bd_wire_put(w, BD_STR(";tag="));
    bd_wire_put(w, (struct bd_str){d->local_tag, BD_LOCAL_TAG_LEN});
    bd_wire_put(w, BD_STR("\r\n"));
    bd_reply_header(w, BD_STR("To"), d->remote);
    bd_reply_header(w, BD_STR("Call-ID"), d->call_id);
    put_u32(w, BD_STR("CSeq"), ++d->local_cseq, BD_STR(" NOTIFY"));
    put_contact(d, w);
    bd_reply_header(w, BD_STR("Event"), d->event);
    bd_reply_header(w, BD_STR("Subscription-State"), state);
    bd_reply_header(w, BD_STR("Allow-Events"), BD_STR("reg"));
    bd_reply_header(w, BD_STR("Content-Type"), BD_STR("application/reginfo+xml"));
    put_u32(w, BD_STR("Content-Length"), body.len, BD_STR(""));
    bd_wire_put(w, BD_STR("\r\n"));
    bd_wire_put(w, body);
}
