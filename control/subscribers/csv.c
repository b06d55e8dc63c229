/* SPDX-License-Identifier: BSD-3-Clause */
#include "csv.h"

/* Reads "..." from p (behind the opening quote), undoing "" in place. NULL when it is not closed.
 */
static char *quoted(char *p, const char *end, struct bd_str *field)
{
    char *out = p;
    field->p = p;
    for (; p < end; p++) {
        if (*p == '"') {
            if (end - p < 2 || p[1] != '"') {
                field->len = (uint32_t)(out - field->p);
                return p + 1;
            }
            p++;
        }
        *out++ = *p;
    }
    return NULL;
}

static char *bare(char *p, const char *end, struct bd_str *field)
{
    field->p = p;
    while (p < end && *p != ',' && *p != '"')
        p++;
    field->len = (uint32_t)(p - field->p);
    return p;
}

int bd_csv_split(char *line, uint32_t len, struct bd_str *fields, int max)
{
    char *p = line;
    const char *end = line + len;
    if (end > p && end[-1] == '\n')
        end--;
    if (end > p && end[-1] == '\r')
        end--;
    for (int cnt = 0; cnt < max; p++) {
        struct bd_str *field = &fields[cnt++];
        p = p < end && *p == '"' ? quoted(p + 1, end, field) : bare(p, end, field);
        if (!p || (p < end && *p != ','))
            return -1;
        if (p == end)
            return cnt;
    }
    return max + 1;
}
