/* SPDX-License-Identifier: BSD-3-Clause */
#include "bulk.h"

#include <stdlib.h>

#include "host_key.h"

struct bulk_set {
    uint64_t first, last; /* keys */
    uint32_t pbx, unused;
};

struct bulk_pbx {
    uint32_t aor_off, aor_len; /* from the begin of the block */
};

struct bd_bulk {
    uint32_t set_cnt, pbx_cnt, pbx_off, unused;
    struct bulk_set set[];
};
_Static_assert(sizeof(struct bd_bulk) == 16, "kept in shared memory");
_Static_assert(sizeof(struct bulk_set) == 24, "kept in shared memory");

/* --- keys ------------------------------------------------------------------------------------- */

#define KEY_OF_PREFIX (1ULL << 63)

/* Digits filled up with zeros, then the length: numbers in the order of a telephone
 * book, each before those that it is a prefix of. */
static uint64_t prefix_key(uint64_t filled, unsigned digits)
{
    return KEY_OF_PREFIX | filled << 4 | digits;
}

static uint64_t filled(uint64_t value, unsigned digits)
{
    return value * bd_e164_power[BD_E164_DIGITS_MAX - digits];
}

static struct bulk_set keys_of(const struct bd_e164_set *set, uint32_t pbx)
{
    if (!set->prefix)
        return (struct bulk_set){.first = set->first, .last = set->last, .pbx = pbx};
    uint64_t last = filled(set->first + 1, set->digits) - 1;
    return (struct bulk_set){.first = prefix_key(filled(set->first, set->digits), set->digits),
                             .last = prefix_key(last, BD_E164_DIGITS_MAX),
                             .pbx = pbx};
}

/* --- looking up ------------------------------------------------------------------------------- */

static const struct bd_bulk *block_of(const struct bd_policy *policy,
                                      const struct bd_policy_domain *domain)
{
    return domain->bulk_off ? bd_policy_at(policy, domain->bulk_off) : NULL;
}

static struct bulk_pbx *pbxes(const struct bd_bulk *bulk)
{
    return (void *)((char *)(uintptr_t)bulk + bulk->pbx_off);
}

static struct bd_str aor_of(const struct bd_bulk *bulk, const struct bulk_pbx *pbx)
{
    return (struct bd_str){(const char *)bulk + pbx->aor_off, pbx->aor_len};
}

/* The set that holds the key: the last one that begins at or before it, or none. */
static const struct bulk_set *search(const struct bd_bulk *bulk, uint64_t key)
{
    uint32_t low = 0, high = bulk->set_cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bulk->set[middle].first <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && key <= bulk->set[low - 1].last ? &bulk->set[low - 1] : NULL;
}

bool bd_bulk_find(const struct bd_policy *policy, const struct bd_policy_domain *domain,
                  struct bd_str user, struct bd_bulk_hit *hit)
{
    const struct bd_bulk *bulk = block_of(policy, domain);
    if (!bulk || !bd_e164_parse(user, &hit->number))
        return false;
    const struct bd_e164 *n = &hit->number;
    const struct bulk_set *set = search(bulk, n->value);
    if (!set)
        set = search(bulk, prefix_key(filled(n->value, n->digits), n->digits));
    if (!set)
        return false;
    hit->pbx = aor_of(bulk, &pbxes(bulk)[set->pbx]);
    return true;
}

static int compare(struct bd_str a, struct bd_str b)
{
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The row of an AoR, or UINT32_MAX. */
static uint32_t pbx_find(const struct bd_bulk *bulk, struct bd_str aor)
{
    const struct bulk_pbx *pbx = pbxes(bulk);
    uint32_t low = 0, high = bulk->pbx_cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(aor_of(bulk, &pbx[middle]), aor);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return UINT32_MAX;
}

bool bd_bulk_is_pbx(const struct bd_policy *policy, const struct bd_policy_domain *domain,
                    struct bd_str aor)
{
    const struct bd_bulk *bulk = block_of(policy, domain);
    return bulk && pbx_find(bulk, aor) != UINT32_MAX;
}

/* --- building --------------------------------------------------------------------------------- */

static uint64_t sets_in(const struct bd_policy_domain_in *domain)
{
    uint64_t cnt = 0;
    for (unsigned i = 0; i < domain->bulk_cnt; i++)
        cnt += domain->bulk[i].set_cnt;
    return cnt;
}

uint64_t bd_bulk_footprint(const struct bd_policy_domain_in *domain)
{
    if (domain->bulk_cnt == 0)
        return 0;
    uint64_t size = sizeof(struct bd_bulk) + sets_in(domain) * sizeof(struct bulk_set);
    for (unsigned i = 0; i < domain->bulk_cnt; i++)
        size += sizeof(struct bulk_pbx) + domain->bulk[i].user.len + 1ULL + domain->name.len;
    return (size + 7) & ~7ULL;
}

/* "user@host" as bd_aor_canonical writes it: the configuration takes no user part with an escape.
 */
static uint32_t write_aor(char *out, struct bd_str user, const struct bd_policy_domain_in *domain)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < user.len; i++)
        out[len++] = domain->settings.case_sensitive ? user.p[i] : bd_lower(user.p[i]);
    out[len++] = '@';
    for (uint32_t i = 0; i < domain->name.len; i++)
        out[len++] = bd_lower(domain->name.p[i]);
    return len;
}

static int by_aor(const void *left, const void *right, void *arg)
{
    const struct bd_bulk *bulk = arg;
    return compare(aor_of(bulk, left), aor_of(bulk, right));
}

static int by_first(const void *left, const void *right)
{
    const struct bulk_set *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

/* Each PBX once, sorted. */
static void put_pbxes(struct bd_bulk *bulk, const struct bd_policy_domain_in *domain)
{
    struct bulk_pbx *pbx = pbxes(bulk);
    uint32_t off = bulk->pbx_off + domain->bulk_cnt * (uint32_t)sizeof(*pbx);
    for (unsigned i = 0; i < domain->bulk_cnt; i++) {
        uint32_t len = write_aor((char *)bulk + off, domain->bulk[i].user, domain);
        pbx[i] = (struct bulk_pbx){.aor_off = off, .aor_len = len};
        off += len;
    }
    qsort_r(pbx, domain->bulk_cnt, sizeof(*pbx), by_aor, bulk);
    for (unsigned i = 0; i < domain->bulk_cnt; i++) {
        uint32_t last = bulk->pbx_cnt - 1;
        if (i == 0 || compare(aor_of(bulk, &pbx[last]), aor_of(bulk, &pbx[i])) != 0)
            pbx[bulk->pbx_cnt++] = pbx[i];
    }
}

static void put_sets(struct bd_bulk *bulk, const struct bd_policy_domain_in *domain)
{
    char aor[BD_BULK_USER_MAX + 1 + BD_DOMAIN_NAME_MAX];
    for (unsigned i = 0; i < domain->bulk_cnt; i++) {
        const struct bd_bulk_in *in = &domain->bulk[i];
        uint32_t pbx = pbx_find(bulk, (struct bd_str){aor, write_aor(aor, in->user, domain)});
        for (unsigned s = 0; s < in->set_cnt; s++)
            bulk->set[bulk->set_cnt++] = keys_of(&in->sets[s], pbx);
    }
    qsort(bulk->set, bulk->set_cnt, sizeof(*bulk->set), by_first);
}

void bd_bulk_build(void *out, const struct bd_policy_domain_in *domain)
{
    struct bd_bulk *bulk = out;
    bulk->pbx_off = (uint32_t)(sizeof(*bulk) + sets_in(domain) * sizeof(*bulk->set));
    put_pbxes(bulk, domain);
    put_sets(bulk, domain);
}
