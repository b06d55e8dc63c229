/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

/* IPv4address = 1*3DIGIT 3("." 1*3DIGIT), each at most 255, decimal whatever it begins with. */
static bool ipv4_parse(struct bd_str text, struct bd_ip *ip)
{
    uint8_t octets[4];
    const char *p = text.p, *end = bd_str_end(text);
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (p == end || *p++ != '.'))
            return false;
        unsigned n = 0;
        const char *begin = p;
        for (; p < end && p - begin < 3 && bd_is(*p, BD_C_DIGIT); p++)
            n = n * 10 + (unsigned)(*p - '0');
        if (p == begin || n > 255)
            return false;
        octets[i] = (uint8_t)n;
    }
    *ip = bd_ip_from_v4(octets);
    return p == end;
}

/* "2001:db8:::192.0.2.1": once more without the third colon. */
static bool ipv6_parse_three_colons(struct bd_str text, struct bd_ip *ip)
{
    char copy[BD_IP_TEXT_MAX];
    const char *colons = text.len < sizeof(copy) ? memmem(text.p, text.len, ":::", 3) : NULL;
    if (!colons || !memchr(text.p, '.', text.len))
        return false;
    uint32_t before = (uint32_t)(colons - text.p);
    memcpy(copy, text.p, before);
    memcpy(copy + before, colons + 1, text.len - before - 1);
    return bd_ip_parse((struct bd_str){copy, text.len - 1}, ip);
}

static const char *ipv6_reference(const char *p, const char *end, struct bd_host *host)
{
    const char *close = memchr(p, ']', (size_t)(end - p));
    if (!close)
        return NULL;
    struct bd_str inside = bd_slice(p + 1, close);
    if (inside.len < 2 || !memchr(inside.p, ':', inside.len) || inside.p[0] == '[')
        return NULL;
    if (!bd_ip_parse(inside, &host->ip) && !ipv6_parse_three_colons(inside, &host->ip))
        return NULL;
    host->type = BD_HOST_IPV6;
    host->text = bd_slice(p, close + 1);
    return close + 1;
}

/* hostname = *( domainlabel "." ) toplabel [ "." ]. Labels begin and end with alphanum, the last
 * one with a letter: that is what tells a name from a broken address. */
static bool hostname_valid(struct bd_str text)
{
    const char *p = text.p, *end = bd_str_end(text);
    bool top_is_alpha = false;
    if (end - p > 1 && end[-1] == '.')
        end--;
    while (p < end) {
        const char *label = p;
        while (p < end && *p != '.')
            p++;
        if (p == label || *label == '-' || p[-1] == '-')
            return false;
        top_is_alpha = bd_is(*label, BD_C_ALPHA);
        if (p < end && ++p == end)
            return false; /* two dots at the end */
    }
    return top_is_alpha;
}

const char *bd_host_parse(const char *p, const char *end, struct bd_host *host)
{
    if (p == end)
        return NULL;
    if (*p == '[')
        return ipv6_reference(p, end, host);
    const char *stop = bd_skip(p, end, BD_C_HOST);
    if (stop == p)
        return NULL;
    struct bd_str text = bd_slice(p, stop);
    host->text = text;
    if (bd_is(*p, BD_C_DIGIT) && ipv4_parse(text, &host->ip)) {
        host->type = BD_HOST_IPV4;
        return stop;
    }
    host->type = BD_HOST_NAME;
    return hostname_valid(text) ? stop : NULL;
}

const char *bd_port_parse(const char *p, const char *end, uint16_t *port)
{
    const char *stop = bd_skip(p, end, BD_C_DIGIT);
    uint32_t n;
    if (!bd_number(bd_slice(p, stop), &n) || n == 0 || n > 65535)
        return NULL;
    *port = (uint16_t)n;
    return stop;
}
