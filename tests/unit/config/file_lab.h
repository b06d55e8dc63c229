/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder with a configuration and one file that it names, for programs that look at both. */
#ifndef FILE_LAB_H
#define FILE_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config.h"

#define FILE_LAB_HEAD                                                                              \
    "ports: [{name: a, driver: ring, addresses: [198.18.0.1/24]}]\n"                               \
    "listen: [\"198.18.0.1:5060\"]\n"                                                              \
    "domains: [{name: example.com}]\n"

/* Paths, from file_lab_open on. */
extern char file_lab_config[64], file_lab_other[64];

/* The other file's name in the folder. 0, for a set-up. */
int file_lab_open(const char *other);
int file_lab_close(void **state);

/* Loads this configuration with this text in the other file; NULL: there is none. *errors is what
 * was said; the caller frees both. */
struct bd_config *file_lab_load(const char *config, const char *other, char **errors);
/* The same where nothing may be said. */
struct bd_config *file_lab_load_good(const char *config, const char *other);

#endif
