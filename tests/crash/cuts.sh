# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Power cuts: both processes die, memory is gone, of the journal's directory there is what a disk keeps.

async_slack_ms=3000 # the machine is shared; what may be missing is judged exactly by the trace

# Snapshots all the time, so that cuts meet them.
snapshots_without_pause()
{
    local lab_=$lab
    while [[ -d $lab_ ]]; do
        timeout 20 "$ctl" -s "$lab_/admin.sock" snapshot >/dev/null 2>&1
        sleep 0.2
    done &
    snapshots_pid=$!
}

# A moment comes: any, or that of the n-th call of control on its files, which dies before or after it.
moment_of_a_cut()
{
    local n=$((1 + RANDOM % 40))
    case $((RANDOM % 3)) in
    0) nap_ms $((RANDOM % 1000)) ;;
    1)
        rules control "any $n $n kill"
        until_true 20 "control dies before call $n" control_died
        ;;
    2)
        rules control "any $n $n after"
        until_true 20 "control dies after call $n" control_died
        ;;
    esac
}

# $sync: nothing acknowledged may be missing, whatever the trace says.
one_cut()
{
    local torn=()
    ((RANDOM % 2)) && torn=(--torn)
    moment_of_a_cut && power_cut "${torn[@]}" || return 1
    [[ -z $sync ]] || safe_at=now
    power_back "$safe_at" || return 1
    lost_total=$((lost_total + lost)) there_total=$((there_total + there))
    ((oldest_ms <= oldest_total)) || oldest_total=$oldest_ms
    ((oldest_ms <= ${lab_fsync_ms:-200} + async_slack_ms)) ||
        fail "what was acknowledged $oldest_ms ms before the cut is missing" || return 1
    [[ -z $sync || $lost == 0 ]] || fail "$lost are missing" || return 1
    served 100 # so that the next cut meets something new
}

many_cuts()
{
    local round
    for ((round = 0; round < cut_rounds; round++)); do
        one_cut || fail "cut $round" || return 1
    done
}

# A disk that says "synced" and has not: if nobody noticed, these tests would notice nothing.
lie_is_noticed()
{
    local rc=0
    settled || return 1
    rules control "sync 1 - lie"
    served 300 && power_cut || return 1
    start control
    start dataplane
    lab_wait && show_bindings && crowd judge "$lab/bindings.json" now now || return 1
    [[ ${answer##* } -gt 0 ]] || fail "a disk that lies was not noticed: $answer" || rc=1
    : >"$lab/oracle.log"
    crowd resume && served && return "$rc"
}

print_losses()
{
    echo "$cut_rounds cuts, $there_total bindings there, $lost_total acknowledged and lost, the oldest $oldest_total ms before"
}

# part_of_cuts async|sync
part_of_cuts()
{
    local lab_durability=$1 lab_snapshot_mb=1 sync='' snapshots_pid='' lost_total=0 there_total=0 oldest_total=0
    [[ $1 == async ]] || sync=yes
    cases "cuts/$1" crash_open snapshots_without_pause many_cuts print_losses lie_is_noticed all_kept on_disk_too \
        no_record_leaked
    [[ -z $snapshots_pid ]] || kill "$snapshots_pid" 2>/dev/null
    crash_close
}

part_cuts()
{
    part_of_cuts sync
    part_of_cuts async
}
