/* SPDX-License-Identifier: BSD-3-Clause */
/* A conversation with the registrar beside its model (conversation.h): each byte is a decision.
 * Requests, time that goes by, other settings, kills of the dataplane, an operator's removals. */
#include "fuzz.h"

#include "conversation.h"

static struct fuzz_input in;

static unsigned roll(unsigned n)
{
    return fuzz_below(&in, n);
}

/* The sweeper's work: it may change nothing that one can see. */
static void expire(struct lab *lab)
{
    uint32_t cursor = 0, due[64];
    unsigned cnt;
    bool more = true;
    while (more) {
        more =
            bd_table_due(&lab->table, &cursor, 1024, (uint32_t)(lab->now_ms / 1000), due, 64, &cnt);
        for (unsigned i = 0; i < cnt; i++)
            bd_registrar_expire(lab->registrar, due[i], lab->now_ms);
    }
}

static void step(struct lab *lab, struct conversation *c)
{
    switch (fuzz_below(&in, 16)) {
    case 12:
        conversation_settle(c);
        break;
    case 13:
        conversation_kill(c);
        break;
    case 14:
        conversation_unregister(c);
        break;
    case 15:
        expire(lab);
        break;
    default:
        conversation_step(c);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    conversation_roll = roll;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    in = (struct fuzz_input){data, size};
    struct lab *lab = lab_new(64);
    struct conversation *c = conversation_begin(lab, 0);
    for (unsigned i = 0; i < CONVERSATION_STEPS_MAX && in.left > 0; i++)
        step(lab, c);
    conversation_end(c);
    lab_free(lab);
    return 0;
}
