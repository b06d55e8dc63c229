/* SPDX-License-Identifier: BSD-3-Clause */
#include "reflect.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <string.h>

/* Each frame is written once into each buffer's memory: what is measured is the wire, not us. */
static void send_burst(struct wire *wire, const struct phone_form *form)
{
    if (!wire_push(wire) || wire_room(wire, WIRE_BURST) == 0)
        return;
    for (unsigned i = 0; i < WIRE_BURST; i++)
        memcpy(wire_frame(wire, i, form->len), form->frame, form->len);
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
    uint64_t end = warm + (uint64_t)(seconds * (double)hz);
    for (uint64_t now = start; now < end; now = rte_rdtsc()) {
        send_burst(wire, form);
        unsigned n = receive_burst(wire);
        frames += now >= warm ? n : 0;
    }
    report_reflect(report, (double)frames / seconds, form->len);
    return frames == 0;
}
