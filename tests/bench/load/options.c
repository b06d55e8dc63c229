/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ip.h"

static const char usage[] =
    "usage: bindery-load [options] PHASE...\n"
    "phases, in the order they are run in:\n"
    "  fill        registers, at --fill-rate, the phones that are not registered yet\n"
    "  register    Registration Rate (RFC 7502 6.7): each request to another address of record\n"
    "  reregister  Re-registration Rate (RFC 7502 6.8): the same ones again\n"
    "  challenge   REGISTER without credentials, answered 401\n"
    "  digest      REGISTER with credentials, sent ahead of a challenge\n"
    "  digest-full REGISTER without credentials, then with them: one attempt\n"
    "  redirect    INVITE to registered phones, answered 302\n"
    "  reflect     frames to a peer that swaps the MACs; no replies are checked\n"
    "options, with what they are when left out:\n"
    "  --socket PATH         memif socket (/run/bindery/memif.sock)\n"
    "  --listen              be the memif server\n"
    "  --cpu N               core of this program (0)\n"
    "  --ring LOG2           frames of a memif ring (10)\n"
    "  --memory MB           of hugepages (64)\n"
    "  --mac MAC, --registrar-mac MAC (02:00:00:00:00:02, 02:00:00:00:00:01)\n"
    "  --registrar IP:PORT   (198.18.0.1:5060); phones are 198.18.100.100 to 198.18.199.199\n"
    "  --domain NAME         (example.com)\n"
    "  --aors N              phones, numbers 0 to N-1 (1000000)\n"
    "  --first N             number of the first phone (0)\n"
    "  --size BYTES          of a request at least; 0: as phones write it, 600 on average (0)\n"
    "  --attempts N          of each step of the search (2000000)\n"
    "  --rate R              attempts a second to begin the search with (200000)\n"
    "  --fixed               no search: one run at --rate\n"
    "  --weight W            traffic increase weight, 0 < w <= 1 (1)\n"
    "  --threshold MS        a later reply is a failure (10)\n"
    "  --window N            attempts under way at once (3/4 of the ring)\n"
    "  --fill-rate R         (200000)\n"
    "  --in-order            re-register in the order of numbers, not at random\n"
    "  --cseq N              of the first request, 8 digits (10000000)\n"
    "  --seconds S           of a run at 10, 50 and 90 % of the rate, and of reflect (2)\n"
    "  --make NAME           all phones are of this make: yealink, snom, ... (all makes)\n"
    "  --watch FILE          /proc/PID/task/TID/schedstat of the registrar's worker: a step that\n"
    "                        failed while its core was somebody else's is repeated\n"
    "  --json FILE           the results once more\n";

static const struct option known[] = {
    {"socket", 1, NULL, 's'},        {"listen", 0, NULL, 'L'},    {"cpu", 1, NULL, 'c'},
    {"ring", 1, NULL, 'R'},          {"memory", 1, NULL, 'M'},    {"mac", 1, NULL, 'm'},
    {"registrar-mac", 1, NULL, 'g'}, {"registrar", 1, NULL, 'i'}, {"domain", 1, NULL, 'd'},
    {"aors", 1, NULL, 'n'},          {"first", 1, NULL, 'f'},     {"size", 1, NULL, 'z'},
    {"attempts", 1, NULL, 'a'},      {"rate", 1, NULL, 'r'},      {"fixed", 0, NULL, 'x'},
    {"weight", 1, NULL, 'w'},        {"threshold", 1, NULL, 't'}, {"window", 1, NULL, 'W'},
    {"fill-rate", 1, NULL, 'F'},     {"in-order", 0, NULL, 'o'},  {"cseq", 1, NULL, 'q'},
    {"seconds", 1, NULL, 'S'},       {"json", 1, NULL, 'j'},      {"make", 1, NULL, 'e'},
    {"watch", 1, NULL, 'k'},         {"help", 0, NULL, 'h'},      {NULL, 0, NULL, 0}};

static bool read_number(const char *text, double least, double most, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text && !*end && *out >= least && *out <= most;
}

static bool read_mac(const char *text, uint8_t mac[6])
{
    unsigned b[6];
    char end;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) !=
        6)
        return false;
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)b[i];
    return true;
}

static bool read_registrar(const char *text, struct phone_world *world)
{
    struct bd_endpoint at;
    if (!bd_endpoint_parse(bd_str_from(text), &at) || !bd_ip_is_v4(&at.ip))
        return false;
    memcpy(world->registrar, at.ip.b + 12, 4);
    world->registrar_port = at.port;
    return true;
}

static bool read_make(const char *text, int *make)
{
    for (*make = 0; *make < PHONE_MAKES; ++*make) {
        if (strcmp(text, phone_make_name[*make]) == 0)
            return true;
    }
    return false;
}

static bool set_text(struct options *o, int option, char *text)
{
    switch (option) {
    case 's':
        o->wire.socket = text;
        return true;
    case 'd':
        o->world.domain = text;
        return true;
    case 'j':
        o->json = text;
        return true;
    case 'k':
        o->watch = text;
        return true;
    case 'e':
        return read_make(text, &o->make);
    case 'L':
        return o->wire.server = true;
    case 'x':
        return o->fixed = true;
    case 'o':
        o->random = false;
        return true;
    case 'm':
        return read_mac(text, o->wire.mac);
    case 'g':
        return read_mac(text, o->world.registrar_mac);
    default: /* 'i' */
        return read_registrar(text, &o->world);
    }
}

static bool set_number(struct options *o, int option, const char *text)
{
    double n = 0;
    double most = option == 'c'   ? 1023
                  : option == 'R' ? 14
                  : option == 'w' ? 1
                  : option == 'W' ? 8192
                                  : 1e10;
    if (!read_number(text, option == 'c' || option == 'f' || option == 'z' ? 0 : 0.001, most, &n))
        return false;
    switch (option) {
    case 'c':
        o->wire.cpu = (unsigned)n;
        break;
    case 'R':
        o->wire.ring_log2 = (unsigned)n;
        break;
    case 'M':
        o->wire.memory_mb = (unsigned)n;
        break;
    case 'n':
        o->aors = (uint32_t)n;
        break;
    case 'f':
        o->first = (uint32_t)n;
        break;
    case 'z':
        o->world.size = (uint32_t)n;
        break;
    case 'a':
        o->attempts = (uint64_t)n;
        break;
    case 'r':
        o->rate = (uint64_t)n;
        break;
    case 'w':
        o->weight = n;
        break;
    case 't':
        o->threshold_ms = n;
        break;
    case 'W':
        o->window = (unsigned)n;
        break;
    case 'F':
        o->fill_rate = (uint64_t)n;
        break;
    case 'q':
        o->cseq = (uint32_t)n;
        break;
    default: /* 'S' */
        o->seconds = n;
    }
    return true;
}

static void set_defaults(struct options *o)
{
    static char run[9];
    snprintf(run, sizeof(run), "%08x", (unsigned)time(NULL));
    *o = (struct options){.wire = {.socket = "/run/bindery/memif.sock",
                                   .ring_log2 = 10,
                                   .memory_mb = 64,
                                   .mac = {2, 0, 0, 0, 0, 2}},
                          .world = {.domain = "example.com",
                                    .run = run,
                                    .registrar_mac = {2, 0, 0, 0, 0, 1},
                                    .registrar = {198, 18, 0, 1},
                                    .registrar_port = 5060,
                                    .nonce_words = 8},
                          .aors = 1000000,
                          .attempts = 2000000,
                          .rate = 200000,
                          .weight = 1,
                          .fill_rate = 200000,
                          .threshold_ms = 10,
                          .cseq = 10000000,
                          .random = true,
                          .make = -1,
                          .seconds = 2};
}

static int refuse(const char *what)
{
    fprintf(stderr, "bindery-load: %s\n", what);
    return 2;
}

int options_read(struct options *o, int argc, char **argv)
{
    set_defaults(o);
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'h' || c == '?') {
            fputs(usage, c == 'h' ? stdout : stderr);
            return c == 'h' ? -1 : 2;
        }
        if (!(strchr("sdjkeLxomgi", c) ? set_text(o, c, optarg) : set_number(o, c, optarg))) {
            fprintf(stderr, "bindery-load: cannot use \"%s\"\n", optarg);
            return 2;
        }
    }
    for (; optind < argc && o->phase_cnt < OPTIONS_PHASES_MAX; optind++)
        o->phase[o->phase_cnt++] = argv[optind];
    if (o->phase_cnt == 0)
        return refuse("name a phase; --help lists them");
    if (o->aors == 0 || o->first > PHONE_NUMBER_MAX || o->aors > PHONE_NUMBER_MAX + 1 - o->first)
        return refuse("--first and --aors: numbers have eight digits");
    if (o->cseq < 10000000 || o->cseq > 90000000)
        return refuse("--cseq: eight digits, 90000000 at most");
    if (o->window == 0)
        o->window = (1U << o->wire.ring_log2) / 4 * 3;
    memcpy(o->world.own_mac, o->wire.mac, 6);
    return 0;
}
