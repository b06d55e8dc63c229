/* SPDX-License-Identifier: BSD-3-Clause */
/* The kind of `bulk`: entries as texts. Their words are read by check_bulk.c, which can say what is
 * wrong with one of a hundred. */
#include <stdlib.h>

#include "schema.h"

static struct bd_config_bulk *entries(const struct bd_row *row, const void *base)
{
    return *(struct bd_config_bulk **)bd_row_field(row, base);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* A copy with one space between words. */
static char *squeeze(struct bd_str text)
{
    char *out = bd_need_text(text.p, text.len);
    size_t len = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        if (!is_blank(text.p[i]))
            out[len++] = text.p[i];
        else if (len > 0 && out[len - 1] != ' ')
            out[len++] = ' ';
    }
    if (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
    return out;
}

static enum bd_value_rc bulk_parse(const struct bd_row *row, struct bd_str text, void *base)
{
    unsigned *cnt = bd_row_cnt(row, base);
    struct bd_config_bulk **items = bd_row_field(row, base);
    if (*cnt >= row->max)
        return BD_VALUE_TOO_MANY;
    *items = bd_need_resized(*items, *cnt + 1U, sizeof(**items));
    char *copy = squeeze(text);
    (*items)[(*cnt)++] =
        (struct bd_config_bulk){.text = copy, .user_len = (uint32_t)strcspn(copy, " ")};
    return BD_VALUE_OK;
}

static void bulk_print(const struct bd_row *row, const void *base, FILE *out)
{
    fputc('[', out);
    for (unsigned i = 0; i < *bd_row_cnt(row, base); i++)
        fprintf(out, "%s\"%s\"", i ? ", " : "", entries(row, base)[i].text);
    fputc(']', out);
}

static bool bulk_equal(const struct bd_row *row, const void *a, const void *b)
{
    unsigned cnt = *bd_row_cnt(row, a);
    if (cnt != *bd_row_cnt(row, b))
        return false;
    for (unsigned i = 0; i < cnt; i++) {
        if (strcmp(entries(row, a)[i].text, entries(row, b)[i].text) != 0)
            return false;
    }
    return true;
}

static void bulk_release(const struct bd_row *row, void *base)
{
    struct bd_config_bulk **items = bd_row_field(row, base);
    for (unsigned i = 0; i < *bd_row_cnt(row, base); i++) {
        free((*items)[i].text);
        free((*items)[i].sets);
    }
    free(*items);
    *items = NULL;
    *bd_row_cnt(row, base) = 0;
}

static bool bulk_is_set(const struct bd_row *row, const void *base)
{
    return *bd_row_cnt(row, base) > 0;
}

static void bulk_allowed(const struct bd_row *row, FILE *out)
{
    fputs("a PBX and its numbers, as \"pbx1 +49305550000-9999\"", out);
}

const struct bd_kind bd_kind_bulk = {.name = "list of PBXs with numbers",
                                     .list = true,
                                     .parse = bulk_parse,
                                     .print = bulk_print,
                                     .equal = bulk_equal,
                                     .release = bulk_release,
                                     .is_set = bulk_is_set,
                                     .allowed = bulk_allowed};
