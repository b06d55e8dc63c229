/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rows of a list mean. Private to privileges/.
 *
 *   CALL(name, why)                          allowed
 *   CALL_IF(name, arg, mask, value, why)     allowed when (argument arg & mask) == value
 *   CALL_ERROR(name, code, why)              not made; the caller is told `code` */
#ifndef BD_CALL_LIST_H
#define BD_CALL_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "calls.h"

struct bd_call {
    int number;
    const char *name, *why;
    int arg; /* -1: whatever its arguments are */
    int error;
    uint64_t mask, value;
};

struct bd_call_list {
    const char *name; /* of whom it is */
    const struct bd_call *call;
    unsigned cnt;
};

const struct bd_call_list *bd_call_list(enum bd_seccomp_list list);

#endif
