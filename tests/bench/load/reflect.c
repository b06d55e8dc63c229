/* SPDX-License-Identifier: BSD-3-Clause */
#include "reflect.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "digits.h"
#include "rest.h"

/* Writes one right frame into the memory of all buffers; sending changes none of it. */
static void fill_buffers(struct wire *wire, const struct phone_form *form)
{
    static struct rte_mbuf *mbuf[WIRE_BUFFERS];
    struct phone_request request =
        phone_request_of(digits_decimal8(0), digits_decimal8(10000000), 1);
    unsigned n = 0;
    for (; n < WIRE_BUFFERS && (mbuf[n] = rte_pktmbuf_alloc(wire->pool)); n++)
        phone_write(form, &request, rte_pktmbuf_mtod(mbuf[n], uint8_t *));
    rte_pktmbuf_free_bulk(mbuf, n);
}

static void send_burst(struct wire *wire, const struct phone_form *form)
{
    if (!wire_push(wire) || wire_room(wire, WIRE_BURST) == 0)
        return;
    for (unsigned i = 0; i < WIRE_BURST; i++)
        wire_frame(wire, i, form->len);
    wire_push(wire);
}

static unsigned receive_burst(const struct wire *wire)
{
    struct rte_mbuf *mbuf[2 * WIRE_BURST];
    unsigned n = rte_eth_rx_burst(wire->port, 0, mbuf, 2 * WIRE_BURST);
    rte_pktmbuf_free_bulk(mbuf, n);
    return n;
}

int reflect(struct wire *wire, const struct phone_form *form, double seconds, struct report *report)
{
    uint64_t hz = rte_get_tsc_hz(), start = rte_rdtsc(), warm = start + hz / 5, frames = 0;
    struct rest rest;
    rest_init(&rest, hz);
    fill_buffers(wire, form);
    uint64_t end = warm + (uint64_t)(seconds * (double)hz);
    for (uint64_t now = start; now < end; now = rte_rdtsc()) {
        send_burst(wire, form);
        unsigned n = receive_burst(wire);
        frames += now >= warm ? n : 0;
        rest_if_due(&rest, now);
    }
    report_reflect(report, (double)frames / seconds, form->len);
    return frames == 0;
}
