/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <command_line.h>
#include <string.h>

static const char about[] =
    "Phones register and refresh by digest while somebody floods the registrar by the same wire.\n"
    "Ends after --seconds, when all phones are registered; the flood lasts as long. Prints one "
    "line\n"
    "of key=value. Exit status 0: all phones were registered, and no reply was wrong.\n";

static const char after[] =
    "The registrar is 198.18.0.1:5060 and 02:00:00:00:00:01; the phones are 198.18.100.100 to\n"
    "198.18.199.199, each of the first ten thousand with an address of its own.\n";

static bool read_kind(const struct option_row *row, const char *text)
{
    for (unsigned kind = 0; kind <= FLOOD_MIX; kind++) {
        if (strcmp(text, flood_kind_name[kind]) == 0) {
            *(enum flood_kind *)row->to = (enum flood_kind)kind;
            return true;
        }
    }
    return false;
}

static void set_defaults(struct options *o)
{
    *o = (struct options){.crowd = {.cnt = 1000, .spread_s = 1},
                          .flood = {.kind = FLOOD_MIX, .sources = 1},
                          .seconds = 10,
                          .limit_s = 100};
    command_line_defaults(&o->wire, &o->crowd.world);
}

int options_read(struct options *o, int argc, char **argv)
{
    set_defaults(o);
    struct crowd_options *crowd = &o->crowd;
    struct flood_options *flood = &o->flood;
    const struct option_row own[] = {
        {"phones", "N", "(1000); phone dddddddd is 4930dddddddd with password secret-dddddddd",
         option_u32, &crowd->cnt, 1, 100000},
        {"spread", "S", "within which they are switched on (1)", option_real, &crowd->spread_s,
         0.0001, 3600},
        {"kind", "KIND",
         "plain, forged, garbage, truncated, giant, fragments, torture, ipv6 or mix (mix)",
         read_kind, &flood->kind},
        {"rotate", "S", "another kind each so many seconds instead", option_real, &flood->rotate_s,
         0.01, 3600},
        {"torture", "FOLDER", "with FOLDER/*/*.dat: messages of kind torture", option_text,
         &flood->torture},
        {"rate", "N", "frames a second (0: no flood); what the wire does not take is lost",
         option_real, &flood->rate_per_s, 0, 1e8},
        {"sources", "N", "forged source addresses, 1 to 105000 (1)", option_u32, &flood->sources, 1,
         FLOOD_SOURCES_MAX},
        {"head", "S", "the flood begins so much later than the phones (0)", option_real, &o->head_s,
         0, 3600},
        {"seconds", "S", "(10)", option_real, &o->seconds, 0.1, 100000},
        {"limit", "S", "ends then even if not all phones are registered (100)", option_real,
         &o->limit_s, 0.1, 100000}};
    const struct command_line line = {
        "bindery-attack", about, after, &o->wire, &crowd->world, own, sizeof(own) / sizeof(own[0])};
    int rc = command_line_read(&line, argc, argv);
    flood->world = crowd->world;
    return rc;
}
