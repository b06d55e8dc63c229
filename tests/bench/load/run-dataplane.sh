#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Both processes of Bindery under load over a memif, on two cores: the worker on the last, the generator
# and everything else on the first. Root.
#
#   [BUILD=DIR] tests/bench/load/run-dataplane.sh [options] PHASE... [-- OPTION OF bindery-load...]
#
#   --aors N         phones, and room in the table (1000000)
#   --auth open|trusted|digest   of the domain (open)
#   --ring LOG2      frames of a memif ring (10)
#   --reflector      testpmd in the dataplane's place first: the wire's own limit, same frame, same core
#   --fifo SECONDS   worker and generator before all else on their cores, for so long at most (bench_fifo)
#   --memory         what both processes take in the end, as a line "memory ..."
#   --json FILE      what bindery-load found
#   --keep           leaves the folder with configuration and logs
#
# Ends with the lines "result ..." of bindery-load, then "counter NAME VALUE" from the stats socket and
# what the arena holds. Exit 0: no failure, and the table holds the phones, no more and no less.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../../.." && pwd)
build=$(cd "${BUILD:-$root/build}" && pwd)
load=$build/tests/bench/load/bindery-load
ctl=$build/control/binderyctl

aors=1000000 auth=open ring=10 reflector='' fifo='' memory='' json='' keep='' phases=()
while (($#)); do
    case $1 in
    --aors) aors=$2 && shift ;;
    --auth) auth=$2 && shift ;;
    --ring) ring=$2 && shift ;;
    --json) json=$2 && shift ;;
    --fifo) fifo=$2 && shift ;;
    --memory) memory=1 ;;
    --reflector) reflector=1 ;;
    --keep) keep=1 ;;
    --) shift && break ;;
    -*) echo "run-dataplane.sh: unknown option $1" >&2 && exit 2 ;;
    *) phases+=("$1") ;;
    esac
    shift
done

work=$(mktemp -d "${TMPDIR:-/tmp}/bindery-load.XXXXXX")
# The processes become this user, and keep their files there.
"${BASH_SOURCE[0]%/*}/../../../deploy/prepare-machine.sh" user
chown bindery:bindery "$work"
chmod 755 "$work"
arena=load-$$
generator_cpu=0 worker_cpu=$(($(nproc) - 1))
pids=()

stop()
{
    kill -TERM "$1" 2>/dev/null || return 0
    for _ in {1..100}; do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    kill -KILL "$1" 2>/dev/null || true
}

finish()
{
    local pid
    for pid in "${pids[@]}"; do stop "$pid"; done
    rm -f "/dev/hugepages/$arena" "/dev/shm/$arena"
    [[ -n $keep ]] && echo "kept: $work" >&2 || rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# until_true SECONDS WHAT COMMAND...
until_true()
{
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "run-dataplane.sh: not in time: $what" >&2 && tail -n 5 "$work"/*.log >&2 && exit 1; }
        sleep 0.05
    done
}

ask() { "$ctl" -s "$work/admin.sock" "$@"; }
serves() { grep -q 'serving with' "$work/dataplane.log"; }
serves_or_ended() { serves || ! kill -0 "$dataplane" 2>/dev/null; }

# worker_of PROCESS: its thread that polls.
worker_of()
{
    local task
    for task in /proc/"$1"/task/*; do
        [[ $(<"$task/comm") == rte-worker* ]] && echo "${task##*/}" && return
    done
    echo "run-dataplane.sh: process $1 has no worker thread" >&2
    return 1
}

configuration()
{
    cat <<YAML
arena:
  name: $arena
  bindings_max: $((aors > 10000 ? aors + aors / 50 : 10000))
  subscribers_max: $([[ $auth == open ]] && echo 1024 || echo "$((aors + 1024))")
dataplane:
  workers: 1
  poll: busy
  lcores: "0@$generator_cpu,1@$worker_cpu"
  memory_mb: $((160 + (1 << ring) / 128))
  mbufs: $((3072 + (1 << ring)))
  fragments_max: 64
ports:
  - name: load0
    driver: memif
    interface: $work/memif.sock
    memif_role: server
    mac: "02:00:00:00:00:01"
    rx_descriptors: $((1 << ring))
    tx_descriptors: $((1 << ring))
    addresses: [198.18.0.1/16]
listen: ["198.18.0.1:5060"]
# All phones of the generator have a few addresses.
limits: {rates: count}
registrar:
  algorithms: [MD5]
  qop: [auth]
  nonce_expire: 3600
  default_expires: 3600
  max_expires: 7200
  redirect: true
domains:
  - name: example.com
    auth: $auth${auth_more:-}
    redirect: true
auth:
  verifiers: 1
journal:
  directory: $work/journal
control:
  database: $work/subscribers.db
  stats_socket: $work/stats.sock
  stats_socket_admin: $work/admin.sock
YAML
}

subscribers()
{
    [[ $auth == open ]] && return
    awk -v n="$aors" 'BEGIN { print "username,domain,password";
        for (i = 0; i < n; i++) printf "4930%08d,example.com,secret-%08d\n", i, i }' >"$work/subscribers.csv"
    ask subscriber import "$work/subscribers.csv" >&2
}

# generator WORKER-THREAD ARGUMENT...
generator()
{
    local before=()
    [[ -z $fifo ]] || before=("$build/tests/bench/bench_fifo" "$fifo" --thread "$1")
    shift
    "${before[@]}" "$load" --socket "$work/memif.sock" --cpu "$generator_cpu" --ring "$ring" --aors "$aors" "$@"
}

# The wire alone: testpmd swaps MACs where the dataplane would work. It ends when its input does: a pipe
# that is ours.
measure_reflector()
{
    mkfifo "$work/input"
    exec {input}<>"$work/input"
    dpdk-testpmd "--lcores=0@$generator_cpu,1@$worker_cpu" --no-pci --in-memory --no-telemetry \
        "--file-prefix=$arena" -m 128 --log-level='*:error' \
        "--vdev=net_memif0,role=server,id=0,socket=$work/memif.sock,socket-abstract=no,rsize=$ring" \
        -- --forward-mode=macswap "--rxd=$((1 << ring))" "--txd=$((1 << ring))" --total-num-mbufs=8192 \
        <"$work/input" >"$work/testpmd.log" 2>&1 &
    local pid=$!
    pids+=("$pid")
    # DPDK's memif server may die when its client goes; nobody needs to hear of it then.
    disown
    # It looks for the link for a while, and forwards once that is up.
    until_true 10 "testpmd waits for its peer" grep -q 'Checking link' "$work/testpmd.log"
    generator "$(worker_of "$pid")" "$@" reflect
    stop "$pid"
    exec {input}>&-
    rm -f "$work/memif.sock"
}

# The worker's core is left to it by this script and its children too.
[[ -z $fifo ]] || ((worker_cpu == 0)) || taskset -pc "0-$((worker_cpu - 1))" $$ >/dev/null
[[ $auth != trusted ]] || auth_more=$'\n    trusted_prefixes: [198.18.0.0/16]'
configuration >"$work/bindery.yaml"
[[ -z $reflector ]] || measure_reflector "$@"
((${#phases[@]} > 0)) || exit 0

# Behind the generator, which shares its core.
nice -n 20 taskset -c "$generator_cpu" "$build/control/bindery-control" -c "$work/bindery.yaml" >"$work/control.log" 2>&1 &
control=$!
pids+=("$control")
until_true 20 "control answers" ask show info
"$build/dataplane/bindery-dataplane" -c "$work/bindery.yaml" >"$work/dataplane.log" 2>&1 &
dataplane=$!
pids+=("$dataplane")
disown
until_true 60 "dataplane serves" serves_or_ended
serves || { tail -n 5 "$work/dataplane.log" >&2 && exit 1; }
subscribers

rc=0
worker=$(worker_of "$dataplane")
# What the kernel says of it: how long it had to wait for its core.
generator "$worker" ${json:+--json "$json"} --watch "/proc/$dataplane/task/$worker/schedstat" "$@" "${phases[@]}" || rc=$?
ask show stats | awk '$2 > 0 { print "counter", $1, $2 }'
ask show info | tee "$work/info"
if [[ -n $memory ]]; then
    ask --json show info >"$work/info.json"
    echo "memory $(/usr/bin/python3 "$root/tests/bench/memory.py" "$work/info.json" "$dataplane" "$control")"
fi
bindings=$(sed -n 's/^ *bindings: //p' "$work/info")
if ((rc == 0 && bindings != aors)); then
    echo "run-dataplane.sh: the table holds $bindings bindings, not $aors" >&2
    rc=1
fi
exit "$rc"
