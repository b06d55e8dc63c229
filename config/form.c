/* SPDX-License-Identifier: BSD-3-Clause */
/* Which texts a key takes. All are ASCII without control characters except where said. */
#include <sys/un.h>

#include "schema.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (bd_lower(c) >= 'a' && bd_lower(c) <= 'f');
}

static bool is_alnum(char c)
{
    return is_digit(c) || (bd_lower(c) >= 'a' && bd_lower(c) <= 'z');
}

static bool all_of(struct bd_str s, const char *others)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.p[i]) && !strchr(others, s.p[i]))
            return false;
    }
    return true;
}

/* RFC 3261 25.1 hostname: labels of letters, digits and inner hyphens, the last one beginning with
 * a letter. No trailing dot: a name is written one way only. */
static bool is_host_name(struct bd_str s)
{
    uint32_t begin = 0;
    for (uint32_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.p[i] != '.')
            continue;
        if (i == begin || i - begin > 63 || s.p[begin] == '-' || s.p[i - 1] == '-')
            return false;
        if (i == s.len && is_digit(s.p[begin]))
            return false;
        begin = i + 1;
    }
    return all_of(s, ".-");
}

static bool is_host(struct bd_str s)
{
    struct bd_ip ip;
    return bd_ip_parse(s, &ip) || is_host_name(s);
}
const struct bd_form bd_form_host = {"a host name or an IP address", is_host};

static bool is_domain(struct bd_str s)
{
    return is_host(s) || bd_str_eq(s, BD_STR("*"));
}
const struct bd_form bd_form_domain = {"a host name, an IP address or '*'", is_domain};

static bool is_printable(struct bd_str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    }
    return true;
}

static bool is_path(struct bd_str s)
{
    return s.len > 1 && s.p[0] == '/' && s.p[s.len - 1] != '/' && is_printable(s);
}
const struct bd_form bd_form_path = {"an absolute path of a file", is_path};

static bool is_file(struct bd_str s)
{
    return s.len > 0 && s.p[s.len - 1] != '/' && is_printable(s);
}
const struct bd_form bd_form_file = {"a path of a file", is_file};

static bool is_socket_path(struct bd_str s)
{
    return is_path(s) && s.len < sizeof(((struct sockaddr_un *)0)->sun_path);
}
const struct bd_form bd_form_socket = {"an absolute path of a socket", is_socket_path};

static bool is_name(struct bd_str s)
{
    return all_of(s, "-_.") && s.p[0] != '.' && s.p[0] != '-';
}
const struct bd_form bd_form_name = {"a name of letters, digits, '-', '_' and '.'", is_name};

static bool is_peer(struct bd_str s)
{
    bool group = s.len > 1 && s.p[0] == '@';
    return is_name(group ? (struct bd_str){s.p + 1, s.len - 1} : s);
}
const struct bd_form bd_form_peer = {"the name of a user, or \"@\" and that of a group", is_peer};

static bool is_lcores(struct bd_str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if (!is_digit(s.p[i]) && !strchr("(),@-", s.p[i]))
            return false;
    }
    return true;
}
const struct bd_form bd_form_lcores = {"a core map as 0@0,1@(2-3)", is_lcores};

/* IFNAMSIZ of Linux is 16 with the NUL. */
bool bd_form_is_interface_name(struct bd_str s)
{
    return s.len > 0 && s.len < 16 && is_name(s);
}

static bool is_interface(struct bd_str s)
{
    return bd_form_is_interface_name(s) || is_socket_path(s);
}
const struct bd_form bd_form_interface = {"an interface name or (memif) a socket path",
                                          is_interface};

/* Compares with a picture in which 'x' is any hexadecimal digit. */
static bool looks_like(struct bd_str s, const char *picture)
{
    if (s.len != strlen(picture))
        return false;
    for (uint32_t i = 0; i < s.len; i++) {
        if (picture[i] == 'x' ? !is_hex(s.p[i]) : s.p[i] != picture[i])
            return false;
    }
    return true;
}

static bool is_pci(struct bd_str s)
{
    return looks_like(s, "xxxx:xx:xx.x") && s.p[11] <= '7';
}
const struct bd_form bd_form_pci = {"a PCI address as 0000:01:00.0", is_pci};

/* The second digit of a unicast address is even (IEEE 802, I/G bit). */
static bool is_mac(struct bd_str s)
{
    return looks_like(s, "xx:xx:xx:xx:xx:xx") && strchr("02468aAcCeE", s.p[1]) &&
           !looks_like(s, "00:00:00:00:00:00");
}
const struct bd_form bd_form_mac = {"a unicast MAC address as 02:00:00:00:00:01", is_mac};

/* Stands between double quotes in a header field as it is. */
static bool is_quotable(struct bd_str s)
{
    return is_printable(s) && !memchr(s.p, '"', s.len) && !memchr(s.p, '\\', s.len);
}
const struct bd_form bd_form_quotable = {"text without '\"', '\\' and control characters",
                                         is_quotable};

const struct bd_form bd_form_value = {"text without control characters", is_printable};
const struct bd_form bd_form_secret = {"text without control characters", is_printable};

static bool is_aor(struct bd_str s)
{
    const char *at = memrchr(s.p, '@', s.len);
    return at && at > s.p && is_printable(s) &&
           is_host((struct bd_str){at + 1, (uint32_t)(s.p + s.len - at - 1)});
}
const struct bd_form bd_form_aor = {"an address of record as user@domain", is_aor};

/* What may stand between angle brackets in a header field. */
static bool is_uri_of(struct bd_str s, const char *scheme)
{
    uint32_t len = (uint32_t)strlen(scheme);
    if (s.len <= len || !bd_str_eq_nocase((struct bd_str){s.p, len}, (struct bd_str){scheme, len}))
        return false;
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || strchr("<>\"\\,", s.p[i]))
            return false;
    }
    return true;
}

/* RFC 3608 6.3: a route element, which must say ";lr". */
static bool is_route(struct bd_str s)
{
    return (is_uri_of(s, "sip:") || is_uri_of(s, "sips:")) && memmem(s.p, s.len, ";lr", 3);
}
const struct bd_form bd_form_route = {"a route as sip:proxy.example.com;lr", is_route};

static bool is_identity(struct bd_str s)
{
    return is_uri_of(s, "sip:") || is_uri_of(s, "sips:") || is_uri_of(s, "tel:");
}
const struct bd_form bd_form_identity = {"a sip, sips or tel URI, as tel:{user}", is_identity};

static bool is_registrant(struct bd_str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    }
    return s.p[0] != '@' && s.p[s.len - 1] != '@' && s.p[s.len - 1] != '.';
}
const struct bd_form bd_form_registrant = {"user or user@host", is_registrant};
