/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
    {"arena", no_argument, NULL, 'a'},        {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0}};

static bool end(struct bd_options *options, int status)
{
    options->exit_status = status;
    return false;
}

static void print_help(const char *program)
{
    printf(
        "usage: %s -c FILE [-t | -a]\n"
        "  -c, --config FILE  the configuration\n"
        "  -t, --test         check the configuration and exit\n"
        "  -a, --arena        tell whether the arena there is fits this program and the\n"
        "                     configuration (status 0: it does, or there is none; 3: it does not)\n"
        "  -h, --help         this text\n"
        "      --version      the version\n",
        program);
}

bool bd_options_parse(struct bd_options *options, int argc, char **argv, const char *program)
{
    *options = (struct bd_options){0};
    int c;
    unsigned file_cnt = 0;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "c:tah", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->config_file = optarg;
            file_cnt++;
            break;
        case 't':
            options->check_only = true;
            break;
        case 'a':
            options->arena_only = true;
            break;
        case 'h':
            print_help(program);
            return end(options, 0);
        case 'V':
            printf("%s %s\n", program, BD_VERSION);
            return end(options, 0);
        default:
            fprintf(stderr, "%s: wrong or incomplete option %s; see %s --help\n", program,
                    argv[optind - 1], program);
            return end(options, 2);
        }
    }
    if (file_cnt != 1 || optind < argc) {
        fprintf(stderr, "%s: name one configuration file: %s -c FILE [-t | -a]\n", program,
                program);
        return end(options, 2);
    }
    return true;
}
