#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# How long phones are without replies: the longest time between two replies while refreshes come at a steady
# rate and something is done to Bindery. Root, two cores.
#
#   [BUILD=FOLDER] tests/bench/outage.sh [--rate R] [--bindings N] [--rounds N] [WHAT...]
#
#   nothing            what the generator and the machine do by themselves
#   reload             five reloads
#   kill-control       SIGKILL; started again after 200 ms, as the systemd unit does
#   restart-dataplane  SIGTERM, started again
#   kill-dataplane     SIGKILL; started again after 200 ms
#   kill-both
#   upgrade            deploy/upgrade.sh to the same programs
#
# Kernel sockets over a veth (load_socket outage), an open domain, both processes on the last core, the generator on
# the first. A line of key=value for each round: the gap, and how many of those sent were not answered 200 within
# 500 ms. --rate 100000 and --bindings 100000 unless said.
set -uo pipefail
bench=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
root=$(cd "$bench/../.." && pwd)
. "$root/tests/e2e/lib.sh"
. "$bench/servers.sh"

all=(nothing reload kill-control restart-dataplane kill-dataplane kill-both upgrade)
rate=100000 bindings=100000 rounds=3 whats=()
while (($#)); do
    case $1 in
    --rate) rate=$2 && shift ;;
    --bindings) bindings=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    *)
        [[ " ${all[*]} " == *" $1 "* ]] || { sed -n '3,/^set /{/^#/!d;s/^# \?//;p}' "$0" >&2; exit 2; }
        whats+=("$1")
        ;;
    esac
    shift
done
((${#whats[@]})) || whats=("${all[@]}")
[[ $(id -u) == 0 ]] || { echo "outage.sh: must be root" >&2; exit 2; }

trap veth_close EXIT
trap 'exit 130' INT TERM

# The same MAC after each start: phones know it.
eval "$(declare -f bindery_config | sed '1s/bindery_config/plain_config/')"
bindery_config()
{
    plain_config "$@" | sed 's/^    interface: sip0$/&\n    mac: "02:bd:00:00:00:01"/'
}

kill_hard()
{
    local who
    for who in "$@"; do kill -KILL "$(pid_of "$who")"; done
    sleep 0.2
    for who in "$@"; do bindery_process "$who"; done
}

do_nothing() { sleep 1; }
do_reload() { for _ in 1 2 3 4 5; do ask reload >/dev/null; done; }
do_kill_control() { kill_hard control; }
do_kill_dataplane() { kill_hard dataplane; }
do_kill_both() { kill_hard control dataplane; }

do_restart_dataplane()
{
    stop_process "$(pid_of dataplane)"
    bindery_process dataplane
}

do_upgrade()
{
    mkdir -p "$lab/bin" "$lab/new"
    cp "${program[@]}" "$ctl" "$lab/bin"
    cp "${program[@]}" "$ctl" "$lab/new"
    cat >"$lab/hooks" <<HOOKS
stop_process()
{
    local pid=\$(cat $lab/\$1.pid)
    kill -TERM "\$pid"
    while [[ \$(cut -d ' ' -f 3 /proc/\$pid/stat 2>/dev/null) == [!Z] ]]; do sleep 0.01; done
}
start_process()
{
    nsenter --net=/run/netns/$ns -- taskset -c $server_core "$lab/bin/bindery-\$1" -c $lab/bindery.yaml </dev/null >>$lab/\$1.log 2>&1 &
    echo \$! >$lab/\$1.pid
}
HOOKS
    "$root/deploy/upgrade.sh" --config "$lab/bindery.yaml" --socket "$lab/admin.sock" --sbin "$lab/bin" --bin "$lab/bin" \
        --hooks "$lab/hooks" "$lab/new" >&2
}

both_serve()
{
    [[ $(json '["dataplane"]["serving"]' show info) == True ]]
}

# measure WHAT: long enough for the slowest, counted from the first refresh.
measure()
{
    local seconds=8 load
    generator outage --aors "$bindings" --start "$rate" --seconds "$seconds" >"$lab/out" 2>"$lab/err" &
    load=$!
    until_true 60 "the generator has registered all" grep -q '^registered' "$lab/err" || return
    sleep 1
    "do_${1//-/_}"
    wait "$load" || { cat "$lab/err" >&2; return 1; }
    sed "s/^op=outage/op=$1/" "$lab/out"
    until_true 20 "both serve" both_serve || { tail -n 5 "$lab"/*.log >&2; return 1; }
}

"$prepare" hugepages 1024
veth_open
bindery_start "$((bindings * 2))" || exit 1
for ((round = 0; round < rounds; round++)); do
    for what in "${whats[@]}"; do measure "$what" || exit 1; done
done
