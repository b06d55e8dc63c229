/* SPDX-License-Identifier: BSD-3-Clause */
/* The schema: a row per key, grouped into sections, and the kinds of values. Private to config/.
 *
 *   section "registrar"   = a map       group: own keys, group: registration keys (base: .defaults)
 *   section "domains"     = maps        group: own keys, group: registration keys (inherited)
 *   section "listen"      = one row     group: that row
 *
 * Whatever handles the configuration walks these rows: reading, defaults, printing, comparing,
 * docs. */
#ifndef BD_CONFIG_SCHEMA_H
#define BD_CONFIG_SCHEMA_H

#include "config.h"
#include "errors.h"

struct bd_row;

enum bd_value_rc { BD_VALUE_OK, BD_VALUE_REFUSED, BD_VALUE_TWICE, BD_VALUE_TOO_MANY };

/* How a value is read, written, compared and freed. `base` is the struct that holds the field; a
 * list kind is given one element after the other. */
struct bd_kind {
    const char *name; /* in the docs */
    bool list;
    bool plain;                    /* a scalar in quotes is no such value */
    size_t size;                   /* of one value */
    const struct bd_kind *element; /* of an array kind */
    enum bd_value_rc (*parse)(const struct bd_row *row, struct bd_str text, void *base);
    void (*print)(const struct bd_row *row, const void *base, FILE *out);
    bool (*equal)(const struct bd_row *row, const void *a, const void *b);
    void (*release)(const struct bd_row *row, void *base);
    bool (*is_set)(const struct bd_row *row, const void *base);
    /* What may stand there: "1..86400 s", "true or false". */
    void (*allowed)(const struct bd_row *row, FILE *out);
};

/* truth is YAML's own true and false; side is a bool with words of ours. */
extern const struct bd_kind bd_kind_number, bd_kind_number64, bd_kind_truth, bd_kind_side,
    bd_kind_choice, bd_kind_text, bd_kind_endpoint;
extern const struct bd_kind bd_kind_texts, bd_kind_endpoints, bd_kind_addresses, bd_kind_prefixes,
    bd_kind_order, bd_kind_flags, bd_kind_bulk;

struct bd_choice {
    const char *word; /* NULL ends a list */
    int value;
};

const struct bd_choice *bd_choice_of_word(const struct bd_row *row, struct bd_str word);
const char *bd_choice_word(const struct bd_row *row, int value); /* "?" when it has none */
void bd_choice_allowed(const struct bd_row *row, FILE *out);
void bd_release_nothing(const struct bd_row *row, void *base);

/* Which texts a text key takes. */
struct bd_form {
    const char *what;
    bool (*holds)(struct bd_str text);
};
extern const struct bd_form bd_form_host, bd_form_path, bd_form_socket, bd_form_name,
    bd_form_lcores, bd_form_interface, bd_form_pci, bd_form_mac, bd_form_quotable, bd_form_value,
    bd_form_secret, bd_form_file, bd_form_aor, bd_form_domain, bd_form_route, bd_form_identity,
    bd_form_registrant, bd_form_peer;
/* Which of the two kinds of text an `interface` is. */
bool bd_form_is_interface_name(struct bd_str text);

struct bd_row {
    const char *name;
    const struct bd_kind *kind;
    uint16_t off, cnt_off; /* of the field, and of its count (lists) */
    const char *fallback;  /* default as text, a list with ", "; NULL: none */
    const char *example;   /* for the default file, when there is no default */
    uint64_t min, max;     /* numbers; lengths of texts; max elements of lists */
    const char *unit;
    const struct bd_choice *choices;
    const struct bd_form *form;
    bool required, secret, restart;
    bool shown, hidden; /* stands uncommented, commented out in the default file */
    bool power_of_two;
    const char *help;
};

struct bd_group {
    const struct bd_row *rows;
    unsigned row_cnt;
    size_t base;    /* added to the struct's address */
    bool inherited; /* an absent key is looked for in section registrar before its default */
};

enum bd_shape { BD_SHAPE_MAP, BD_SHAPE_MAPS, BD_SHAPE_ROW };

struct bd_section {
    const char *name;
    enum bd_shape shape;
    const struct bd_group *groups;
    unsigned group_cnt;
    /* Of BD_SHAPE_MAPS: the array in bd_config. */
    size_t item_sz;
    uint16_t items_off, item_cnt_off;
    unsigned item_max;
    bool optional;
    const char *help;
};

extern const struct bd_section bd_sections[];
extern const unsigned bd_section_cnt;

static inline void *bd_row_field(const struct bd_row *row, const void *base)
{
    return (char *)(uintptr_t)base + row->off;
}
static inline unsigned *bd_row_cnt(const struct bd_row *row, const void *base)
{
    return (unsigned *)((char *)(uintptr_t)base + row->cnt_off);
}

/* The array of a BD_SHAPE_MAPS section. */
static inline char *bd_section_items(const struct bd_section *s, const struct bd_config *config,
                                     unsigned *cnt)
{
    *cnt = *(const unsigned *)((const char *)config + s->item_cnt_off);
    return *(char *const *)((const char *)config + s->items_off);
}

/* Calls visit for each row; `base` is what its offsets count from, NULL when item is. */
typedef void bd_row_visit(const struct bd_group *group, const struct bd_row *row, void *base,
                          void *arg);
void bd_rows_visit(const struct bd_section *section, void *item, bd_row_visit *visit, void *arg);

#endif
