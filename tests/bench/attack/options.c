/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: bindery-attack [options]\n"
    "Phones register and refresh by digest while somebody floods the registrar by the same wire.\n"
    "Ends after --seconds, when all phones are registered; the flood lasts as long. Prints one "
    "line\n"
    "of key=value. Exit status 0: all phones were registered, and no reply was wrong.\n"
    "  --socket PATH       memif socket (/run/bindery/memif.sock)\n"
    "  --interface NAME    a packet socket on this interface instead of a memif\n"
    "  --cpu N             core of this program (0)\n"
    "  --memory MB         of hugepages (64)\n"
    "  --domain NAME       and realm (example.com)\n"
    "  --nonce N           characters of the registrar's nonces: 8, 16 ... 64 (64)\n"
    "  --phones N          (1000); phone dddddddd is 4930dddddddd with password secret-dddddddd\n"
    "  --spread S          within which they are switched on (1)\n"
    "  --kind KIND         plain, forged, garbage, truncated, giant, fragments, torture, ipv6 or "
    "mix (mix)\n"
    "  --rotate S          another kind each so many seconds instead\n"
    "  --torture FOLDER    with FOLDER/*/*.dat: messages of kind torture\n"
    "  --rate N            frames a second (0: no flood); what the wire does not take is lost\n"
    "  --sources N         forged source addresses, 1 to 105000 (1)\n"
    "  --head S            the flood begins so much later than the phones (0)\n"
    "  --seconds S         (10)\n"
    "  --limit S           ends then even if not all phones are registered (100)\n"
    "The registrar is 198.18.0.1:5060 and 02:00:00:00:00:01; the phones are 198.18.100.100 to\n"
    "198.18.199.199, each of the first ten thousand with an address of its own.\n";

static const struct option known[] = {
    {"socket", 1, NULL, 's'},  {"interface", 1, NULL, 'i'}, {"cpu", 1, NULL, 'c'},
    {"memory", 1, NULL, 'M'},  {"domain", 1, NULL, 'd'},    {"nonce", 1, NULL, 'n'},
    {"phones", 1, NULL, 'a'},  {"spread", 1, NULL, 'p'},    {"kind", 1, NULL, 'k'},
    {"rotate", 1, NULL, 'o'},  {"torture", 1, NULL, 't'},   {"rate", 1, NULL, 'r'},
    {"sources", 1, NULL, 'S'}, {"head", 1, NULL, 'H'},      {"seconds", 1, NULL, 'e'},
    {"limit", 1, NULL, 'l'},   {"help", 0, NULL, 'h'},      {NULL, 0, NULL, 0}};

static bool set_kind(struct options *o, const char *text)
{
    for (unsigned kind = 0; kind <= FLOOD_MIX; kind++) {
        if (strcmp(text, flood_kind_name[kind]) == 0) {
            o->flood.kind = (enum flood_kind)kind;
            return true;
        }
    }
    return false;
}

static bool set_text(struct options *o, int option, const char *text)
{
    switch (option) {
    case 's':
        o->wire.socket = text;
        return true;
    case 'i':
        o->wire.interface = text;
        return true;
    case 'd':
        o->crowd.world.domain = text;
        return true;
    case 't':
        o->flood.torture = text;
        return true;
    case 'k':
        return set_kind(o, text);
    default:
        return false;
    }
}

static const struct {
    int option;
    double least, most;
} bounds[] = {
    {'c', 0, 1023},      {'M', 16, 65536},   {'n', 8, 8 * 8},     {'a', 1, 100000},
    {'p', 0.0001, 3600}, {'o', 0.01, 3600},  {'r', 0, 100000000}, {'S', 1, FLOOD_SOURCES_MAX},
    {'H', 0, 3600},      {'e', 0.1, 100000}, {'l', 0.1, 100000}};

static bool read_number(int option, const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    for (unsigned i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        if (bounds[i].option == option)
            return *text && !*end && *out >= bounds[i].least && *out <= bounds[i].most;
    }
    return false;
}

static bool set_number(struct options *o, int option, const char *text)
{
    double n;
    if (!read_number(option, text, &n))
        return false;
    switch (option) {
    case 'c':
        o->wire.cpu = (unsigned)n;
        return true;
    case 'M':
        o->wire.memory_mb = (unsigned)n;
        return true;
    case 'n':
        o->crowd.world.nonce_words = (uint32_t)n / 8;
        return (uint32_t)n % 8 == 0;
    case 'a':
        o->crowd.cnt = (uint32_t)n;
        return true;
    case 'p':
        o->crowd.spread_s = n;
        return true;
    case 'o':
        o->flood.rotate_s = n;
        return true;
    case 'r':
        o->flood.rate_per_s = n;
        return true;
    case 'S':
        o->flood.sources = (uint32_t)n;
        return true;
    case 'H':
        o->head_s = n;
        return true;
    case 'e':
        o->seconds = n;
        return true;
    default: /* 'l' */
        o->limit_s = n;
        return true;
    }
}

static void set_defaults(struct options *o)
{
    static char run[9];
    snprintf(run, sizeof(run), "%08x", (unsigned)time(NULL));
    *o = (struct options){.wire = {.socket = "/run/bindery/memif.sock",
                                   .ring_log2 = 12,
                                   .memory_mb = 64,
                                   .mac = {2, 0, 0, 0, 0, 2}},
                          .crowd = {.world = {.domain = "example.com",
                                              .run = run,
                                              .registrar_mac = {2, 0, 0, 0, 0, 1},
                                              .own_mac = {2, 0, 0, 0, 0, 2},
                                              .registrar = {198, 18, 0, 1},
                                              .registrar_port = 5060,
                                              .nonce_words = 8},
                                    .cnt = 1000,
                                    .spread_s = 1},
                          .flood = {.kind = FLOOD_MIX, .sources = 1},
                          .seconds = 10,
                          .limit_s = 100};
}

int options_read(struct options *o, int argc, char **argv)
{
    set_defaults(o);
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'h' || c == '?') {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? -1 : 2;
        }
        if (!set_text(o, c, optarg) && !set_number(o, c, optarg)) {
            fprintf(stderr, "bindery-attack: cannot use \"%s\"\n", optarg);
            return 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    o->flood.world = o->crowd.world;
    return 0;
}
