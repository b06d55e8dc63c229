# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# How each WHAT is measured: functions measure_WHAT. For bash; sourced by run.sh.

# The sizes of a measurement: --bindings, or those of --quick, or the full ones. sizes QUICK FULL...
sizes()
{
    local small=$1
    shift
    if [[ -n $bindings ]]; then
        echo "$bindings"
    elif [[ -n $quick ]]; then
        echo "$small"
    else
        echo "$@"
    fi
}

# What the receive buffer of each end may hold, in bytes.
socket_buffer=8388608

bench_program() { echo "$build/tests/bench/$1"; }

# --- one thread, no network -----------------------------------------------------------------------------

measure_parse()
{
    need tests/bench/bench_parse || return
    figure_of_one_core parse_each
}

# Its lines for programs have keys and values in pairs; the figure is that of messages that were not just
# parsed, with their Contact.
parse_each()
{
    alone "$(bench_program bench_parse)" ${quick:+0.002} |
        awk '$1 == "parse" { line = "op=" $2
                for (i = 3; i < NF; i += 2)
                    line = line " " ($i == "bytes" ? "bytes" : $i == "varied_contact" ? "ns_per_op" : $i "_ns") "=" $(i + 1)
                print line }'
}

measure_table()
{
    local n dist
    need tests/bench/bench_table || return
    for n in $(sizes 100000 1000000 10000000 20000000); do
        hugepages $((n * 400 / 1000000 + 64)) || { cannot "no hugepages for $n bindings"; return; }
        for dist in '' --zipf; do
            figure_of_one_core alone "$(bench_program bench_table)" --entries "$n" $dist || return
        done
    done
}

measure_expiry()
{
    local n
    need tests/bench/bench_expiry || return
    n=$(sizes 100000 10000000)
    hugepages $((n * 400 / 1000000 + 64)) || { cannot "no hugepages for $n bindings"; return; }
    figure_of_one_core alone "$(bench_program bench_expiry)" --entries "$n"
}

# replay ARGUMENT...: requests and replies in memory, no second core needed but for a second worker.
replay()
{
    bounded "$(bench_program replay/bench_replay)" "$@" |
        sed 's/^what=digest_challenge/op=answer/; s/^what=digest_/op=/; s/^what=/op=/'
}

measure_digest()
{
    need tests/bench/replay/bench_replay || return
    local n
    n=$(sizes 10000 1000000)
    hugepages $((n * 1000 / 1000000 + 512)) || { cannot "no hugepages for $n bindings"; return; }
    figure replay digest -n "$n" && figure replay challenge -n "$n"
}

# --- memif ----------------------------------------------------------------------------------------------

memif_programs=(dataplane/bindery-dataplane control/bindery-control control/binderyctl
    tests/bench/load/bindery-load tests/bench/bench_fifo)

# Seconds that worker and generator may have their cores for themselves, and one more for 50,000 bindings.
fifo_limit=150

# over_memif BINDINGS PHASE...: bindery-load against both processes, after testpmd as a reflector.
over_memif()
{
    local n=$1 rc=0 fifo=()
    shift
    if [[ -n $ordinary ]]; then
        say "$what: with ordinary priority, on cores that others use"
    elif "$build/tests/bench/bench_fifo" 1 true; then
        isolate_open
        fifo=(--fifo $((fifo_limit + n / 50000)))
    else
        return 1
    fi
    BUILD=$build bounded "$bench/load/run-dataplane.sh" --aors "$n" --ring "$ring" "${fifo[@]}" --reflector "$@" -- \
        --seconds "$seconds" --fill-rate 500000 --rate 400000 --attempts "$attempts" >"$work/load" || rc=1
    isolate_close
    awk -f "$bench/load.awk" -v aors="$n" -v fifo="${fifo[*]:+1}" "$work/load"
    return "$rc"
}

# A step of the search: a second or so. Initial registration wants other addresses of record for each of
# its steps: it has half of them for 20.
attempts_of()
{
    local n=$1 phase=$2
    if [[ $phase == register ]]; then
        echo $((n / 64))
    elif [[ -n $quick ]]; then
        echo 100000
    else
        echo 1000000
    fi
}

measure_memif()
{
    local n attempts
    need "${memif_programs[@]}" || return
    for n in $(sizes "${small:-20000}" "${memif_sizes[@]}"); do
        hugepages $((n * 420 / 1000000 + 700)) || { cannot "no hugepages for $n bindings"; return; }
        attempts=$(attempts_of "$n" "$1")
        figure over_memif "$n" "$@" || return
    done
}

# Descriptors as they are by default, and packet buffers for so many. Packet sockets would have a ring of their
# own for each port, in frames of 16 KiB: no other driver has it.
memory_of_both()
{
    BUILD=$build bounded "$bench/load/run-dataplane.sh" --aors "$1" --memory fill -- --fill-rate 500000 >"$work/load" &&
        sed -n 's/^memory //p' "$work/load"
}

measure_memory()
{
    local n
    need "${memif_programs[@]}" || return
    for n in $(sizes 20000 1000000 10000000); do
        hugepages $((n * 420 / 1000000 + 700)) || { cannot "no hugepages for $n bindings"; return; }
        figure_of_one_core memory_of_both "$n" || return
    done
}

measure_register() { local small=2000000 && memif_sizes=(10000000) && measure_memif register fill; }
measure_reregister() { memif_sizes=(1000000 10000000) && measure_memif fill reregister; }
measure_redirect() { memif_sizes=(1000000) && measure_memif fill redirect; }

# Re-registration has measured it already: the same run is not made twice.
measure_latency()
{
    local had='^what=reregister .* bindings=1000000 '
    if [[ -z $bindings && -z $quick ]] && grep -q "$had" "$rows"; then
        grep "$had" "$rows" | sed 's/^what=reregister/what=latency/' >"$work/kept"
        cat "$work/kept" >>"$rows"
        return
    fi
    memif_sizes=(1000000) && measure_memif fill reregister
}

# --- veth -----------------------------------------------------------------------------------------------

servers=(dataplane/bindery-dataplane control/bindery-control control/binderyctl tests/bench/socket/load_socket)

# with_bindings N COMMAND...: Bindery over a veth, and N bindings in it.
with_bindings()
{
    local n=$1 rc=0
    shift
    veth_open && bindery_start $((n + n / 50 + 1024)) && generator fill --aors "$n" &&
        equal "$(bindery_bindings)" "$n" bindings && "$@" "$n" || rc=1
    veth_close
    return "$rc"
}

killed_and_back()
{
    local n=$1 since
    since=${EPOCHREALTIME/[.,]/}000
    kill -KILL "$(pid_of dataplane)"
    bindery_process dataplane
    generator first --first $((n - 1)) --cseq 95000000 --since "$since" --seconds 120 >"$work/first" || return
    equal "$(bindery_bindings)" "$n" "bindings after the restart" || return
    generator fill --aors $((n <= 100000 ? n - 1 : 100000)) || return
    sed "s/^op=first/op=restart bindings=$n failed=0 workers=1/" "$work/first"
}

measure_attach()
{
    local n
    need "${servers[@]}" || return
    n=$(sizes 20000 10000000)
    hugepages $((n * 420 / 1000000 + 700)) || { cannot "no hugepages for $n bindings"; return; }
    figure with_bindings "$n" killed_and_back
}

# a_turn SERVER N: the server is started, loaded, counted and stopped. Its lines go to a file of its own.
a_turn()
{
    local server=$1 n=$2
    "${server}_start" $((4 * n)) &&
        generator reregister --aors "$n" --seconds "$seconds" --start "${start[$server]}" >"$work/turn" &&
        equal "$("${server}_bindings")" "$n" "$server's bindings" || return
    "${server}_stop"
    cat "$work/turn" >>"$work/$server.turns"
    # The next search begins near what was found.
    start[$server]=$(sed -n 's/.*load=100 rate=\([0-9]*\).*/\1/p' "$work/turn" | awk '{ print int($1 * 0.6) }')
}

both_by_turns()
{
    local n=$1 round rc=0 durability=none # as Kamailio's db_mode 0
    local -A start=([bindery]=50000 [kamailio]=20000)
    rm -f "$work"/*.turns
    rmem_max=$(</proc/sys/net/core/rmem_max)
    # Kamailio asks for its receive buffer without the right to exceed this.
    ((rmem_max >= socket_buffer)) || echo "$socket_buffer" >/proc/sys/net/core/rmem_max
    veth_open || return
    for ((round = 0; round < rounds; round++)); do
        a_turn kamailio "$n" && a_turn bindery "$n" || { rc=1 && break; }
    done
    veth_close
    ((rc == 0)) && "$python" "$bench/peers.py" "$n" "$work/kamailio.turns" "$work/bindery.turns"
}

measure_peers()
{
    # Debian's package would start its server on port 5060 of this machine.
    [[ ! -d /run/systemd/system ]] || systemctl mask kamailio.service >/dev/null 2>&1
    "$root/deploy/packages.sh" install peers || { cannot "Kamailio could not be installed"; return; }
    need "${servers[@]}" || return
    hugepages 1200 || { cannot "no hugepages"; return; }
    [[ -z $quick ]] || { seconds=1 && rounds=1; }
    figure both_by_turns "$(sizes 10000 100000)"
}

# --- the curve ------------------------------------------------------------------------------------------

measure_scale()
{
    local n
    need tests/bench/replay/bench_replay tests/bench/bench_table || return
    n=$(sizes 20000 1000000)
    hugepages $((n * 1000 / 1000000 + 512)) || { cannot "no hugepages for $n bindings"; return; }
    figure both_workers "$n" || return
    measure_curve
}

both_workers()
{
    local n=$1 workers
    for workers in 1 2; do
        bounded "$(bench_program replay/bench_replay)" reregister -w "$workers" -n "$n" || return
    done | "$python" "$bench/curve.py" workers
}

one_size()
{
    alone "$(bench_program bench_table)" --entries "$1"
}

measure_curve()
{
    local n largest rc=0 first
    plot=${plot:-$build/scale}
    largest=$(sizes 100000 20000000)
    hugepages $((largest * 400 / 1000000 + 64)) || { cannot "no hugepages for $largest bindings"; return; }
    first=$(wc -l <"$rows")
    for n in 10000 30000 100000 300000 1000000 3000000 10000000 20000000; do
        ((n <= largest)) || break
        figure_of_one_core one_size "$n" || return
    done
    tail -n +$((first + 1)) "$rows" | "$python" "$bench/curve.py" csv >"$plot.csv" &&
        gnuplot -e "csv='$plot.csv'; png='$plot.png'" "$bench/curve.gp" && say "$plot.csv and $plot.png are written"
}
