/* SPDX-License-Identifier: BSD-3-Clause */
#include "station.h"

bool bd_station_owns(const struct bd_station *station, const struct bd_ip *ip)
{
    for (unsigned i = 0; i < station->address_cnt; i++) {
        if (bd_ip_eq(&station->address[i].ip, ip))
            return true;
    }
    return false;
}

bool bd_station_solicited(const struct bd_station *station, const struct bd_ip *ip)
{
    static const uint8_t solicited[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
    if (memcmp(ip->b, solicited, sizeof(solicited)) != 0)
        return false;
    for (unsigned i = 0; i < station->address_cnt; i++) {
        const struct bd_ip *own = &station->address[i].ip;
        if (!bd_ip_is_v4(own) && memcmp(own->b + 13, ip->b + 13, 3) == 0)
            return true;
    }
    return false;
}

bool bd_station_serves(const struct bd_station *station, const struct bd_endpoint *destination)
{
    for (unsigned i = 0; i < station->listen_cnt; i++) {
        const struct bd_endpoint *listen = &station->listen[i];
        if (listen->port == destination->port && bd_ip_eq(&listen->ip, &destination->ip))
            return true;
    }
    return false;
}
