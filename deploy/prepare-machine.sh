#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Prepares a machine for Bindery. Root. Each command may be repeated: it changes only what is lacking.
#
#   prepare-machine.sh hugepages MEGABYTES       at least so much free in 2 MiB pages, and a mount
#   prepare-machine.sh gigapages COUNT           so many free pages of 1 GiB, and a mount: for large arenas
#   prepare-machine.sh user [NAME]               the system user that the processes become (bindery), and its group
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

# The arena goes there by itself when it fills them. They are hard to get on a machine that has run for a
# while: reserve them at boot (hugepagesz=1G hugepages=COUNT).
gigapages()
{
    local pages=/sys/kernel/mm/hugepages/hugepages-1048576kB dir=/dev/hugepages-1G free total
    [[ -d $pages ]] || die "this processor or kernel has no pages of 1 GiB"
    grep -q ' hugetlbfs .*pagesize=1024M' /proc/mounts || {
        mkdir -p "$dir"
        mount -t hugetlbfs -o pagesize=1G hugetlbfs "$dir" || die "cannot mount hugetlbfs on $dir"
    }
    free=$(($(<"$pages/free_hugepages") - $(<"$pages/resv_hugepages")))
    total=$(<"$pages/nr_hugepages")
    ((free < $1)) || return 0
    echo $((total + $1 - free)) >"$pages/nr_hugepages"
    free=$(($(<"$pages/free_hugepages") - $(<"$pages/resv_hugepages")))
    ((free >= $1)) || {
        echo "$total" >"$pages/nr_hugepages"
        die "wanted $1 free pages of 1 GiB, the kernel gave $free:" \
            "memory is fragmented; reserve them at boot (hugepagesz=1G hugepages=$1)"
    }
}

# As sysusers.d/bindery.conf makes it where systemd is.
user()
{
    local name=${1:-bindery}
    getent passwd "$name" >/dev/null && return
    getent group "$name" >/dev/null || groupadd --system "$name" || die "cannot make the group $name"
    useradd --system --gid "$name" --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
        --comment 'Bindery SIP registrar' "$name" || die "cannot make the user $name"
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
gigapages) [[ $# == 2 && $2 =~ ^[0-9]+$ ]] || die "usage: gigapages COUNT" ;;
user) (($# <= 2)) || die "usage: user [NAME]" ;;
netns) [[ $# == 2 ]] || die "usage: netns NAME" ;;
tap) (($# >= 3)) || die "usage: tap NETNS NAME ADDRESS..." ;;
*) die "usage: prepare-machine.sh hugepages|gigapages|user|netns|tap ..." ;;
esac
shift
"$verb" "$@"
