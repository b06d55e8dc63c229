/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command_line.h"
#include "ip.h"
#include "run.h"

static const char about[] =
    "phases, in the order they are run in:\n"
    "  fill        registers, at --fill-rate, the phones that are not registered yet\n"
    "  register    Registration Rate (RFC 7502 6.7): each request to another address of record\n"
    "  reregister  Re-registration Rate (RFC 7502 6.8): the same ones again\n"
    "  challenge   REGISTER without credentials, answered 401\n"
    "  digest      REGISTER with credentials, sent ahead of a challenge\n"
    "  digest-full REGISTER without credentials, then with them: one attempt\n"
    "  redirect    INVITE to registered phones, answered 302\n"
    "  reflect     frames to a peer that swaps the MACs; no replies are checked\n"
    "options, with what they are when left out:\n";

static bool read_mac(const struct option_row *row, const char *text)
{
    uint8_t *mac = row->to;
    unsigned b[6];
    char end;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) !=
        6)
        return false;
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)b[i];
    return true;
}

static bool read_registrar(const struct option_row *row, const char *text)
{
    struct phone_world *world = row->to;
    struct bd_endpoint at;
    if (!bd_endpoint_parse(bd_str_from(text), &at) || !bd_ip_is_v4(&at.ip))
        return false;
    memcpy(world->registrar, at.ip.b + 12, 4);
    world->registrar_port = at.port;
    return true;
}

static bool read_make(const struct option_row *row, const char *text)
{
    int *make = row->to;
    for (*make = 0; *make < PHONE_MAKES; ++*make) {
        if (strcmp(text, phone_make_name[*make]) == 0)
            return true;
    }
    return false;
}

static void set_defaults(struct options *o)
{
    *o = (struct options){.aors = 1000000,
                          .attempts = 2000000,
                          .rate = 200000,
                          .weight = 1,
                          .fill_rate = 200000,
                          .threshold_ms = 500,
                          .cseq = 10000000,
                          .make = -1,
                          .seconds = 2};
    command_line_defaults(&o->wire, &o->world);
    o->wire.ring_log2 = 10;
}

static int refuse(const char *what)
{
    fprintf(stderr, "bindery-load: %s\n", what);
    return 2;
}

static int check(struct options *o)
{
    if (o->phase_cnt == 0)
        return refuse("name a phase; --help lists them");
    if (o->aors > PHONE_NUMBER_MAX + 1 - o->first)
        return refuse("--first and --aors: numbers have eight digits");
    if (o->window == 0)
        o->window = (1U << o->wire.ring_log2) / 4 * 3;
    return 0;
}

static int read_options(struct options *o, int argc, char **argv)
{
    const struct option_row own[] = {
        {"listen", NULL, "be the memif server", option_flag, &o->wire.server},
        {"mac", "MAC", "(02:00:00:00:00:02)", read_mac, o->wire.mac},
        {"registrar-mac", "MAC", "(02:00:00:00:00:01)", read_mac, o->world.registrar_mac},
        {"registrar", "IP:PORT", "(198.18.0.1:5060); phones are 198.18.100.100 to 198.18.199.199",
         read_registrar, &o->world},
        {"aors", "N", "phones, numbers 0 to N-1 (1000000)", option_u32, &o->aors, 1,
         PHONE_NUMBER_MAX + 1},
        {"first", "N", "number of the first phone (0)", option_u32, &o->first, 0, PHONE_NUMBER_MAX},
        {"size", "BYTES", "of a request at least; 0: as phones write it, 600 on average (0)",
         option_u32, &o->world.size, 0, PHONE_FRAME_MAX},
        {"attempts", "N", "of each step of the search (2000000)", option_u64, &o->attempts, 1,
         1e10},
        {"rate", "R", "attempts a second to begin the search with (200000)", option_u64, &o->rate,
         1, 1e10},
        {"fixed", NULL, "no search: one run at --rate", option_flag, &o->fixed},
        {"weight", "W", "traffic increase weight, 0 < w <= 1 (1)", option_real, &o->weight, 0.001,
         1},
        {"threshold", "MS", "a later reply is a failure (500: T1)", option_real, &o->threshold_ms,
         0.001, 1e10},
        {"window", "N", "attempts under way at once (3/4 of the ring)", option_u32, &o->window, 1,
         RUN_SLOTS / 4 * 3},
        {"fill-rate", "R", "(200000)", option_u64, &o->fill_rate, 1, 1e10},
        {"in-order", NULL, "re-register in the order of numbers, not at random", option_flag,
         &o->in_order},
        {"cseq", "N", "of the first request, 8 digits (10000000)", option_u32, &o->cseq, 10000000,
         90000000},
        {"seconds", "S", "of a run at 10, 50 and 90 % of the rate, and of reflect (2)", option_real,
         &o->seconds, 0.001, 100000},
        {"make", "NAME", "all phones are of this make: yealink, snom, ... (all makes)", read_make,
         &o->make},
        {"watch", "FILE",
         "/proc/PID/task/TID/schedstat of the registrar's worker: a step that failed\n"
         "                        while its core was somebody else's is repeated",
         option_text, &o->watch},
        {"json", "FILE", "the results once more", option_text, &o->json}};
    const struct command_line line = {
        "bindery-load",  about, "", &o->wire, &o->world, own, sizeof(own) / sizeof(own[0]),
        .operands = true};
    return command_line_read(&line, argc, argv);
}

int options_read(struct options *o, int argc, char **argv)
{
    set_defaults(o);
    int rc = read_options(o, argc, argv);
    for (; optind < argc && o->phase_cnt < OPTIONS_PHASES_MAX; optind++)
        o->phase[o->phase_cnt++] = argv[optind];
    return rc != 0 ? rc : check(o);
}
