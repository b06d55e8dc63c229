#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The crash test: SIGKILL to each process, again and again, while phones register without pause.
#
#   tests/crash/run.sh [--long] [--rounds N] [--seed N]
#
# Each round kills the dataplane or the control process (a tenth of the rounds: both) at a random moment and starts it
# again; a fifth of the new processes is killed before it is ready. At the end every acknowledged binding
# that has not expired must be there (oracle.py), and no record may be lost. Root. BUILD names the build
# folder. The last line is "N passed, M failed".
set -uo pipefail
. "${BASH_SOURCE[0]%/*}/../e2e/lib.sh"

kills_each=50 seed=$((RANDOM * 32768 + RANDOM))
while (($#)); do
    case $1 in
    --long) kills_each=500 ;;
    --rounds) kills_each=$2 && shift ;;
    --seed) seed=$2 && shift ;;
    *) echo "usage: tests/crash/run.sh [--long] [--rounds N] [--seed N]" >&2 && exit 2 ;;
    esac
    shift
done
[[ $(id -u) == 0 ]] || { echo "tests/crash/run.sh: must be root" >&2; exit 2; }

declare -A kills=([dataplane]=0 [control]=0)
restart_ms=()
passed=0 failed=0
oracle_pid=''

quit()
{
    stop_process "$oracle_pid"
    lab_close
}
trap quit EXIT
trap 'exit 130' INT TERM

acknowledged()
{
    local count=0
    read -r count <"$lab/state.progress" 2>/dev/null
    echo "${count:-0}"
}

more_acknowledged_than()
{
    process_alive "$oracle_pid" || return 0
    (($(acknowledged) > $1))
}

nap_ms()
{
    sleep "$(printf '0.%03d' "$1")"
}

kill_one()
{
    kill -KILL "$(pid_of "$1")"
    kills[$1]=$((kills[$1] + 1))
}

# Kills, lets a moment pass in which requests meet the gap, starts again.
kill_and_restart()
{
    local who began
    for who in "$@"; do kill_one "$who"; done
    nap_ms $((RANDOM % 150))
    began=${EPOCHREALTIME/[.,]/}
    for who in "$@"; do start "$who"; done
    if ((RANDOM % 5 == 0)); then
        nap_ms $((RANDOM % 400))
        for who in "$@"; do
            kill_one "$who"
            start "$who"
        done
    fi
    lab_wait || return 1
    restart_ms+=($(((${EPOCHREALTIME/[.,]/} - began) / 1000)))
    until_true 10 "phones are served again" more_acknowledged_than "$(acknowledged)" || return 1
    process_alive "$oracle_pid" || fail "the phones gave up: $(cat "$lab/oracle.log")" || return 1
    nap_ms $((RANDOM % 500))
}

next_victims()
{
    if ((RANDOM % 10 == 0)); then
        echo dataplane control
    elif ((kills[dataplane] >= kills_each)); then
        echo control
    elif ((kills[control] >= kills_each || RANDOM % 2)); then
        echo dataplane
    else
        echo control
    fi
}

kill_rounds()
{
    RANDOM=$seed
    while ((kills[dataplane] < kills_each || kills[control] < kills_each)); do
        kill_and_restart $(next_victims) || return 1
    done
}

# At rest: nothing is on its way between the table and the free lists.
no_record_leaked()
{
    [[ $(json '["records"]["leaked"]' show info) == 0 ]]
}

bindings_kept()
{
    kill -TERM "$oracle_pid" 2>/dev/null
    wait "$oracle_pid" || fail "the phones: $(cat "$lab/oracle.log")" || return 1
    cat "$lab/oracle.log"
    ask --json show bindings all >"$lab/bindings.json"
    "$python" "$root/tests/crash/oracle.py" check "$lab/state" "$lab/bindings.json"
}

serves_on()
{
    equal "$(phone register 1999 --algorithm SHA-256)" 200 "a new phone after all"
}

judge()
{
    local what=$1
    shift
    if "$@"; then
        echo "ok    crash/$what"
        passed=$((passed + 1))
    else
        echo "FAIL  crash/$what"
        lab_report | sed 's/^/      /'
        failed=$((failed + 1))
    fi
}

# A figure to read, no judgement: the machine is shared.
print_restarts()
{
    local sorted
    mapfile -t sorted < <(printf '%s\n' "${restart_ms[@]}" | sort -n)
    ((${#sorted[@]})) || return 0
    echo "restart until served: median ${sorted[${#sorted[@]} / 2]} ms, worst ${sorted[-1]} ms"
}

echo "crash: seed $seed, $kills_each kills of each process"
lab_workers=2
lab_open && lab_start && lab_subscribers >/dev/null || { lab_report; echo "0 passed, 1 failed"; exit 1; }
nsenter --net="/run/netns/$ns" -- "$python" "$root/tests/crash/oracle.py" run "$lab/state" \
    --seed "$seed" >"$lab/oracle.log" 2>&1 </dev/null &
oracle_pid=$!
until_true 10 "phones register" more_acknowledged_than 500
judge rounds kill_rounds
echo "killed: dataplane ${kills[dataplane]} times, control ${kills[control]} times"
judge bindings_kept bindings_kept
judge no_record_leaked until_true 10 "show info says records leaked 0" no_record_leaked
print_restarts
judge serves_on serves_on
echo "$passed passed, $failed failed"
((failed == 0))
