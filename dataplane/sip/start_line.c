/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

const char *const bd_method_name[BD_METHOD_UPDATE + 1] = {
    [BD_METHOD_UNKNOWN] = "",        [BD_METHOD_REGISTER] = "REGISTER",
    [BD_METHOD_OPTIONS] = "OPTIONS", [BD_METHOD_INVITE] = "INVITE",
    [BD_METHOD_ACK] = "ACK",         [BD_METHOD_BYE] = "BYE",
    [BD_METHOD_CANCEL] = "CANCEL",   [BD_METHOD_INFO] = "INFO",
    [BD_METHOD_MESSAGE] = "MESSAGE", [BD_METHOD_NOTIFY] = "NOTIFY",
    [BD_METHOD_PRACK] = "PRACK",     [BD_METHOD_PUBLISH] = "PUBLISH",
    [BD_METHOD_REFER] = "REFER",     [BD_METHOD_SUBSCRIBE] = "SUBSCRIBE",
    [BD_METHOD_UPDATE] = "UPDATE",
};

enum bd_method bd_method_id(struct bd_str name)
{
    if (bd_str_eq(name, BD_STR("REGISTER"))) /* what comes here most */
        return BD_METHOD_REGISTER;
    for (int i = BD_METHOD_OPTIONS; i <= BD_METHOD_UPDATE; i++) {
        if (name.len > 0 && bd_method_name[i][0] == name.p[0] &&
            bd_str_eq(name, bd_str_from(bd_method_name[i])))
            return (enum bd_method)i;
    }
    return BD_METHOD_UNKNOWN;
}

static bool begins_with_sip(const char *p, const char *end)
{
    return end - p > 4 && bd_str_eq_nocase((struct bd_str){p, 4}, BD_STR("SIP/"));
}

/* SIP-Version = "SIP" "/" 1*DIGIT "." 1*DIGIT; p stands behind the slash. */
static enum bd_start version_parse(const char *p, const char *end)
{
    if (bd_str_eq(bd_slice(p, end), BD_STR("2.0")))
        return BD_START_OK;
    const char *dot = bd_skip(p, end, BD_C_DIGIT);
    if (dot == p || end - dot < 2 || *dot != '.' || bd_skip(dot + 1, end, BD_C_DIGIT) != end)
        return BD_START_MALFORMED;
    return BD_START_VERSION;
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase. A response that is not well formed is
 * dropped, whatever is wrong with it. */
static enum bd_start status_line(struct bd_message *m, const char *p, const char *end)
{
    const char *space = memchr(p, ' ', (size_t)(end - p));
    if (!space || version_parse(p + 4, space) != BD_START_OK)
        return BD_START_NOT_SIP;
    const char *code = space + 1;
    uint32_t status;
    if (end - code < 4 || code[3] != ' ' || !bd_number((struct bd_str){code, 3}, &status) ||
        status < 100 || status > 699)
        return BD_START_NOT_SIP;
    m->status = status;
    return BD_START_OK;
}

/* A Request-URI in angle brackets or with spaces is no URI (RFC 4475 3.1.2.7, 8, 9); nor may it
 * have headers (19.1.1, RFC 4475 3.1.2.11). */
static bool request_uri(const struct bd_scan *scan, struct bd_message *m, const char *p,
                        const char *end)
{
    if (p < end && bd_uri_read(scan, bd_slice(p, end), &m->request_uri) &&
        !m->request_uri.headers.p)
        return true;
    bd_clear(&m->request_uri, sizeof(m->request_uri));
    return false;
}

/* The space before the version, and what is told by the version; *line_end is moved to its end.
 * NULL when no version of SIP is there. */
static const char *version_find(const char *p, const char **line_end, enum bd_start *start)
{
    const char *end = *line_end;
    if (end - p >= 8 && memcmp(end - 8, " SIP/2.0", 8) == 0) {
        *start = BD_START_OK;
        return end - 8;
    }
    end = bd_str_end(bd_trim(p, end));
    const char *space = memrchr(p, ' ', (size_t)(end - p));
    if (!space || !begins_with_sip(space + 1, end))
        return NULL;
    *line_end = end;
    *start = version_parse(space + 5, end);
    return space;
}

/* Request-Line = Method SP Request-URI SP SIP-Version. What ends in a SIP version is taken for a
 * request; spaces too many make it a malformed one (RFC 4475 3.1.2.9, 10). */
static enum bd_start request_line(const struct bd_scan *scan, struct bd_message *m, const char *p,
                                  const char *end)
{
    const char *method_end = bd_scan_skip(scan, p, end, BD_C_TOKEN);
    if (method_end == p || method_end == end || *method_end != ' ')
        return BD_START_NOT_SIP;
    enum bd_start start;
    const char *version_end = end, *space = version_find(method_end, &version_end, &start);
    if (!space)
        return BD_START_NOT_SIP;
    m->is_request = true;
    m->method_text = bd_slice(p, method_end);
    m->method = bd_method_id(m->method_text);
    if (start != BD_START_OK)
        return start;
    if (space == method_end || !request_uri(scan, m, method_end + 1, space) || version_end != end)
        return BD_START_MALFORMED;
    return BD_START_OK;
}

enum bd_start bd_start_line_parse(const struct bd_scan *scan, struct bd_message *m, const char *p,
                                  const char *end)
{
    return begins_with_sip(p, end) ? status_line(m, p, end) : request_line(scan, m, p, end);
}
