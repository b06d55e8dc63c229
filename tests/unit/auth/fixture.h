/* SPDX-License-Identifier: BSD-3-Clause */
/* A phone with a password, and the jobs a worker would make of its requests. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "hex.h"
#include "verify.h"

struct phone {
    const char *username, *realm, *password, *aor, *primary;
    const char *uri, *body;
    enum bd_digest_alg alg;
    enum bd_qop qop;
    bool userhash;
    uint32_t nc;
    uint64_t transaction;
    char nonce[BD_NONCE_TEXT];
};

static inline struct phone phone_1000(void)
{
    return (struct phone){.username = "1000",
                          .realm = "example.com",
                          .password = "secret-1000",
                          .aor = "1000@example.com",
                          .uri = "sip:example.com",
                          .body = "",
                          .alg = BD_ALG_MD5,
                          .qop = BD_QOP_AUTH,
                          .nc = 1,
                          .transaction = 1};
}

static inline void hash_text(struct bd_digest *d, enum bd_digest_alg alg,
                             const struct bd_str *parts, unsigned cnt,
                             char text[BD_DIGEST_TEXT_MAX + 1])
{
    uint8_t out[BD_DIGEST_MAX];
    bd_digest_hash(d, alg, parts, cnt, out);
    bd_hex_encode(out, bd_digest_sz(alg), text);
    text[2 * bd_digest_sz(alg)] = '\0';
}

/* Fills a job with what the phone would send. */
static inline void make_job(struct bd_digest *d, const struct phone *p, struct bd_verify_job *job)
{
    char body[BD_DIGEST_TEXT_MAX + 1], response[BD_DIGEST_TEXT_MAX + 1], nc[9];
    char user[BD_DIGEST_TEXT_MAX + 1];
    uint8_t ha1[BD_DIGEST_MAX], out[BD_DIGEST_MAX];
    const struct bd_str a1[] = {bd_str_from(p->username), bd_str_from(p->realm),
                                bd_str_from(p->password)};
    bd_digest_hash(d, p->alg, a1, 3, ha1);
    hash_text(d, p->alg, (struct bd_str[]){bd_str_from(p->body)}, 1, body);
    hash_text(d, p->alg, a1, 2, user);
    for (int i = 0; i < 8; i++)
        nc[i] = "0123456789abcdef"[p->nc >> (28 - 4 * i) & 15];
    const struct bd_digest_input in = {p->alg,
                                       p->qop,
                                       {p->nonce, BD_NONCE_TEXT},
                                       {nc, 8},
                                       BD_STR("cn"),
                                       BD_STR("REGISTER"),
                                       bd_str_from(p->uri),
                                       bd_str_from(body)};
    bd_digest_response(d, &in, ha1, out);
    bd_hex_encode(out, bd_digest_sz(p->alg), response);
    *job = (struct bd_verify_job){.transaction = p->transaction,
                                  .nonce_expire_s = 300,
                                  .nc = p->nc,
                                  .algorithm = (uint8_t)p->alg,
                                  .qop = (uint8_t)p->qop,
                                  .userhash = p->userhash};
    struct bd_job_writer w = bd_job_begin(job);
    bd_job_put(&w, BD_JOB_USERNAME, bd_str_from(p->userhash ? user : p->username));
    bd_job_put(&w, BD_JOB_REALM, bd_str_from(p->realm));
    bd_job_put(&w, BD_JOB_NONCE, in.nonce);
    bd_job_put(&w, BD_JOB_URI, in.uri);
    bd_job_put(&w, BD_JOB_CNONCE, in.cnonce);
    bd_job_put(&w, BD_JOB_NC, in.nc);
    bd_job_put(&w, BD_JOB_RESPONSE, (struct bd_str){response, 2 * bd_digest_sz(p->alg)});
    bd_job_put(&w, BD_JOB_METHOD, in.method);
    bd_job_put(&w, BD_JOB_BODY_HASH, p->qop == BD_QOP_AUTH_INT ? in.body_hash : BD_STR(""));
    bd_job_put(&w, BD_JOB_AOR, bd_str_from(p->aor));
    bd_job_put(&w, BD_JOB_PRIMARY, bd_str_from(p->primary));
}

/* A row as the database would give it. */
static inline struct bd_subscriber make_row(struct bd_digest *d, const char *username,
                                            const char *domain, const char *realm,
                                            const char *password)
{
    struct bd_subscriber row = {0};
    strcpy(row.username, username);
    strcpy(row.domain, domain);
    strcpy(row.realm, realm);
    bd_ha1_make(d, bd_str_from(username), bd_str_from(domain), bd_str_from(realm),
                bd_str_from(password), &row.ha1);
    return row;
}

#endif
