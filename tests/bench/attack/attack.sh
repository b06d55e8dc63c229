# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A thousand phones, and somebody who floods: Bindery over memif and over veth, Kamailio with pike and a ban
# list over veth. For bash; sourced by run.sh.
#
# Servers and their cores are those of the avalanche, and so are the phones: digest, addresses of their own.

# under_attack SERVER WIRE HEAD RATE SOURCES KIND: one flood against a server begun for it. That not all phones were
# registered is a figure too; a wrong reply is none, nor is a table that holds anybody but phones.
under_attack()
{
    local server=$1 wire=$2 head=$3 rate=$4 sources=$5 kind=$6 at=(--interface phone0) n=1000 rc=0 nonce=64 have import_s
    veth_open && if [[ $server == kamailio ]]; then
        pike=yes avalanche_kamailio_start && nonce=32
    else
        avalanche_bindery_start "$wire" "$n"
    fi || { veth_close; return 1; }
    [[ $wire != memif ]] || at=(--socket "$lab/memif.sock")
    nsenter --net="/run/netns/$client_ns" -- taskset -c "$generator_core" \
        "$build/tests/bench/attack/bindery-attack" --cpu "$generator_core" "${at[@]}" --nonce "$nonce" --phones "$n" \
        --torture "$root/tests/corpus/torture" --head "$head" --rate "$rate" --sources "$sources" --kind "$kind" \
        --seconds "$((head + seconds))" --limit "${attack_limit:-40}" >"$work/attack"
    grep -q ' wrong=0 ' "$work/attack" || fail "wrong replies: $(<"$work/attack")" || rc=1
    have=$("${server}_bindings")
    ((have <= n)) || fail "$server has $have bindings" || rc=1
    veth_close
    sed "s/^op=[a-z]*/op=attack kind=$kind server=$server wire=$wire head=$head offered=$rate workers=1 bindings=$have/" "$work/attack"
    return "$rc"
}

# Frames a second of a 10 Gbit/s line: such REGISTERs have 660 bytes, and 24 of the wire.
line_rate=1830000

measure_attack()
{
    local head sources server rate
    [[ ! -d /run/systemd/system ]] || systemctl mask kamailio.service >/dev/null 2>&1
    "$root/deploy/packages.sh" install peers || { cannot "Kamailio could not be installed"; return; }
    need "${servers[@]}" tests/bench/attack/bindery-attack || return
    hugepages 900 || { cannot "no hugepages"; return; }
    rmem_max=$(</proc/sys/net/core/rmem_max)
    ((rmem_max >= socket_buffer)) || echo "$socket_buffer" >/proc/sys/net/core/rmem_max
    for sources in 1 100000; do
        for head in 0 3; do
            figure under_attack bindery memif "$head" "$line_rate" "$sources" plain || return
        done
        figure under_attack bindery memif 0 20000000 "$sources" plain || return
        figure under_attack bindery memif 0 "$line_rate" "$sources" mix || return
        for server in bindery kamailio; do
            for rate in 0 20000 100000 400000; do
                figure under_attack "$server" veth 0 "$rate" "$sources" plain || return
            done
        done
    done
}
