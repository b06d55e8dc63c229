/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <command_line.h>
#include <stddef.h>

static const char about[] =
    "Switches phones on, all within --spread, and waits until all are registered. Digest: the "
    "phone\n"
    "4930dddddddd has the password secret-dddddddd. Prints one line of key=value. Exit status 0: "
    "all\n"
    "were registered, and no reply was wrong.\n";

static const char after[] =
    "The registrar is 198.18.0.1:5060 and 02:00:00:00:00:01; the phones are 198.18.100.100 to\n"
    "198.18.199.199, a hundred of a million behind each address, each with its port.\n";

static void set_defaults(struct options *o)
{
    *o = (struct options){.crowd = {.cnt = 1000000, .spread_s = 1},
                          .limit_s = 300,
                          .series = "bindery",
                          .step_s = 0.05};
    command_line_defaults(&o->wire, &o->crowd.world);
}

int options_read(struct options *o, int argc, char **argv)
{
    set_defaults(o);
    struct crowd_options *crowd = &o->crowd;
    const struct option_row own[] = {
        {"aors", "N", "phones (1000000)", option_u32, &crowd->cnt, 1, PHONE_NUMBER_MAX},
        {"spread", "S", "within which they are switched on (1)", option_real, &crowd->spread_s,
         0.0001, 3600},
        {"honour", "PERCENT", "of the phones do what Retry-After says; the others wait 30 s (0)",
         option_u32, &crowd->honour, 0, 100},
        {"random-wait", NULL, "no answer: wait a random time up to 60 s instead of 60 s",
         option_flag, &crowd->random_wait},
        {"limit", "S", "ends then all the same (300)", option_real, &o->limit_s, 0.001, 100000},
        {"csv", "FILE", "how many are registered over time", option_text, &o->csv},
        {"series", "NAME", "name of the curve in it (bindery)", option_text, &o->series},
        {"step", "S", "between its lines (0.05)", option_real, &o->step_s, 0.001, 3600},
        {"watch", "FILE", "/proc/PID/task/TID/schedstat of the registrar's worker", option_text,
         &o->watch}};
    const struct command_line line = {
        "bindery-avalanche",         about, after, &o->wire, &crowd->world, own,
        sizeof(own) / sizeof(own[0])};
    return command_line_read(&line, argc, argv);
}
