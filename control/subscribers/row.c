/* SPDX-License-Identifier: BSD-3-Clause */
#include "row.h"

#include "hex.h"

#include <stdio.h>

enum {
    COL_ID,
    COL_USERNAME,
    COL_DOMAIN,
    COL_REALM,
    COL_HA1,
    COL_PREFIX = COL_HA1 + BD_HA1_COLUMNS,
    COL_CREATED,
    COL_MODIFIED,
    COL_PROFILE,
    COL_IMPLICIT
};

const struct bd_ha1_column bd_ha1_column[BD_HA1_COLUMNS] = {
    {"ha1", BD_HA1_PLAIN, BD_ALG_MD5},
    {"ha1b", BD_HA1_WITH_DOMAIN, BD_ALG_MD5},
    {"ha1_sha256", BD_HA1_PLAIN, BD_ALG_SHA256},
    {"ha1b_sha256", BD_HA1_WITH_DOMAIN, BD_ALG_SHA256},
    {"ha1_sha512_256", BD_HA1_PLAIN, BD_ALG_SHA512_256},
    {"ha1b_sha512_256", BD_HA1_WITH_DOMAIN, BD_ALG_SHA512_256},
};

static int invalid(struct bd_error *error, const char *what)
{
    bd_fail(error, "%s", what);
    return BD_SUBSCRIBERS_INVALID;
}

static bool has_control(struct bd_str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    }
    return false;
}

static bool has_any(struct bd_str s, const char *bytes)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if (strchr(bytes, s.p[i]))
            return true;
    }
    return has_control(s);
}

static void copy(char *out, struct bd_str s)
{
    if (s.len > 0)
        memcpy(out, s.p, s.len);
    out[s.len] = '\0';
}

int bd_row_set_identity(struct bd_subscriber *row, struct bd_str username, struct bd_str domain,
                        struct bd_str realm, struct bd_error *error)
{
    if (username.len == 0 || username.len > BD_USERNAME_MAX)
        return invalid(error, "the username must have 1 to 128 bytes");
    if (has_any(username, "@: "))
        return invalid(error, "the username must not hold '@', ':', a space or a control byte");
    if (domain.len == 0 || domain.len > BD_DOMAIN_NAME_MAX || has_any(domain, "@ /\""))
        return invalid(error, "the domain must be a host name of 1 to 253 bytes");
    copy(row->username, username);
    copy(row->domain, domain);
    for (char *c = row->domain; *c; c++)
        *c = bd_lower(*c);
    if (!realm.p)
        realm = bd_str_from(row->domain);
    if (realm.len == 0 || realm.len > BD_REALM_MAX || has_control(realm))
        return invalid(error, "the realm must have 1 to 128 bytes and no control byte");
    copy(row->realm, realm);
    return BD_SUBSCRIBERS_DONE;
}

int bd_row_set_password(struct bd_subscriber *row, struct bd_digest *digest, struct bd_str password,
                        struct bd_error *error)
{
    if (password.len == 0 || password.len > BD_PASSWORD_MAX || has_control(password))
        return invalid(error, "the password must have 1 to 256 bytes and no control byte");
    if (!bd_ha1_make(digest, bd_str_from(row->username), bd_str_from(row->domain),
                     bd_str_from(row->realm), password, &row->ha1))
        return bd_fail(error, "OpenSSL could not hash the password");
    return BD_SUBSCRIBERS_DONE;
}

int bd_row_set_prefix(struct bd_subscriber *row, struct bd_str prefix, struct bd_error *error)
{
    row->has_prefix = prefix.len > 0;
    if (row->has_prefix && !bd_prefix_parse(prefix, &row->prefix))
        return invalid(error, "the trusted prefix must be ADDRESS or ADDRESS/LENGTH, host bits 0");
    return BD_SUBSCRIBERS_DONE;
}

int bd_row_set_profile(struct bd_subscriber *row, struct bd_str profile, struct bd_error *error)
{
    if (profile.len > BD_PROFILE_NAME_MAX || has_any(profile, " \""))
        return invalid(error, "the profile must be a name of up to 32 bytes");
    copy(row->profile, profile);
    return BD_SUBSCRIBERS_DONE;
}

int bd_row_set_implicit(struct bd_subscriber *row, struct bd_str primary, struct bd_error *error)
{
    const char *at = primary.len ? memrchr(primary.p, '@', primary.len) : NULL;
    *row->implicit_of = '\0';
    if (primary.len == 0)
        return BD_SUBSCRIBERS_DONE;
    struct bd_str user = {primary.p, at ? (uint32_t)(at - primary.p) : 0};
    struct bd_str domain = {at + 1, at ? primary.len - user.len - 1 : 0};
    if (user.len == 0 || user.len > BD_USERNAME_MAX || has_any(user, "@: "))
        return invalid(error, "the primary identity must be written as user@domain");
    if (!bd_str_eq_nocase(domain, bd_str_from(row->domain)))
        return invalid(error, "the primary identity must be of the same domain");
    if (bd_str_eq(user, bd_str_from(row->username)))
        return invalid(error, "no identity is its own primary: leave it empty");
    snprintf(row->implicit_of, sizeof(row->implicit_of), "%.*s@%s", BD_STR_ARG(user), row->domain);
    return BD_SUBSCRIBERS_DONE;
}

int bd_row_set_ha1(struct bd_subscriber *row, const struct bd_ha1_column *column,
                   struct bd_str text, struct bd_error *error)
{
    char lower[BD_DIGEST_TEXT_MAX];
    uint32_t sz = bd_digest_sz(column->alg);
    for (uint32_t i = 0; i < text.len && i < sizeof(lower); i++)
        lower[i] = bd_lower(text.p[i]);
    if (text.len != 2 * sz ||
        !bd_hex_decode((struct bd_str){lower, text.len},
                       bd_ha1_place(&row->ha1, column->form, column->alg), sz)) {
        bd_fail(error, "%s must be %u hexadecimal digits", column->name, 2 * sz);
        return BD_SUBSCRIBERS_INVALID;
    }
    row->ha1.present |= (uint8_t)BD_HA1_BIT(column->form, column->alg);
    return BD_SUBSCRIBERS_DONE;
}

static void bind_text(sqlite3_stmt *stmt, int column, const char *text, size_t len)
{
    sqlite3_bind_text(stmt, column + 1, text, (int)len, SQLITE_TRANSIENT);
}

void bd_row_bind(sqlite3_stmt *stmt, const struct bd_subscriber *row)
{
    sqlite3_bind_null(stmt, COL_ID + 1);
    if (row->id != 0)
        sqlite3_bind_int64(stmt, COL_ID + 1, row->id);
    bind_text(stmt, COL_USERNAME, row->username, strlen(row->username));
    bind_text(stmt, COL_DOMAIN, row->domain, strlen(row->domain));
    bind_text(stmt, COL_REALM, row->realm, strlen(row->realm));
    for (int i = 0; i < BD_HA1_COLUMNS; i++) {
        char text[BD_DIGEST_TEXT_MAX];
        uint32_t sz = bd_digest_sz(bd_ha1_column[i].alg);
        const uint8_t *ha1 = bd_ha1_get(&row->ha1, bd_ha1_column[i].form, bd_ha1_column[i].alg);
        if (ha1)
            bd_hex_encode(ha1, sz, text);
        bind_text(stmt, COL_HA1 + i, text, ha1 ? 2 * sz : 0);
    }
    char prefix[BD_ENDPOINT_TEXT_MAX];
    bind_text(stmt, COL_PREFIX, prefix,
              row->has_prefix ? bd_prefix_format(&row->prefix, prefix) : 0);
    sqlite3_bind_int64(stmt, COL_CREATED + 1, row->created_s);
    sqlite3_bind_int64(stmt, COL_MODIFIED + 1, row->modified_s);
    bind_text(stmt, COL_PROFILE, row->profile, strlen(row->profile));
    bind_text(stmt, COL_IMPLICIT, row->implicit_of, strlen(row->implicit_of));
}

static struct bd_str column_text(sqlite3_stmt *stmt, int column)
{
    const void *text = sqlite3_column_text(stmt, column);
    return (struct bd_str){text ? text : "", (uint32_t)sqlite3_column_bytes(stmt, column)};
}

bool bd_row_read(sqlite3_stmt *stmt, struct bd_subscriber *row)
{
    struct bd_error ignored;
    row->id = sqlite3_column_int64(stmt, COL_ID);
    row->ha1.present = 0;
    for (int i = 0; i < BD_HA1_COLUMNS; i++) {
        struct bd_str text = column_text(stmt, COL_HA1 + i);
        if (text.len > 0)
            bd_row_set_ha1(row, &bd_ha1_column[i], text, &ignored);
    }
    row->created_s = sqlite3_column_int64(stmt, COL_CREATED);
    row->modified_s = sqlite3_column_int64(stmt, COL_MODIFIED);
    struct bd_str realm = column_text(stmt, COL_REALM);
    return bd_row_set_identity(row, column_text(stmt, COL_USERNAME), column_text(stmt, COL_DOMAIN),
                               realm.len ? realm : BD_STR_NULL, &ignored) == BD_SUBSCRIBERS_DONE &&
           bd_row_set_prefix(row, column_text(stmt, COL_PREFIX), &ignored) == BD_SUBSCRIBERS_DONE &&
           bd_row_set_profile(row, column_text(stmt, COL_PROFILE), &ignored) ==
               BD_SUBSCRIBERS_DONE &&
           bd_row_set_implicit(row, column_text(stmt, COL_IMPLICIT), &ignored) ==
               BD_SUBSCRIBERS_DONE;
}
