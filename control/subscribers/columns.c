/* SPDX-License-Identifier: BSD-3-Clause */
#include "columns.h"

static const struct bd_columns with_password = {
    4, {FIELD_USERNAME, FIELD_DOMAIN, FIELD_PASSWORD, FIELD_PREFIX}};
static const struct bd_columns with_ha1 = {
    6, {FIELD_USERNAME, FIELD_DOMAIN, FIELD_HA1, FIELD_HA1 + 2, FIELD_HA1 + 4, FIELD_PREFIX}};

static int field_by_name(struct bd_str name)
{
    static const char *const plain[FIELD_HA1] = {"username",       "domain",  "password",
                                                 "trusted_prefix", "profile", "implicit_of"};
    for (int i = 0; i < FIELD_CNT; i++) {
        const char *text = i < FIELD_HA1 ? plain[i] : bd_ha1_column[i - FIELD_HA1].name;
        if (bd_str_eq_nocase(name, bd_str_from(text)))
            return i;
    }
    return -1;
}

int bd_columns_read(struct bd_columns *header, const struct bd_str *text, int cnt,
                    struct bd_error *error)
{
    bool is_header = false;
    for (int i = 0; i < cnt; i++)
        is_header = is_header || field_by_name(text[i]) == FIELD_USERNAME;
    if (!is_header)
        return 0;
    unsigned seen = 0;
    for (int i = 0; i < cnt; i++) {
        int field = field_by_name(text[i]);
        if (field < 0 || seen & 1U << field)
            return bd_fail(error, "column \"%.*s\" is unknown or stands twice",
                           BD_STR_ARG(text[i]));
        seen |= 1U << field;
        header->field[i] = (uint8_t)field;
    }
    if (!(seen & 1U << FIELD_DOMAIN))
        return bd_fail(error, "there is no column \"domain\"");
    header->cnt = cnt;
    return 1;
}

const char *bd_columns_sort(const struct bd_columns *header, const struct bd_str *text, int cnt,
                            struct bd_str by_field[FIELD_CNT], unsigned *named)
{
    const struct bd_columns *columns = header;
    if (columns->cnt == 0)
        columns = cnt <= with_password.cnt ? &with_password : &with_ha1;
    if (header->cnt ? cnt != columns->cnt : cnt < columns->cnt - 1 || cnt > columns->cnt)
        return header->cnt ? "has another number of fields than the header line"
                           : "must have 3 or 4 fields (password) or 5 or 6 (HA1s)";
    for (int i = 0; i < FIELD_CNT; i++)
        by_field[i] = BD_STR("");
    *named = 0;
    for (int i = 0; i < cnt; i++) {
        by_field[columns->field[i]] = text[i];
        *named |= 1U << columns->field[i];
    }
    return NULL;
}
