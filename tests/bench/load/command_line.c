/* SPDX-License-Identifier: BSD-3-Clause */
#include "command_line.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool option_text(const struct option_row *row, const char *text)
{
    *(const char **)row->to = text;
    return true;
}

bool option_flag(const struct option_row *row, const char *text)
{
    return *(bool *)row->to = true;
}

bool option_real(const struct option_row *row, const char *text)
{
    char *end;
    double n = strtod(text, &end);
    if (!*text || *end || !(n >= row->least && n <= row->most))
        return false;
    *(double *)row->to = n;
    return true;
}

static bool read_whole(const struct option_row *row, const char *text, double *out)
{
    struct option_row real = *row;
    real.to = out;
    return option_real(&real, text);
}

bool option_u32(const struct option_row *row, const char *text)
{
    double n;
    if (!read_whole(row, text, &n))
        return false;
    *(uint32_t *)row->to = (uint32_t)n;
    return true;
}

bool option_u64(const struct option_row *row, const char *text)
{
    double n;
    if (!read_whole(row, text, &n))
        return false;
    *(uint64_t *)row->to = (uint64_t)n;
    return true;
}

/* In words of eight characters. */
static bool read_nonce(const struct option_row *row, const char *text)
{
    double n;
    if (!read_whole(row, text, &n) || (uint32_t)n % 8 != 0)
        return false;
    *(uint32_t *)row->to = (uint32_t)n / 8;
    return true;
}

void command_line_defaults(struct wire_options *wire, struct phone_world *world)
{
    static char run[9];
    snprintf(run, sizeof(run), "%08x", (unsigned)time(NULL));
    *wire = (struct wire_options){.socket = "/run/bindery/memif.sock",
                                  .ring_log2 = 12,
                                  .memory_mb = 64,
                                  .mac = {2, 0, 0, 0, 0, 2}};
    *world = (struct phone_world){.domain = "example.com",
                                  .run = run,
                                  .registrar_mac = {2, 0, 0, 0, 0, 1},
                                  .registrar = {198, 18, 0, 1},
                                  .registrar_port = 5060,
                                  .nonce_words = 8};
}

/* All rows of a program: what is common, then its own. */
struct rows {
    struct option_row row[COMMAND_LINE_OPTIONS_MAX];
    unsigned cnt;
};

static void add(struct rows *rows, const struct option_row *row, unsigned cnt)
{
    for (unsigned i = 0; i < cnt && rows->cnt < COMMAND_LINE_OPTIONS_MAX; i++)
        rows->row[rows->cnt++] = row[i];
}

static void gather(const struct command_line *line, struct rows *rows)
{
    struct wire_options *wire = line->wire;
    struct phone_world *world = line->world;
    const struct option_row common[] = {
        {"socket", "PATH", "memif socket (/run/bindery/memif.sock)", option_text, &wire->socket},
        {"interface", "NAME", "a packet socket on this interface instead of a memif", option_text,
         &wire->interface},
        {"cpu", "N", "core of this program (0)", option_u32, &wire->cpu, 0, 1023},
        {"ring", "LOG2", "frames of a memif ring (12, of bindery-load 10)", option_u32,
         &wire->ring_log2, 1, 14},
        {"memory", "MB", "of hugepages (64)", option_u32, &wire->memory_mb, 16, 65536},
        {"domain", "NAME", "and realm (example.com)", option_text, &world->domain},
        {"nonce", "N", "characters of the registrar's nonces: 8, 16 ... 64 (64)", read_nonce,
         &world->nonce_words, 8, 64}};
    add(rows, common, sizeof(common) / sizeof(common[0]));
    add(rows, line->own, line->own_cnt);
}

static void print_usage(const struct command_line *line, const struct rows *rows, FILE *to)
{
    fprintf(to, "usage: %s [options]%s\n%s", line->program, line->operands ? " PHASE..." : "",
            line->about);
    for (unsigned i = 0; i < rows->cnt; i++) {
        const struct option_row *row = &rows->row[i];
        int dashed = fprintf(to, "  --%s%s%s", row->name, row->value ? " " : "",
                             row->value ? row->value : "");
        fprintf(to, "%*s%s\n", dashed < 23 ? 24 - dashed : 1, "", row->help);
    }
    fputs(line->after, to);
}

static int refuse(const struct command_line *line, const struct option_row *row, const char *text)
{
    fprintf(stderr, "%s: --%s: cannot use \"%s\"", line->program, row->name, text);
    if (row->least < row->most)
        fprintf(stderr, ", wants %.10g to %.10g", row->least, row->most);
    fputc('\n', stderr);
    return 2;
}

static int read_all(const struct command_line *line, const struct rows *rows, int argc, char **argv)
{
    enum { HELP = 1, OPTION = 2 };
    struct option known[COMMAND_LINE_OPTIONS_MAX + 2] = {0};
    for (unsigned i = 0; i < rows->cnt; i++)
        known[i] = (struct option){rows->row[i].name, rows->row[i].value != NULL, NULL, OPTION};
    known[rows->cnt] = (struct option){"help", 0, NULL, HELP};
    int at = 0;
    for (int c; (c = getopt_long(argc, argv, "", known, &at)) != -1;) {
        if (c != OPTION) {
            print_usage(line, rows, c == HELP ? stdout : stderr);
            return c == HELP ? -1 : 2;
        }
        if (!rows->row[at].read(&rows->row[at], optarg))
            return refuse(line, &rows->row[at], optarg);
    }
    if (optind == argc || line->operands)
        return 0;
    print_usage(line, rows, stderr);
    return 2;
}

int command_line_read(const struct command_line *line, int argc, char **argv)
{
    struct rows rows = {0};
    gather(line, &rows);
    int rc = read_all(line, &rows, argc, argv);
    memcpy(line->world->own_mac, line->wire->mac, sizeof(line->wire->mac));
    return rc;
}
