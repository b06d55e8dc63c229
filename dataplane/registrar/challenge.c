/* SPDX-License-Identifier: BSD-3-Clause */
#include "challenge.h"

/* A quoted-string (25.1): the realm is free text, though few have what must be escaped. */
static void put_quoted(struct bd_wire *w, struct bd_str s)
{
    bd_wire_char(w, '"');
    for (;;) {
        uint32_t plain = 0;
        while (plain < s.len && s.p[plain] != '"' && s.p[plain] != '\\')
            plain++;
        bd_wire_put(w, (struct bd_str){s.p, plain});
        if (plain == s.len)
            break;
        bd_wire_char(w, '\\');
        bd_wire_char(w, s.p[plain]);
        s = (struct bd_str){s.p + plain + 1, s.len - plain - 1};
    }
    bd_wire_char(w, '"');
}

static void put_qop(struct bd_wire *w, uint8_t qop)
{
    if (!(qop & BD_QOP_BIT_AUTH_INT))
        bd_wire_put(w, BD_STR("\", qop=\"auth\""));
    else if (qop & BD_QOP_BIT_AUTH)
        bd_wire_put(w, BD_STR("\", qop=\"auth,auth-int\""));
    else
        bd_wire_put(w, BD_STR("\", qop=\"auth-int\""));
}

static void put_algorithm(struct bd_wire *w, enum bd_digest_alg algorithm)
{
    if (algorithm == BD_ALG_MD5)
        bd_wire_put(w, BD_STR(", algorithm=MD5"));
    else if (algorithm == BD_ALG_SHA256)
        bd_wire_put(w, BD_STR(", algorithm=SHA-256"));
    else
        bd_wire_put(w, BD_STR(", algorithm=SHA-512-256"));
}

__attribute__((flatten)) void bd_challenge_write(struct bd_wire *w,
                                                 const struct bd_policy_domain *domain,
                                                 struct bd_str realm, struct bd_str nonce,
                                                 bool stale)
{
    struct bd_wire out = *w;
    for (unsigned i = 0; i < domain->algorithm_cnt; i++) {
        bd_wire_put(&out, BD_STR("WWW-Authenticate: Digest realm="));
        put_quoted(&out, realm);
        bd_wire_put(&out, BD_STR(", nonce=\""));
        bd_wire_put(&out, nonce);
        put_qop(&out, domain->qop);
        put_algorithm(&out, domain->algorithm[i]);
        if (domain->charset_utf8)
            bd_wire_put(&out, BD_STR(", charset=\"UTF-8\""));
        if (domain->userhash)
            bd_wire_put(&out, BD_STR(", userhash=true"));
        if (stale)
            bd_wire_put(&out, BD_STR(", stale=true"));
        bd_wire_put(&out, BD_STR("\r\n"));
    }
    *w = out;
}
