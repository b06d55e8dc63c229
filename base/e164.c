/* SPDX-License-Identifier: BSD-3-Clause */
#include "e164.h"

#include <inttypes.h>
#include <stdio.h>

const uint64_t bd_e164_power[BD_E164_DIGITS_MAX + 1] = {1ULL,
                                                        10ULL,
                                                        100ULL,
                                                        1000ULL,
                                                        10000ULL,
                                                        100000ULL,
                                                        1000000ULL,
                                                        10000000ULL,
                                                        100000000ULL,
                                                        1000000000ULL,
                                                        10000000000ULL,
                                                        100000000000ULL,
                                                        1000000000000ULL,
                                                        10000000000000ULL,
                                                        100000000000000ULL,
                                                        1000000000000000ULL};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

bool bd_e164_parse(struct bd_str text, struct bd_e164 *number)
{
    *number = (struct bd_e164){0};
    if (text.len < 2 || text.p[0] != '+')
        return false;
    for (uint32_t i = 1; i < text.len; i++) {
        char c = text.p[i];
        if (is_separator(c))
            continue;
        bool leading_zero = number->digits == 0 && c == '0';
        if (!is_digit(c) || leading_zero || number->digits == BD_E164_DIGITS_MAX)
            return false;
        number->value = number->value * 10 + (uint64_t)(c - '0');
        number->digits++;
    }
    return number->digits > 0;
}

uint32_t bd_e164_format(const struct bd_e164 *number, char out[BD_E164_TEXT_MAX])
{
    return (uint32_t)snprintf(out, BD_E164_TEXT_MAX, "+%" PRIu64, number->value);
}

/* Takes the digits that the text begins with; false when there are none or too many. */
static bool take_digits(struct bd_str *text, uint64_t *value, unsigned *digits)
{
    *value = 0;
    *digits = 0;
    while (text->len > 0 && is_digit(text->p[0])) {
        if (*digits == BD_E164_DIGITS_MAX)
            return false;
        *value = *value * 10 + (uint64_t)(text->p[0] - '0');
        ++*digits;
        text->p++;
        text->len--;
    }
    return *digits > 0;
}

static bool take_plus(struct bd_str *text)
{
    if (text->len == 0 || text->p[0] != '+')
        return false;
    text->p++;
    text->len--;
    return true;
}

/* What stands behind the "-" of a range. */
static bool take_last(struct bd_str text, struct bd_e164_set *set)
{
    bool whole = take_plus(&text);
    unsigned digits;
    if (!take_digits(&text, &set->last, &digits) || text.len > 0 || digits > set->digits ||
        (whole && digits != set->digits))
        return false;
    set->last += set->first - set->first % bd_e164_power[digits];
    return set->first <= set->last;
}

bool bd_e164_set_parse(struct bd_str text, struct bd_e164_set *set)
{
    unsigned digits;
    *set = (struct bd_e164_set){0};
    if (!take_plus(&text) || text.len == 0 || text.p[0] == '0' ||
        !take_digits(&text, &set->first, &digits))
        return false;
    set->last = set->first;
    set->digits = (uint8_t)digits;
    set->prefix = bd_str_eq(text, BD_STR("*"));
    if (text.len == 0 || set->prefix)
        return true;
    return text.p[0] == '-' && take_last((struct bd_str){text.p + 1, text.len - 1}, set);
}

uint32_t bd_e164_set_format(const struct bd_e164_set *set, char out[BD_E164_SET_MAX])
{
    int n =
        set->first == set->last
            ? snprintf(out, BD_E164_SET_MAX, "+%" PRIu64 "%s", set->first, set->prefix ? "*" : "")
            : snprintf(out, BD_E164_SET_MAX, "+%" PRIu64 "-+%" PRIu64, set->first, set->last);
    return (uint32_t)n;
}
