/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of lists: growing arrays of a single kind, and words in order or as bits. */
#include <inttypes.h>
#include <stdlib.h>

#include "schema.h"

/* --- arrays ----------------------------------------------------------------------------------- */

/* The row of one element: the same limits, at the element's own address. */
static struct bd_row element_row(const struct bd_row *row)
{
    struct bd_row element = *row;
    element.off = 0;
    element.kind = row->kind->element;
    if (row->form) { /* min and max of the list count elements; every text of a list is short */
        element.min = 1;
        element.max = BD_DOMAIN_NAME_MAX;
    }
    return element;
}

static char *array_at(const struct bd_row *row, const void *base, unsigned i)
{
    return *(char **)bd_row_field(row, base) + i * row->kind->element->size;
}

static enum bd_value_rc array_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    struct bd_row element = element_row(row);
    unsigned *cnt = bd_row_cnt(row, base);
    void **items = bd_row_field(row, base);
    if (*cnt >= row->max)
        return BD_VALUE_TOO_MANY;
    *items = bd_need_resized(*items, *cnt + 1U, element.kind->size);
    char *added = array_at(row, base, *cnt);
    memset(added, 0, element.kind->size);
    if (element.kind->parse(&element, text, added) != BD_VALUE_OK)
        return BD_VALUE_REFUSED;
    for (unsigned i = 0; i < *cnt; i++) {
        if (element.kind->equal(&element, added, array_at(row, base, i))) {
            element.kind->release(&element, added);
            return BD_VALUE_TWICE;
        }
    }
    ++*cnt;
    return BD_VALUE_OK;
}

static void array_print(const struct bd_row *row, const void *base, FILE *out)
{
    struct bd_row element = element_row(row);
    fputc('[', out);
    for (unsigned i = 0; i < *bd_row_cnt(row, base); i++) {
        fputs(i ? ", " : "", out);
        element.kind->print(&element, array_at(row, base, i), out);
    }
    fputc(']', out);
}

static bool array_equal(const struct bd_row *row, const void *a, const void *b)
{
    struct bd_row element = element_row(row);
    unsigned cnt = *bd_row_cnt(row, a);
    if (cnt != *bd_row_cnt(row, b))
        return false;
    for (unsigned i = 0; i < cnt; i++) {
        if (!element.kind->equal(&element, array_at(row, a, i), array_at(row, b, i)))
            return false;
    }
    return true;
}

static void array_release(const struct bd_row *row, void *base)
{
    struct bd_row element = element_row(row);
    for (unsigned i = 0; i < *bd_row_cnt(row, base); i++)
        element.kind->release(&element, array_at(row, base, i));
    void **items = bd_row_field(row, base);
    free(*items);
    *items = NULL;
    *bd_row_cnt(row, base) = 0;
}

static bool array_is_set(const struct bd_row *row, const void *base)
{
    return *bd_row_cnt(row, base) > 0;
}

static void array_allowed(const struct bd_row *row, FILE *out)
{
    struct bd_row element = element_row(row);
    if (row->form)
        fputs(row->form->what, out);
    else
        element.kind->allowed(&element, out);
}

#define ARRAY_KIND(variable, label, element_kind)                                                  \
    const struct bd_kind variable = {.name = label,                                                \
                                     .list = true,                                                 \
                                     .element = &element_kind,                                     \
                                     .parse = array_parse,                                         \
                                     .print = array_print,                                         \
                                     .equal = array_equal,                                         \
                                     .release = array_release,                                     \
                                     .is_set = array_is_set,                                       \
                                     .allowed = array_allowed}

/* --- elements that stand in lists only -------------------------------------------------------- */

static enum bd_value_rc prefix_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    return bd_prefix_parse(text, base) ? BD_VALUE_OK : BD_VALUE_REFUSED;
}

static void prefix_print(const struct bd_row *row, const void *base, FILE *out)
{
    char text[BD_ENDPOINT_TEXT_MAX];
    bd_prefix_format(base, text);
    fprintf(out, "\"%s\"", text);
}

static bool prefix_equal(const struct bd_row *row, const void *a, const void *b)
{
    const struct bd_prefix *x = a, *y = b;
    return x->len == y->len && bd_ip_eq(&x->ip, &y->ip);
}

static void prefix_allowed(const struct bd_row *row, FILE *out)
{
    fputs("ADDRESS or ADDRESS/LENGTH with no bits set beyond LENGTH", out);
}

static const struct bd_kind prefix_kind = {.size = sizeof(struct bd_prefix),
                                           .parse = prefix_parse,
                                           .print = prefix_print,
                                           .equal = prefix_equal,
                                           .release = bd_release_nothing,
                                           .allowed = prefix_allowed};

static bool is_unicast(const struct bd_ip *ip)
{
    static const struct bd_ip unspecified;
    if (bd_ip_is_v4(ip))
        return ip->b[12] != 0 && ip->b[12] < 224;
    return ip->b[0] != 0xff && !bd_ip_eq(ip, &unspecified);
}

/* An interface address: bits beyond the length are the host's, so the two halves are read apart. */
static enum bd_value_rc address_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    struct bd_config_address *address = base;
    const char *slash = memchr(text.p, '/', text.len);
    if (!slash)
        return BD_VALUE_REFUSED;
    uint32_t ip_len = (uint32_t)(slash - text.p);
    if (!bd_ip_parse((struct bd_str){text.p, ip_len}, &address->ip))
        return BD_VALUE_REFUSED;
    char mask_text[BD_ENDPOINT_TEXT_MAX];
    int n = snprintf(mask_text, sizeof(mask_text), "%s/%.*s",
                     bd_ip_is_v4(&address->ip) ? "0.0.0.0" : "::", (int)(text.len - ip_len - 1),
                     slash + 1);
    struct bd_prefix mask;
    if (!bd_prefix_parse((struct bd_str){mask_text, (uint32_t)n}, &mask))
        return BD_VALUE_REFUSED;
    if (!is_unicast(&address->ip))
        return BD_VALUE_REFUSED;
    address->len = mask.len;
    return BD_VALUE_OK;
}

static void address_print(const struct bd_row *row, const void *base, FILE *out)
{
    const struct bd_config_address *address = base;
    char text[BD_IP_TEXT_MAX];
    bd_ip_format(&address->ip, text);
    fprintf(out, "\"%s/%u\"", text, address->len - (bd_ip_is_v4(&address->ip) ? 96U : 0U));
}

static bool address_equal(const struct bd_row *row, const void *a, const void *b)
{
    const struct bd_config_address *x = a, *y = b;
    return bd_ip_eq(&x->ip, &y->ip);
}

static void address_allowed(const struct bd_row *row, FILE *out)
{
    fputs("ADDRESS/LENGTH of one host, as 192.0.2.1/24", out);
}

static const struct bd_kind address_kind = {.size = sizeof(struct bd_config_address),
                                            .parse = address_parse,
                                            .print = address_print,
                                            .equal = address_equal,
                                            .release = bd_release_nothing,
                                            .allowed = address_allowed};

ARRAY_KIND(bd_kind_texts, "list of texts", bd_kind_text);
ARRAY_KIND(bd_kind_endpoints, "list of endpoints", bd_kind_endpoint);
ARRAY_KIND(bd_kind_addresses, "list of addresses", address_kind);
ARRAY_KIND(bd_kind_prefixes, "list of prefixes", prefix_kind);

/* --- words ------------------------------------------------------------------------------------ */

static enum bd_value_rc order_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    const struct bd_choice *c = bd_choice_of_word(row, text);
    if (!c)
        return BD_VALUE_REFUSED;
    unsigned *values = bd_row_field(row, base), *cnt = bd_row_cnt(row, base);
    for (unsigned i = 0; i < *cnt; i++) {
        if (values[i] == (unsigned)c->value)
            return BD_VALUE_TWICE;
    }
    if (*cnt >= row->max)
        return BD_VALUE_TOO_MANY;
    values[(*cnt)++] = (unsigned)c->value;
    return BD_VALUE_OK;
}

static void order_print(const struct bd_row *row, const void *base, FILE *out)
{
    const unsigned *values = bd_row_field(row, base);
    fputc('[', out);
    for (unsigned i = 0; i < *bd_row_cnt(row, base); i++) {
        const char *word = bd_choice_word(row, (int)values[i]);
        fprintf(out, "%s%s", i ? ", " : "", word);
    }
    fputc(']', out);
}

static bool order_equal(const struct bd_row *row, const void *a, const void *b)
{
    unsigned cnt = *bd_row_cnt(row, a);
    return cnt == *bd_row_cnt(row, b) &&
           memcmp(bd_row_field(row, a), bd_row_field(row, b), cnt * sizeof(unsigned)) == 0;
}

const struct bd_kind bd_kind_order = {.name = "list of words",
                                      .list = true,
                                      .parse = order_parse,
                                      .print = order_print,
                                      .equal = order_equal,
                                      .release = bd_release_nothing,
                                      .is_set = array_is_set,
                                      .allowed = bd_choice_allowed};

static enum bd_value_rc flags_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    const struct bd_choice *c = bd_choice_of_word(row, text);
    unsigned *bits = bd_row_field(row, base);
    if (!c)
        return BD_VALUE_REFUSED;
    if (*bits & (unsigned)c->value)
        return BD_VALUE_TWICE;
    *bits |= (unsigned)c->value;
    return BD_VALUE_OK;
}

static void flags_print(const struct bd_row *row, const void *base, FILE *out)
{
    unsigned bits = *(const unsigned *)bd_row_field(row, base);
    const char *between = "";
    fputc('[', out);
    for (const struct bd_choice *c = row->choices; c->word; c++) {
        if (!(bits & (unsigned)c->value))
            continue;
        fprintf(out, "%s%s", between, c->word);
        between = ", ";
    }
    fputc(']', out);
}

static bool flags_equal(const struct bd_row *row, const void *a, const void *b)
{
    return *(const unsigned *)bd_row_field(row, a) == *(const unsigned *)bd_row_field(row, b);
}

static bool flags_is_set(const struct bd_row *row, const void *base)
{
    return *(const unsigned *)bd_row_field(row, base) != 0;
}

const struct bd_kind bd_kind_flags = {.name = "list of words",
                                      .list = true,
                                      .parse = flags_parse,
                                      .print = flags_print,
                                      .equal = flags_equal,
                                      .release = bd_release_nothing,
                                      .is_set = flags_is_set,
                                      .allowed = bd_choice_allowed};
