/* SPDX-License-Identifier: BSD-3-Clause */
/* One datagram, parsed and walked (exercise.h), with marks and without (twins.h), and each
 * vector primitive beside its scalar twin on its words. */
#include "fuzz.h"

#include "corpus.h"
#include "exercise.h"
#include "twins.h"

static struct guarded guarded;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    guarded = guarded_new(65536);
    return 0;
}

static bool is_blank(char c)
{
    return strchr("\r\n\t ;,=:<>\"", c) != NULL;
}

static void words(const char *p, const char *end)
{
    while (p < end) {
        const char *begin = p;
        while (p < end && !is_blank(*p))
            p++;
        twins_same_word((struct bd_str){begin, (uint32_t)(p - begin)});
        p += p < end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536)
        return -1;
    const struct bd_str text = {(const char *)data, (uint32_t)size};
    const char *high = guarded_high(&guarded, text);
    exercise(high, text.len);
    if (text.len > BD_SIP_MESSAGE_MAX)
        return 0;
    twins_same_message((struct bd_str){high, text.len});
    words(high, high + text.len);
    exercise(guarded_low(&guarded, text), text.len);
    return 0;
}
