/* SPDX-License-Identifier: BSD-3-Clause */
#include "receive.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum { RECEIVE_BURST = 64 };

bool crowd_receive(struct wire *wire, struct crowd *crowd, uint32_t now)
{
    struct rte_mbuf *mbuf[RECEIVE_BURST];
    unsigned n = rte_eth_rx_burst(wire->port, 0, mbuf, RECEIVE_BURST);
    for (unsigned i = 0; i < n; i++)
        crowd_take(crowd, now, rte_pktmbuf_mtod(mbuf[i], const uint8_t *), mbuf[i]->data_len);
    rte_pktmbuf_free_bulk(mbuf, n);
    return n > 0;
}
