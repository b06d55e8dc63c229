#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Tests of the bench itself: what it accepts, what it writes, and that it refuses on a busy machine. Nothing
# here looks at how large a figure is. Root; BUILD names the build folder. Last line: "N passed, M failed".
set -uo pipefail
bench=${BASH_SOURCE[0]%/*}
work=$(mktemp -d "${TMPDIR:-/tmp}/bindery-bench-test.XXXXXX")
busy=''
trap '[[ -z $busy ]] || kill "$busy" 2>/dev/null; rm -rf "$work"' EXIT
passed=0 failed=0

# attempt NAME COMMAND...
attempt()
{
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok    bench/$name"
        passed=$((passed + 1))
    else
        echo "FAIL  bench/$name"
        sed 's/^/      /' "$work/log"
        failed=$((failed + 1))
    fi
}

# exits STATUS COMMAND...
exits()
{
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    ((status == wanted)) || { echo "status $status, wanted $wanted: $*" && return 1; }
}

usage_is_checked()
{
    exits 2 "$bench/run.sh" && exits 2 "$bench/run.sh" nonsense && exits 2 "$bench/run.sh" parse --nonsense &&
        exits 2 "$bench/run.sh" parse --bindings many && exits 2 "$bench/run.sh" parse --ring large && exits 2 "$bench/run.sh" parse --json
}

# The keys that issue readers and programs rely on, and figures where there should be some.
figures_are_whole()
{
    exits 0 "$bench/run.sh" parse table attach --quick --force --json "$work/figures.json" &&
        "$bench/whole.py" "$work/figures.json" parse table attach && /usr/bin/python3 - "$work/figures.json" <<'PY'
import json, sys
rows = json.load(open(sys.argv[1]))
assert {row["what"] for row in rows} == {"parse", "table", "attach"}, rows
for row in rows:
    assert row["ns_per_op"] is None or row["ns_per_op"] > 0, row
assert any(row["what"] == "table" and row["rate_per_s"] and row["bindings"] == 100000 for row in rows), rows
PY
}

# A loop on each core that is not the bench's own.
a_busy_machine_is_refused()
{
    timeout 60 sh -c 'while :; do :; done' &
    busy=$!
    exits 3 "$bench/run.sh" parse --quick --wait 1 --json "$work/refused.json" || return
    kill "$busy"
    busy=''
    grep -q 'not idle' "$work/log" && /usr/bin/python3 - "$work/refused.json" <<'PY'
import json, sys
for row in json.load(open(sys.argv[1])):
    assert row["idle"] is False and row["reason"] and row["ns_per_op"] is None, row
PY
}

# The check of load knows who belongs to the bench, and sees the rest.
idleness_is_judged()
{
    /usr/bin/python3 - "$bench" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import idle

def at(time, steal=0, **seconds):
    return {"time": time, "steal": steal, "processes": {
        str(i): {"name": name, "born": "1", "parent": "0", "seconds": s} for i, (name, s) in enumerate(seconds.items(), 2)}}

assert idle.compare(at(0, a=5), at(10, a=5)) == []
assert "a 50%" in idle.compare(at(0, a=5), at(10, a=10))[0]
assert "b 20%" in idle.compare(at(0, a=5), at(10, a=5, b=2))[0]
assert "hypervisor" in idle.compare(at(0), at(10, steal=1))[0]
# A child that ended: its time is in what its parent has reaped, and is not counted twice.
before = at(0, shell=1)
before["processes"]["9"] = {"name": "child", "born": "7", "parent": "2", "seconds": 100}
assert idle.compare(before, at(10, shell=101)) == []
PY
}

policy_of() { chrt -p "$1" | sed -n 's/.*policy: //p'; }

# What has a core for itself gives it back: at its end, when its time is over, and when it is told to.
real_time_ends()
{
    local fifo=${BUILD:-$bench/../../build}/tests/bench/bench_fifo guard
    ninja -C "${BUILD:-$bench/../../build}" tests/bench/bench_fifo >/dev/null || return
    sleep 60 &
    busy=$!
    exits 7 "$fifo" 5 --thread "$busy" sh -c '[ "$(chrt -p $$ | grep -c SCHED_FIFO)" = 1 ] &&
        [ "$(chrt -p '"$busy"' | grep -c SCHED_FIFO)" = 1 ] && exit 7' || return
    [[ $(policy_of "$busy") == SCHED_OTHER ]] || { echo "the thread is still $(policy_of "$busy")" && return 1; }
    exits 124 "$fifo" 1 --thread "$busy" sh -c 'while :; do :; done' || return
    [[ $(policy_of "$busy") == SCHED_OTHER ]] || { echo "the thread is still $(policy_of "$busy")" && return 1; }
    "$fifo" 60 sleep 50 &
    guard=$!
    until pgrep -P "$guard" -x sleep >/dev/null; do sleep 0.05; done
    kill "$guard"
    exits 143 wait "$guard" || return
    kill "$busy"
    busy=''
}

# What a core is freed of comes back, and the worker's core keeps nothing that could go.
isolation_is_undone()
{
    local last_core=$(($(nproc) - 1)) before
    # shellcheck source=isolate.sh
    . "$bench/isolate.sh"
    places() { cat /proc/sys/kernel/sched_rt_runtime_us /sys/devices/virtual/workqueue/cpumask /proc/irq/*/smp_affinity_list; }
    before=$(places)
    isolate_open
    [[ $last_core == 0 || $(places) != "$before" ]] || { echo "nothing was moved" && return 1; }
    isolate_close
    diff <(echo "$before") <(places)
}

# Phones over a memif, from power to the last 200, both processes: every one registered, each by its challenge
# and answer, and the table holds exactly them (or `fall` fails). The phones' own test is a unit test.
an_avalanche_ends()
{
    BINDERY_BENCH=$$ bash -c '
        bench=$1 work=$2
        . "$bench/lib.sh" && . "$bench/servers.sh" && . "$bench/avalanche/avalanche.sh"
        trap veth_close EXIT
        ninja -C "$build" tests/bench/avalanche/bindery-avalanche >&2 && "$prepare" hugepages 600 &&
            avalanche_limit=200 fall bindery memif 1000 0' - "$bench" "$work" >"$work/line" &&
        /usr/bin/python3 - "$work/line" <<'PY' && tail -n 1 "$work/bindery-memif-1000.curve" | grep -q ',100.00,1000,'
import sys
row = dict(word.split("=") for word in open(sys.argv[1]).read().split())
assert row["bindings"] == "1000" and row["failed"] == row["refusals"] == row["wrong"] == "0", row
assert int(row["challenges"]) >= 1000 and int(row["sent"]) >= 2000 and float(row["seconds"]) >= 0.9, row
PY
}

attempt usage usage_is_checked
attempt idle idleness_is_judged
attempt isolation isolation_is_undone
attempt real-time real_time_ends
attempt figures figures_are_whole
attempt avalanche an_avalanche_ends
attempt busy a_busy_machine_is_refused
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
