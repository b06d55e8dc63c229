#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The ports of nic/ under clients of Debian: ping, arping, socat, Python. Root.
#
#   [BUILD=DIR] tests/e2e/nic/run.sh
#
# Needs DIR/tests/unit/nic/nic_echo, a UDP echo on the library itself. Makes a network namespace of its own
# with a tap and a veth pair, and removes it. The last line is "N passed, M failed".
#
# An af_packet port on a veth sees the kernel's datagrams before anybody made their checksum. That is left
# so here on purpose: the port must cope.
set -uo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
build=$(cd "${BUILD:-$here/../../../build}" 2>/dev/null && pwd) || { echo "no build folder"; exit 2; }
export echo_binary=$build/tests/unit/nic/nic_echo wire=$here/wire.py

if [[ -z ${NIC_TEST_NS:-} ]]; then
    export NIC_TEST_NS=bd-nic-$$
    ip netns add "$NIC_TEST_NS" || exit 2
    trap 'ip netns delete "$NIC_TEST_NS"' EXIT
    trap 'exit 130' INT TERM
    ip netns exec "$NIC_TEST_NS" "${BASH_SOURCE[0]}"
    exit
fi

work=$(mktemp -d) passed=0 failed=0 pid=
trap 'stop_echo; rm -rf "$work"' EXIT

python() { /usr/bin/python3 "$wire" "$@"; }

# check WHAT COMMAND...: one case.
check()
{
    local what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $what"
    else
        failed=$((failed + 1))
        echo "FAIL  $what: $*"
        sed 's/^/      /' "$work/log" "$work/out" "$work/err" 2>/dev/null | tail -n 40
    fi
}

# start_echo ARGUMENT...: in the background; returns when it is ready.
start_echo()
{
    : >"$work/out" # not what the one before it said
    "$echo_binary" "$@" >"$work/out" 2>"$work/err" &
    pid=$!
    for _ in {1..100}; do
        grep -q '^ready' "$work/out" && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# stop_echo [SIGNAL]
stop_echo()
{
    [[ -n $pid ]] || return 0
    kill "-${1:-TERM}" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    local rc=$?
    pid=
    return $rc
}

counted() { grep -q "^$1 [1-9]" "$work/out"; }
silent() { ! [[ -s $work/err ]]; }
own_mac() { awk '/link/ { print $3 }' "$work/out"; }

# refuses PATTERN ARGUMENT...: does not start, says one line, and the line has the pattern.
refuses()
{
    local pattern=$1 rc=0
    shift
    timeout 20 "$echo_binary" "$@" >"$work/out2" 2>"$work/err2" || rc=$?
    cat "$work/err2"
    ((rc == 1)) && [[ $(wc -l <"$work/err2") == 1 ]] && ! [[ -s $work/out2 ]] &&
        grep -qE "$pattern" "$work/err2"
}

both=(--address 198.18.0.1/24 --address 2001:db8::1/64 --listen 198.18.0.1:7
    --listen '[2001:db8::1]:7')
tap=(--driver tap --interface bd0 "${both[@]}")
veth=(--driver af_packet --interface bd1 "${both[@]}")
sizes=(0 1 2 63 100 1400 1472 1473 4000 9000)

reachable()
{
    ping -c 3 -i 0.2 -W 1 -q 198.18.0.1 && ping -c 3 -i 0.2 -W 1 -q 2001:db8::1
}

clients()
{
    check "$1: ping 198.18.0.1" ping -c 3 -i 0.2 -W 1 -q 198.18.0.1
    check "$1: ping 2001:db8::1" ping -c 3 -i 0.2 -W 1 -q 2001:db8::1
    check "$1: ping with 4,000 bytes" ping -c 2 -i 0.2 -W 1 -q -s 4000 198.18.0.1
    check "$1: ping with 4,000 bytes, IPv6" ping -c 2 -i 0.2 -W 1 -q -s 4000 2001:db8::1
    check "$1: echo of 0 to 9,000 bytes" python echo 198.18.0.1 7 "${sizes[@]}"
    check "$1: echo of 0 to 9,000 bytes, IPv6" python echo 2001:db8::1 7 "${sizes[@]}"
    check "$1: nobody at port 9" python refused 198.18.0.1 9
    check "$1: nobody at port 9, IPv6" python refused 2001:db8::1 9
}

by_socat()
{
    local reply
    reply=$(printf 'socat was here' | timeout 3 socat -t 1 - "UDP:198.18.0.1:7")
    echo "$reply"
    [[ $reply == 'socat was here' ]]
}

# arping's duplicate detection ends with 1 when somebody answers.
finds_duplicate() { ! arping -q -D -c 2 -w 2 -I "$1" 198.18.0.1; }

kernel_finds_duplicate()
{
    ip -6 address add 2001:db8::1/64 dev "$1" && sleep 1.5
    grep '2001:db8::1/64.*dadfailed' <<<"$(ip -6 address show dev "$1")"
    local rc=$?
    ip -6 address delete 2001:db8::1/64 dev "$1"
    return $rc
}

# 2,000 datagrams to a closed port within about 100 ms may draw 10 errors and one more a millisecond.
errors_are_few()
{
    local before after
    before=$(awk '$1 == "Icmp:" && $2 ~ /^[0-9]/ { print $5 }' /proc/net/snmp)
    /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(2000): s.sendto(b"x", ("198.18.0.1", 10))'
    sleep 0.2
    after=$(awk '$1 == "Icmp:" && $2 ~ /^[0-9]/ { print $5 }' /proc/net/snmp)
    echo "errors: $((after - before))"
    ((after - before > 0 && after - before < 600))
}

# The echo process's share of a core, in percent, over two idle seconds.
idle_is_cheap()
{
    local a b
    a=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    sleep 2
    b=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    echo "idle: $(((b - a) * 100 / 200)) % of a core"
    ((b - a <= 16))
}

alive() { kill -0 "$pid"; }

starts() { start_echo "$@" && alive; }

# --- tap --------------------------------------------------------------------------------------------------

set_up()
{
    ip link set lo up
    ip tuntap add dev bd0 mode tap multi_queue
    sysctl -qw net.ipv6.conf.bd0.accept_dad=1
    ip link set bd0 address 02:00:00:00:00:02 up
    ip address add 198.18.0.2/24 dev bd0
    ip -6 address add 2001:db8::2/64 dev bd0 nodad
}

announcement()
{
    python announced bd0 02:00:00:00:00:01 >"$work/announced" &
    local listener=$!
    until grep -q listening "$work/announced"; do sleep 0.05; done
    start_echo "${tap[@]}" --mac 02:00:00:00:00:01 && wait "$listener"
}

tap_cases()
{
    check "tap: announces its addresses" announcement
    check "tap: nothing but errors on stderr" silent
    check "tap: has the MAC configured" test "$(own_mac)" = 02:00:00:00:00:01
    check "tap: leaves the kernel's MAC alone" grep -q 02:00:00:00:00:02 /sys/class/net/bd0/address
    clients tap
    check "tap: arping" arping -q -c 2 -w 3 -I bd0 198.18.0.1
    check "tap: arping finds a duplicate" finds_duplicate bd0
    check "tap: the kernel finds a duplicate" kernel_finds_duplicate bd0
    check "tap: socat" by_socat
    check "tap: few ICMP errors" errors_are_few
    check "tap: crafted frames" python crafted bd0 02:00:00:00:00:01
    check "tap: hostile frames" python hostile bd0 02:00:00:00:00:01 20000
    check "tap: an idle worker sleeps" idle_is_cheap
    check "tap: still there" reachable
    check "tap: a second process is refused" refuses 'bd0 is in use' "${tap[@]}"
    check "tap: ends with 0" stop_echo
    for verdict in frame_arp frame_nd frame_icmp_echo frame_udp_port frame_fragment_held \
        frame_fragment_bad frame_ip_checksum frame_udp_checksum frame_udp_length frame_ip_header \
        frame_ip_source frame_address frame_mac frame_short frame_vlan frame_ethertype; do
        check "tap: counted $verdict" counted "$verdict"
    done
    check "tap: each frame has one verdict" adds_up
}

# Frames received are frames with a verdict and datagrams, each of which this echo sends back once; what
# else is sent has a verdict that says so. Datagrams are not counted by themselves: they are the rest.
adds_up()
{
    awk '/^frame_/ { verdicts += $2 } /^rx_frames/ { rx = $2 } END {
        print rx, verdicts; exit !(rx > verdicts && verdicts > 0) }' "$work/out"
}

killed_and_back()
{
    for _ in {1..5}; do
        start_echo "${tap[@]}" --mac 02:00:00:00:00:01 && reachable || return 1
        stop_echo KILL || true
    done
}

addresses_stay()
{
    local shown
    shown=$(ip address show dev bd0)
    echo "$shown"
    [[ $shown == *198.18.0.2/24* && $shown == *2001:db8::2/64* ]]
}

# hold INTERFACE: as a process does that dies slowly; says so.
hold()
{
    exec /usr/bin/python3 -c '
import fcntl, struct, sys
tun = open("/dev/net/tun", "r+b", buffering=0)
fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", sys.argv[1].encode(), 0x1102))  # TUNSETIFF, TAP, MULTI_QUEUE, NO_PI
print("held", flush=True)
sys.stdin.read()' "$1"
}

held_for_a_moment()
{
    local holder rc=0
    coproc HOLDER { hold bd0; }
    holder=$HOLDER_PID
    read -r _ <&"${HOLDER[0]}" || return 1
    (sleep 0.4 && kill "$holder") &
    start_echo "${tap[@]}" --mac 02:00:00:00:00:01 && reachable || rc=1
    stop_echo || rc=1
    return "$rc"
}

tap_life()
{
    check "tap: held for a moment by another" held_for_a_moment
    check "tap: killed and back, five times" killed_and_back
    check "tap: the kernel's side keeps its addresses" addresses_stay
    check "tap: without a MAC configured" starts "${tap[@]}"
    check "tap: ours is not the kernel's" test "$(own_mac)" != 02:00:00:00:00:02
    check "tap: reachable by it" reachable
    check "tap: ends in order" stop_echo
    check "tap: and the addresses stay" addresses_stay
    check "tap: the kernel's MAC as ours is refused" refuses 'ours must differ' "${tap[@]}" \
        --mac 02:00:00:00:00:02
    ip tuntap add dev bdsingle mode tap
    check "tap: one without multi_queue is refused" refuses 'multi_queue' --driver tap \
        --interface bdsingle "${both[@]}"
    check "tap: several workers" starts "${tap[@]}" --workers 2
    clients "tap, 2 workers"
    check "tap, 2 workers: 200 flows" python flows 198.18.0.1 7 200
    check "tap, 2 workers: ends with 0" stop_echo
    check "tap: made by itself" starts --driver tap --interface bdnew "${both[@]}"
    ip link delete bdnew
    sleep 0.3
    check "tap: survives the loss of its interface" idle_is_cheap
    check "tap: and ends with 0" stop_echo
}

tap_vlan()
{
    check "vlan: starts" starts "${tap[@]}" --mac 02:00:00:00:00:01 --vlan 42
    check "vlan: tagged traffic" python vlan bd0 02:00:00:00:00:01 42
    check "vlan: ends with 0" stop_echo
    check "vlan: counted frame_vlan" counted frame_vlan
}

huge_case()
{
    local free
    free=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)
    if ((free < 64)); then
        echo "skip  hugepages: $free of 2 MB are free, 64 are needed"
    else
        check "hugepages: starts" starts "${tap[@]}" --huge
        check "hugepages: reachable" reachable
        check "hugepages: ends with 0" stop_echo
    fi
    check "hugepages: too few are refused" refuses 'nr_hugepages' "${tap[@]}" --huge --memory 1000000
    check "memory: too little is refused" refuses 'memory_mb' "${tap[@]}" --memory 20
    check "mbufs: too few are refused" refuses 'mbufs' "${tap[@]}" --mbufs 100
    check "lcores: too few are refused" refuses 'lcores' "${tap[@]}" --lcores '0@0'
    check "lcores: nonsense is refused" refuses 'lcores' "${tap[@]}" --lcores 'x@y'
    check "listen: an address of nobody is refused" refuses '198.18.0.77:7 is no address' "${tap[@]}" \
        --listen 198.18.0.77:7
    check "PCI: an address of nothing is refused" refuses 'vfio-pci' --driver pci --pci 0000:7f:1f.7 \
        "${both[@]}"
}

# --- af_packet --------------------------------------------------------------------------------------------

veth_cases()
{
    check "af_packet: no interface is refused" refuses 'no interface bd1' "${veth[@]}"
    ip link add bd1 type veth peer name bd2
    check "af_packet: one that is down is refused" refuses 'ip link set bd1 up' "${veth[@]}"
    sysctl -qw net.ipv6.conf.bd1.disable_ipv6=1
    ip address flush dev bd0
    ip link set bd1 up
    ip link set bd2 address 02:00:00:00:00:22 up
    ip address add 198.18.0.2/24 dev bd2
    ip -6 address add 2001:db8::2/64 dev bd2 nodad
    check "af_packet: starts" starts "${veth[@]}"
    check "af_packet: has the interface's MAC" grep -q "$(own_mac)" /sys/class/net/bd1/address
    clients af_packet
    check "af_packet: crafted frames" python crafted bd2 "$(own_mac)" kernel
    check "af_packet: an idle worker sleeps" idle_is_cheap
    check "af_packet: ends with 0" stop_echo
    check "af_packet: several workers" starts "${veth[@]}" --workers 2
    clients "af_packet, 2 workers"
    check "af_packet, 2 workers: 200 flows" python flows 198.18.0.1 7 200
    check "af_packet, 2 workers: ends with 0" stop_echo
    check "af_packet: a MAC of its own" starts "${veth[@]}" --mac 02:00:00:00:00:77
    check "af_packet: reachable by it" reachable
    stop_echo
    check "af_packet: an MTU above the interface's is refused" refuses 'ip link set bd1 mtu 9000' \
        "${veth[@]}" --mtu 9000
    ip link set bd1 mtu 9000
    ip link set bd2 mtu 9000
    check "af_packet: jumbo frames" starts "${veth[@]}" --mtu 9000 --memory 160
    clients "af_packet, MTU 9000"
    check "af_packet, MTU 9000: ends with 0" stop_echo
    check "af_packet, VLAN: starts" starts "${veth[@]}" --vlan 42
    check "af_packet, VLAN: tagged traffic" python vlan bd2 "$(own_mac)" 42
    check "af_packet, VLAN: ends with 0" stop_echo
}

# --- several ports, moving links --------------------------------------------------------------------------

flap()
{
    for _ in {1..3}; do
        ip link set bd0 down
        sleep 0.1
        ip link set bd0 up
        sleep 0.1
    done
    ping -c 3 -i 0.2 -W 1 -q 198.19.0.1
}

# Replies to a port that is down are dropped, and nothing else happens.
down_is_quiet()
{
    ip link set bd0 down && idle_is_cheap && alive && ip link set bd0 up
}

ports_cases()
{
    ip address add 198.19.0.2/24 dev bd0
    check "two ports: start" starts --driver af_packet --interface bd1 --address 198.18.0.1/24 \
        --driver tap --interface bd0 --address 198.19.0.1/24 --listen 198.18.0.1:7 --listen 198.19.0.1:8 \
        --workers 2
    check "two ports: echo at the first" python echo 198.18.0.1 7 "${sizes[@]}"
    check "two ports: echo at the second" python echo 198.19.0.1 8 "${sizes[@]}"
    check "two ports: nobody at port 8 of the first" python refused 198.18.0.1 8
    check "two ports: nobody at port 7 of the second" python refused 198.19.0.1 7
    check "two ports: a link goes and comes" flap
    check "two ports: a port that is down costs nothing" down_is_quiet
    check "two ports: back again" ping -c 3 -i 0.2 -W 1 -q 198.19.0.1
    check "two ports: end with 0" stop_echo
}

# --- memif ------------------------------------------------------------------------------------------------

memif_probe()
{
    "$echo_binary" --driver memif --interface "$work/memif" --address 198.18.0.2/24 \
        --address 2001:db8::2/64 --listen 198.18.0.2:4000 --probe "$1" --probe-mac 02:00:00:00:00:01
}

memif_cases()
{
    local server=(--driver memif --interface "$work/memif" --server --mac 02:00:00:00:00:01)
    check "memif: starts" starts "${server[@]}" "${both[@]}"
    check "memif: echo of 0 to 9,000 bytes" memif_probe 198.18.0.1:7
    check "memif: and to another process" memif_probe 198.18.0.1:7
    check "memif: a client without a server is refused" refuses 'server first' --driver memif \
        --interface "$work/none" "${both[@]}"
    check "memif: a second server is refused" refuses 'in use' "${server[@]}" "${both[@]}"
    stop_echo KILL
    check "memif: killed and back" starts "${server[@]}" "${both[@]}"
    check "memif: reachable again" memif_probe 198.18.0.1:7
    check "memif: ends with 0" stop_echo
}

set_up
tap_cases
tap_life
tap_vlan
huge_case
veth_cases
ports_cases
memif_cases
echo "$passed passed, $failed failed"
((failed == 0))
