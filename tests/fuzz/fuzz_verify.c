/* SPDX-License-Identifier: BSD-3-Clause */
/* A job as it comes out of the shared memory: of any texts, signed by somebody who knows the
 * password of one of four subscribers, and then damaged.
 *
 *   how, who signs, age of the nonce, texts each ended by 0x1f, then { place:16, byte } ...
 *
 * A verdict other than "bad nonce" and "wrong" takes the right response of a subscriber, computed
 * here by other means; "ok" only his own AoR (or that of a set's primary whom he is); and nothing
 * is ok twice. */
#include "fuzz.h"

#include <openssl/evp.h>

#include "fixture.h"

#define NOW 1790000000000ULL

enum { REPLAY_ENTRIES = 64, SUBSCRIBERS = 4, HASHED = 0x10, WITH_DOMAIN = 0x20 };

static const struct {
    const char *user, *domain, *realm, *password;
} who[SUBSCRIBERS] = {{"1000", "example.com", "example.com", "secret-1000"},
                      {"1001", "example.com", "example.com", "secret-1001"},
                      {"Alice", "example.com", "example.com", "wonder"},
                      {"1000", "other.example", "shared", "else"}};

static struct bd_epoch *epoch;
static struct bd_verify verify;
static struct bd_hash_key hash_key;
static void *replay_memory;
static uint64_t replay_sz;

static void leave(void)
{
    bd_subscriber_store_free((struct bd_subscriber_store *)(uintptr_t)verify.store);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct bd_error error;
    static const uint8_t keys[2][32] = {{1}};
    epoch = aligned_alloc(64, (sizeof(*epoch) + 63) & ~63UL);
    fuzz_judge(epoch, "no memory");
    memset(epoch, 0, sizeof(*epoch));
    bd_epoch_init(epoch);
    bd_hash_key_init(&hash_key, 1);
    replay_sz = (bd_replay_footprint(REPLAY_ENTRIES) + 63) & ~63ULL;
    replay_memory = aligned_alloc(64, replay_sz);
    struct bd_subscriber_store *store = bd_subscriber_store_new(epoch, &error);
    verify =
        (struct bd_verify){bd_digest_new(&error), bd_nonce_new(&error), NULL, store, &hash_key};
    fuzz_judge(bd_nonce_set_keys(verify.nonce, keys) == 0, "no keys");
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        struct bd_subscriber row =
            make_row(verify.digest, who[i].user, who[i].domain, who[i].realm, who[i].password);
        fuzz_judge(bd_subscriber_store_put(store, &row, &error) == 0, "%s", error.text);
    }
    atexit(leave);
    return 0;
}

/* --- digests, by other means ------------------------------------------------------------------ */

struct hex {
    char text[2 * EVP_MAX_MD_SIZE + 1];
};

static struct hex hash(unsigned alg, const struct bd_str *parts, unsigned cnt)
{
    static const char *const names[] = {"MD5", "SHA256", "SHA512-256"};
    char text[4096];
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned len = 0, n = 0;
    struct hex hex;
    for (unsigned i = 0; i < cnt; i++) {
        n += (unsigned)snprintf(text + n, sizeof(text) - n, "%s", i ? ":" : "");
        if (parts[i].len)
            memcpy(text + n, parts[i].p, parts[i].len);
        n += parts[i].len;
    }
    fuzz_judge(EVP_Digest(text, n, out, &len, EVP_get_digestbyname(names[alg]), NULL), "no digest");
    for (unsigned i = 0; i < len; i++)
        snprintf(hex.text + 2 * i, 3, "%02x", out[i]);
    return hex;
}

/* The response of a subscriber to what the job says; with_domain: who calls himself user@domain. */
static struct hex response(const struct bd_verify_job *job, unsigned i, bool with_domain)
{
    char name[128];
    snprintf(name, sizeof(name), with_domain ? "%s@%s" : "%s", who[i].user, who[i].domain);
    const struct bd_str method = bd_job_get(job, BD_JOB_METHOD), uri = bd_job_get(job, BD_JOB_URI),
                        nonce = bd_job_get(job, BD_JOB_NONCE);
    const struct bd_str a1[] = {bd_str_from(name), bd_str_from(who[i].realm),
                                bd_str_from(who[i].password)};
    const struct bd_str a2[] = {method, uri, bd_job_get(job, BD_JOB_BODY_HASH)};
    struct hex ha1 = hash(job->algorithm, a1, 3);
    struct hex ha2 = hash(job->algorithm, a2, job->qop == BD_QOP_AUTH_INT ? 3 : 2);
    if (job->qop == BD_QOP_NONE) {
        const struct bd_str all[] = {bd_str_from(ha1.text), nonce, bd_str_from(ha2.text)};
        return hash(job->algorithm, all, 3);
    }
    const struct bd_str all[] = {bd_str_from(ha1.text),
                                 nonce,
                                 bd_job_get(job, BD_JOB_NC),
                                 bd_job_get(job, BD_JOB_CNONCE),
                                 job->qop == BD_QOP_AUTH ? BD_STR("auth") : BD_STR("auth-int"),
                                 bd_str_from(ha2.text)};
    return hash(job->algorithm, all, 6);
}

/* Who the response is of; -1: of nobody. */
static int signer(const struct bd_verify_job *job)
{
    struct bd_str given = bd_job_get(job, BD_JOB_RESPONSE);
    if (job->algorithm >= BD_ALG_CNT || job->qop >= BD_QOP_UNKNOWN)
        return -1;
    for (unsigned i = 0; i < 2 * SUBSCRIBERS; i++) {
        struct hex right = response(job, i / 2, i % 2);
        if (bd_str_eq(given, bd_str_from(right.text)))
            return (int)i / 2;
    }
    return -1;
}

static bool owns(int i, struct bd_str aor)
{
    char own[128];
    int n = snprintf(own, sizeof(own), "%s@%s", who[i].user, who[i].domain);
    return bd_str_eq_nocase(aor, (struct bd_str){own, (uint32_t)n});
}

/* --- the job ---------------------------------------------------------------------------------- */

static struct bd_str next_text(struct fuzz_input *in, struct bd_str instead)
{
    const uint8_t *p;
    uint32_t n = (uint32_t)fuzz_take_until(in, 0x1f, &p);
    return n ? (struct bd_str){(const char *)p, n < 200 ? n : 200} : instead;
}

/* The username that goes with what is signed: plain, with its domain, or hashed. */
static uint32_t name_of(unsigned how, unsigned i, unsigned alg, char out[128])
{
    int n = snprintf(out, 128, how & WITH_DOMAIN ? "%s@%s" : "%s", who[i].user, who[i].domain);
    if (!(how & HASHED))
        return (uint32_t)n;
    const struct bd_str parts[] = {{out, (uint32_t)n}, bd_str_from(who[i].realm)};
    struct hex hex = hash(alg, parts, 2);
    return (uint32_t)snprintf(out, 128, "%s", hex.text);
}

static void fill(struct bd_verify_job *job, unsigned how, unsigned i, const struct bd_str *text)
{
    struct bd_job_writer w = bd_job_begin(job);
    for (int t = 0; t < BD_JOB_TEXT_CNT; t++)
        bd_job_put(&w, (enum bd_job_text)t, text[t]);
    struct hex right = response(job, i, how & WITH_DOMAIN);
    memcpy((char *)(uintptr_t)bd_job_get(job, BD_JOB_RESPONSE).p, right.text,
           2 * bd_digest_sz(job->algorithm));
}

static void make(struct fuzz_input *in, struct bd_verify_job *job)
{
    static const char blank[BD_DIGEST_TEXT_MAX];
    char nonce[BD_NONCE_TEXT], name[128], aor[128];
    unsigned how = fuzz_u8(in), i = fuzz_below(in, SUBSCRIBERS);
    uint64_t age_ms = fuzz_u8(in) * 2000;
    memset(job, 0, BD_JOB_SZ);
    job->nonce_expire_s = 300;
    job->transaction = 1;
    job->nc = 1;
    job->algorithm = (uint8_t)((how & 3) % BD_ALG_CNT);
    job->qop = (uint8_t)((how >> 2 & 3) % BD_QOP_UNKNOWN);
    job->userhash = (how & HASHED) != 0;
    bd_nonce_make(verify.nonce, NOW - age_ms, 7, bd_str_from(who[i].realm), nonce);
    int n = snprintf(aor, sizeof(aor), "%s@%s", who[i].user, who[i].domain);
    struct bd_str text[BD_JOB_TEXT_CNT] = {
        [BD_JOB_REALM] = bd_str_from(who[i].realm),
        [BD_JOB_NONCE] = {nonce, BD_NONCE_TEXT},
        [BD_JOB_NC] = BD_STR("00000001"),
        [BD_JOB_RESPONSE] = {blank, 2 * bd_digest_sz(job->algorithm)},
    };
    text[BD_JOB_USERNAME] =
        next_text(in, (struct bd_str){name, name_of(how, i, job->algorithm, name)});
    text[BD_JOB_URI] = next_text(in, BD_STR("sip:example.com"));
    text[BD_JOB_CNONCE] = next_text(in, BD_STR("cn"));
    text[BD_JOB_METHOD] = next_text(in, BD_STR("REGISTER"));
    text[BD_JOB_BODY_HASH] = next_text(in, BD_STR("d41d8cd98f00b204e9800998ecf8427e"));
    text[BD_JOB_AOR] = next_text(in, (struct bd_str){aor, (uint32_t)n});
    text[BD_JOB_PRIMARY] = next_text(in, BD_STR(""));
    fill(job, how, i, text);
}

static void judge(const struct bd_verify_job *job)
{
    uint8_t rspauth[BD_DIGEST_MAX];
    enum bd_verify_rc rc = bd_verify_job(&verify, job, false, NOW);
    fuzz_judge(rc <= BD_VERIFY_BAD_NONCE, "verdict %d", rc);
    if (rc == BD_VERIFY_BAD_NONCE || rc == BD_VERIFY_WRONG)
        return;
    int i = signer(job);
    fuzz_judge(i >= 0, "verdict %d for a wrong response", rc);
    if (rc != BD_VERIFY_OK)
        return;
    fuzz_judge(owns(i, bd_job_get(job, BD_JOB_AOR)) || owns(i, bd_job_get(job, BD_JOB_PRIMARY)),
               "%s may register %.*s", who[i].user, BD_STR_ARG(bd_job_get(job, BD_JOB_AOR)));
    fuzz_judge(bd_verify_rspauth(&verify, job, rspauth), "no rspauth");
    struct bd_verify_job *again = malloc(BD_JOB_SZ);
    memcpy(again, job, BD_JOB_SZ);
    again->transaction++;
    rc = bd_verify_job(&verify, again, false, NOW);
    fuzz_judge(rc == BD_VERIFY_REPLAYED || rc == BD_VERIFY_STALE, "a replay draws %d", rc);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct bd_error error;
    /* On the heap: its last byte is a job's last byte. */
    struct bd_verify_job *job = malloc(BD_JOB_SZ);
    memset(replay_memory, 0, replay_sz);
    verify.replay = bd_replay_new(replay_memory, replay_sz, NOW - 1000000, &error);
    fuzz_judge(job && verify.replay, "no memory");
    make(&in, job);
    while (in.left > 0) {
        unsigned place = fuzz_u16(&in) % BD_JOB_SZ;
        ((uint8_t *)job)[place] = (uint8_t)fuzz_u8(&in);
    }
    judge(job);
    bd_replay_free(verify.replay);
    free(job);
    return 0;
}
