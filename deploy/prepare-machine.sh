#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Prepares a machine for Bindery. Root. Each command may be repeated: it changes only what is lacking.
#
#   prepare-machine.sh hugepages MEGABYTES       at least so much free in 2 MiB pages, and a mount
#   prepare-machine.sh netns NAME                a network namespace with its loopback up
#   prepare-machine.sh tap NETNS NAME ADDRESS... a persistent tap in it, addresses on its kernel side
#
# Nothing is ever lowered, unmounted or removed here; an attempt that fails is taken back.
set -euo pipefail

die()
{
    echo "prepare-machine.sh: $*" >&2
    exit 1
}

meminfo()
{
    awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo
}

hugepages()
{
    local page_kb free total wanted
    page_kb=$(meminfo Hugepagesize)
    [[ -n $page_kb ]] || die "this kernel has no hugepages (CONFIG_HUGETLBFS)"
    grep -q ' hugetlbfs ' /proc/mounts || {
        mkdir -p /dev/hugepages
        mount -t hugetlbfs hugetlbfs /dev/hugepages ||
            die "cannot mount hugetlbfs on /dev/hugepages: is this a container without the right?"
    }
    # Pages that are reserved are counted as free but are somebody's already.
    free=$(($(meminfo HugePages_Free) - $(meminfo HugePages_Rsvd)))
    total=$(meminfo HugePages_Total)
    wanted=$((($1 * 1024 + page_kb - 1) / page_kb))
    ((free < wanted)) || return 0
    (((wanted - free) * page_kb < $(meminfo MemAvailable))) ||
        die "$1 MiB of hugepages are wanted, $((free * page_kb / 1024)) are free and only" \
            "$(($(meminfo MemAvailable) / 1024)) MiB of memory are left to make them of"
    echo $((total + wanted - free)) >/proc/sys/vm/nr_hugepages
    free=$(($(meminfo HugePages_Free) - $(meminfo HugePages_Rsvd)))
    ((free >= wanted)) || {
        echo "$total" >/proc/sys/vm/nr_hugepages
        die "wanted $wanted free hugepages of $page_kb KiB, the kernel gave $free:" \
            "memory is fragmented; reserve them at boot (hugepages=$wanted)"
    }
}

netns()
{
    [[ -e /run/netns/$1 ]] || ip netns add "$1" || die "cannot make the network namespace $1"
    ip -netns "$1" link set lo up
}

# The tap is made here and persistent, so that its kernel side keeps its addresses while the dataplane,
# which joins it by name, is restarted.
tap()
{
    local ns=$1 name=$2 address
    shift 2
    ip -netns "$ns" link show "$name" >/dev/null 2>&1 ||
        ip -netns "$ns" tuntap add dev "$name" mode tap multi_queue ||
        die "cannot make the tap $name: is there a /dev/net/tun?"
    for address in "$@"; do
        if [[ $address == *:* ]]; then
            # No duplicate address detection: there is nobody else on this wire.
            ip -netns "$ns" -6 addr replace "$address" dev "$name" nodad
        else
            ip -netns "$ns" addr replace "$address" dev "$name"
        fi
    done
    ip -netns "$ns" link set "$name" up
}

[[ $(id -u) == 0 ]] || die "must be root"
verb=${1:-}
case $verb in
hugepages) [[ $# == 2 && $2 =~ ^[0-9]+$ ]] || die "usage: hugepages MEGABYTES" ;;
netns) [[ $# == 2 ]] || die "usage: netns NAME" ;;
tap) (($# >= 3)) || die "usage: tap NETNS NAME ADDRESS..." ;;
*) die "usage: prepare-machine.sh hugepages|netns|tap ..." ;;
esac
shift
"$verb" "$@"
