/* SPDX-License-Identifier: BSD-3-Clause */
#include "outbox.h"

#include <stdio.h>

#include <digits.h>

enum { CSEQ_FIRST = 10000000, BRANCH_TX = 0xffffff, BRANCH_NUMBER = 0xfffffff };

/* No eight decimal digits look like either half of a branch: see check.c. */
#define BRANCH_HIGH 0xb1000000U
#define BRANCH_LOW  0xc0000000U

uint64_t outbox_sequence(uint32_t number, uint32_t tx)
{
    return (uint64_t)(BRANCH_HIGH | (tx & BRANCH_TX)) << 32 | BRANCH_LOW | number;
}

bool outbox_whose(uint64_t sequence, uint32_t *number)
{
    *number = (uint32_t)sequence & BRANCH_NUMBER;
    return outbox_sequence(*number, (uint32_t)(sequence >> 32)) == sequence;
}

struct phone_request outbox_request(const struct outbox_request *request)
{
    struct phone_request fields = phone_request_of(digits_decimal8(request->number),
                                                   digits_decimal8(CSEQ_FIRST + request->tx),
                                                   outbox_sequence(request->number, request->tx));
    fields.field[PHONE_NC] = digits_hex8(request->nc);
    return fields;
}

bool outbox_init(struct outbox *outbox, const struct phone_world *world, uint32_t phones,
                 struct wire *wire)
{
    outbox->wire = wire;
    for (unsigned make = 0; make < PHONE_MAKES; make++) {
        if (!phone_form_make(&outbox->form[0][make], world, PHONE_REGISTER, make) ||
            !phone_form_make(&outbox->form[1][make], world, PHONE_REGISTER_DIGEST, make)) {
            fprintf(stderr, "bindery-avalanche: a request of %s does not fit into a frame\n",
                    phone_make_name[make]);
            return false;
        }
    }
    outbox->digest = digest_new(world->domain, phones, 8 * world->nonce_words);
    return true;
}

static void write_batch(struct outbox *outbox, bool secret)
{
    const struct outbox_batch *batch = &outbox->batch[secret];
    struct phone_request fields[OUTBOX_BATCH];
    uint32_t number[OUTBOX_BATCH];
    for (unsigned i = 0; i < batch->cnt; i++) {
        fields[i] = outbox_request(&batch->request[i]);
        number[i] = batch->request[i].number;
    }
    if (secret)
        digest_answer(outbox->digest, fields, number, batch->cnt);
    for (unsigned i = 0; i < batch->cnt; i++) {
        const struct phone_form *form =
            &outbox->form[secret][phone_make_of(fields[i].field[PHONE_USER])];
        phone_write(form, &fields[i], wire_frame(outbox->wire, i, form->len));
    }
}

static void send_batch(struct outbox *outbox, bool secret)
{
    struct outbox_batch *batch = &outbox->batch[secret];
    outbox->sent += batch->cnt;
    if (wire_room(outbox->wire, batch->cnt) == 0) {
        outbox->lost += batch->cnt;
    } else {
        write_batch(outbox, secret);
        if (!wire_push(outbox->wire))
            outbox->lost += wire_drop(outbox->wire);
    }
    batch->cnt = 0;
}

void outbox_put(struct outbox *outbox, const struct outbox_request *request, bool secret)
{
    struct outbox_batch *batch = &outbox->batch[secret];
    batch->request[batch->cnt++] = *request;
    if (batch->cnt == OUTBOX_BATCH)
        send_batch(outbox, secret);
}

bool outbox_flush(struct outbox *outbox)
{
    bool any = false;
    for (unsigned secret = 0; secret < 2; secret++) {
        if (outbox->batch[secret].cnt == 0)
            continue;
        send_batch(outbox, secret);
        any = true;
    }
    return any;
}
