/* SPDX-License-Identifier: BSD-3-Clause */
/* This file itself is built for any x86-64: see meson.build, which hands over what the others are
 * built for as BD_CPU_WANTS, a list of names as __builtin_cpu_supports knows them. */
#include "cpu.h"

#include <string.h>
#include <unistd.h>

const char *bd_cpu_lacks(void)
{
    __builtin_cpu_init();
#define X(name)                                                                                    \
    if (!__builtin_cpu_supports(name))                                                             \
        return name;
    BD_CPU_WANTS(X)
#undef X
    return NULL;
}

static void say(const char *text)
{
    ssize_t rc = write(STDERR_FILENO, text, strlen(text));
    (void)rc;
}

__attribute__((constructor)) void bd_cpu_check(void)
{
    const char *lacks = bd_cpu_lacks();
    if (!lacks)
        return;
    say("this program was built for a processor with ");
    say(lacks);
    say(", which this one lacks: build it anew here, or with meson's -Dmarch=x86-64-v2\n");
    _exit(1);
}
