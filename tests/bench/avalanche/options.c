/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: bindery-avalanche [options]\n"
    "Switches phones on, all within --spread, and waits until all are registered. Digest: the "
    "phone\n"
    "4930dddddddd has the password secret-dddddddd. Prints one line of key=value. Exit status 0: "
    "all\n"
    "were registered, and no reply was wrong.\n"
    "  --socket PATH       memif socket (/run/bindery/memif.sock)\n"
    "  --interface NAME    a packet socket on this interface instead of a memif\n"
    "  --cpu N             core of this program (0)\n"
    "  --ring LOG2         frames of a memif ring (12)\n"
    "  --memory MB         of hugepages (64)\n"
    "  --domain NAME       and realm (example.com)\n"
    "  --nonce N           characters of the registrar's nonces: 8, 16 ... 64 (64)\n"
    "  --aors N            phones (1000000)\n"
    "  --spread S          within which they are switched on (1)\n"
    "  --honour PERCENT    of the phones do what Retry-After says; the others wait 30 s (0)\n"
    "  --random-wait       no answer: wait a random time up to 60 s instead of 60 s\n"
    "  --limit S           ends then all the same (300)\n"
    "  --csv FILE          how many are registered over time\n"
    "  --series NAME       name of the curve in it (bindery)\n"
    "  --step S            between its lines (0.05)\n"
    "  --watch FILE        /proc/PID/task/TID/schedstat of the registrar's worker\n"
    "The registrar is 198.18.0.1:5060 and 02:00:00:00:00:01; the phones are 198.18.100.100 to\n"
    "198.18.199.199, a hundredth of a million behind each address.\n";

static const struct option known[] = {
    {"socket", 1, NULL, 's'},      {"interface", 1, NULL, 'i'}, {"cpu", 1, NULL, 'c'},
    {"ring", 1, NULL, 'R'},        {"memory", 1, NULL, 'M'},    {"domain", 1, NULL, 'd'},
    {"nonce", 1, NULL, 'n'},       {"aors", 1, NULL, 'a'},      {"spread", 1, NULL, 'p'},
    {"honour", 1, NULL, 'o'},      {"limit", 1, NULL, 'l'},     {"csv", 1, NULL, 'v'},
    {"random-wait", 0, NULL, 'w'}, {"series", 1, NULL, 'e'},    {"step", 1, NULL, 't'},
    {"watch", 1, NULL, 'k'},       {"help", 0, NULL, 'h'},      {NULL, 0, NULL, 0}};

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
    case 'v':
        o->csv = text;
        return true;
    case 'e':
        o->series = text;
        return true;
    case 'k':
        o->watch = text;
        return true;
    case 'w':
        o->crowd.random_wait = true;
        return true;
    default:
        return false;
    }
}

static const struct {
    int option;
    double least, most;
} bounds[] = {{'c', 0, 1023},
              {'R', 1, 14},
              {'M', 16, 65536},
              {'n', 8, 8 * 8},
              {'a', 1, PHONE_NUMBER_MAX},
              {'p', 0.0001, 3600},
              {'o', 0, 100},
              {'l', 0.001, 100000},
              {'t', 0.001, 3600}};

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
    case 'R':
        o->wire.ring_log2 = (unsigned)n;
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
        o->crowd.honour = (unsigned)n;
        return true;
    case 'l':
        o->limit_s = n;
        return true;
    default: /* 't' */
        o->step_s = n;
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
                                    .cnt = 1000000,
                                    .spread_s = 1},
                          .limit_s = 300,
                          .series = "bindery",
                          .step_s = 0.05};
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
            fprintf(stderr, "bindery-avalanche: cannot use \"%s\"\n", optarg);
            return 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    return 0;
}
