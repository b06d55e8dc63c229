/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge.h"

static void put_literal(struct bd_wire *w, const char *text)
{
    bd_wire_put(w, bd_str_from(text));
}

/* A quoted-string (25.1): the realm is free text. */
static void put_quoted(struct bd_wire *w, struct bd_str s)
{
    bd_wire_char(w, '"');
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            bd_wire_char(w, '\\');
        bd_wire_char(w, s.p[i]);
    }
    bd_wire_char(w, '"');
}

static const char *qop_list(uint8_t qop)
{
    if (qop == BD_QOP_BIT_AUTH_INT)
        return "auth-int";
    return qop & BD_QOP_BIT_AUTH_INT ? "auth,auth-int" : "auth";
}

void bd_challenge_write(struct bd_wire *w, const struct bd_policy_domain *domain,
                        struct bd_str realm, struct bd_str nonce, bool stale)
{
    for (unsigned i = 0; i < domain->algorithm_cnt; i++) {
        put_literal(w, "WWW-Authenticate: Digest realm=");
        put_quoted(w, realm);
        put_literal(w, ", nonce=\"");
        bd_wire_put(w, nonce);
        put_literal(w, "\", qop=\"");
        put_literal(w, qop_list(domain->qop));
        put_literal(w, "\", algorithm=");
        put_literal(w, bd_digest_alg_name[domain->algorithm[i]]);
        if (domain->charset_utf8)
            put_literal(w, ", charset=\"UTF-8\"");
        if (domain->userhash)
            put_literal(w, ", userhash=true");
        if (stale)
            put_literal(w, ", stale=true");
        put_literal(w, "\r\n");
    }
}
