# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Disks that fail, are full, slow, hang or are gone: what goes on meanwhile, who is told, and that everything catches
# up by itself and is on disk afterwards.

# raised NAME: in show info and the metrics.
raised()
{
    [[ $(json "[\"alarms\"]" show info) == *"'alarm': '$1'"* ]] &&
        ask show metrics | grep -q "^bindery_alarm{name=\"$1\"} 1$"
}

not_raised()
{
    [[ $(json "[\"alarms\"]" show info) != *"'alarm': '$1'"* ]] &&
        ask show metrics | grep -q "^bindery_alarm{name=\"$1\"} 0$"
}

logged()
{
    tail -n "+$(($2 + 1))" "$lab/control.log" | grep -q "alarm $1: "
}

# The alarm is raised in all three places.
alarm_is_told()
{
    until_true 20 "the alarm $1" raised "$1" || return 1
    logged "$1" "$log_lines" || fail "the log has nothing of the alarm $1"
}

alarm_ends()
{
    until_true 30 "the end of the alarm $1" not_raised "$1"
}

# While the disk fails: async serves all; sync answers 503 with Retry-After (the crowd takes no other).
goes_on()
{
    if [[ -z $sync ]]; then
        served 200
    else
        until_true 20 "phones are answered 503" more_refused_than $(($(refused) + 50))
    fi
}

fault_begins()
{
    log_lines=$(wc -l <"$lab/control.log")
    refused_before=$(refused)
}

# The fault is over: alarm off, everybody served, and a power cut loses nothing at all.
catches_up()
{
    alarm_ends journal && alarm_ends journal_slow && served 200 || return 1
    [[ $sync || $(refused) == "$refused_before" ]] || fail "async has answered 503" || return 1
    crowd rest && settled && power_cut || return 1
    power_back now
}

# --- by disk.c --------------------------------------------------------------------------------------------

# The disk answers so until further notice; then a snapshot makes calls of each kind.
failing_for_long()
{
    fault_begins
    rules control "any 1 - $1"
    alarm_is_told journal && goes_on || return 1
    rules control
    catches_up
}

each_error_for_long()
{
    local error
    for error in "${errors[@]}"; do failing_for_long "$error" || fail "$error" || return 1; done
}

fired()
{
    hit "$fault_lines" "\$6 > 0"
}

# one_fault N ERROR: the n-th call fails, or it and what follows until control is through with it.
one_fault()
{
    local last=$1
    ((RANDOM % 2)) && last=-
    fault_begins
    fault_lines=$(trace_lines)
    rules control "any $1 $last $2"
    timeout 20 "$ctl" -s "$lab/admin.sock" snapshot >/dev/null 2>&1 &
    until_true 20 "call $1 fails with $2" fired || return 1
    nap_ms $((RANDOM % 300))
    rules control
    catches_up
}

# A snapshot, sweeps beside it, and what follows a failure: some 25 calls.
each_call_fails()
{
    local n
    for ((n = 1 + RANDOM % fault_step; n <= 30; n += fault_step)); do
        one_fault "$n" "${errors[RANDOM % ${#errors[@]}]}" || fail "call $n" || return 1
    done
}

half_written()
{
    local n
    fault_begins
    for n in 1 2 3; do
        fault_lines=$(trace_lines)
        rules control "write $n $n short"
        until_true 20 "a write of $n" hit "$fault_lines" '$3 == "write" && $4 == '"$n" || return 1
    done
    catches_up
}

slow_disk()
{
    fault_begins
    rules control "sync 1 - slow:300"
    served 300 || return 1
    rules control "sync 1 - slow:1500"
    alarm_is_told journal_slow || return 1
    # A reply may wait for two syncs, and these take longer than verdict_timeout_ms.
    [[ $sync ]] || served 300 || return 1
    rules control
    served 200 && slow_is_over
}

# Its alarm stays for a minute, which is not waited for.
slow_is_over()
{
    crowd rest && settled && power_cut && power_back now
}

hanging_disk()
{
    fault_begins
    rules control "sync 1 - hang"
    alarm_is_told journal_slow || return 1
    [[ $sync ]] || served 300 || return 1
    rules control
    served 200 && slow_is_over
}

# A cut while the disk fails: of what async acknowledged nothing since the failure needs to be there, all else does.
cut_while_failing()
{
    local before
    crowd rest && settled && crowd resume || return 1
    rules control "any 1 - EIO"
    until_true 20 "the alarm journal" raised journal || return 1
    [[ $sync ]] || served 100 || return 1
    power_cut --torn || return 1
    [[ -z $sync ]] || safe_at=now
    power_back "$safe_at"
}

# --- a file system that is full -----------------------------------------------------------------------------

full_disk()
{
    fault_begins
    dd if=/dev/zero of="$lab/journal/filler" bs=64k 2>/dev/null
    dd if=/dev/zero of="$lab/journal/filler2" bs=512 2>/dev/null
    alarm_is_told journal && goes_on || return 1
    grep -q 'No space left' <<<"$(json '["alarms"]' show info)" || fail "the alarm does not say why" || return 1
    rm "$lab/journal/filler" "$lab/journal/filler2"
    catches_up
}

# --- a directory that cannot be read -----------------------------------------------------------------------

dataplane_died()
{
    process_gone "$(pid_of dataplane)"
}

# What cannot be read is not taken for empty: no start, and a word about it.
unreadable_at_start()
{
    crowd rest && settled && power_cut || return 1
    rules dataplane "open 1 - EIO"
    start control
    start dataplane
    until_true 20 "the dataplane refuses to start" dataplane_died || return 1
    tail -n 3 "$lab/dataplane.log" | grep -q 'Input/output error' || fail "no word of it" || return 1
    rules dataplane
    start dataplane
    lab_wait && verdict now now && crowd resume && served
}

part_of_faults()
{
    local lab_durability=$1 disk_size=8m sync='' log_lines refused_before fault_lines errors=(EIO ENOSPC EDQUOT EROFS)
    [[ $1 == async ]] || sync=yes
    cases "faults/$1" crash_open full_disk each_error_for_long each_call_fails half_written cut_while_failing \
        hanging_disk slow_disk unreadable_at_start all_kept no_record_leaked
    crash_close
}

part_faults()
{
    part_of_faults async
    part_of_faults sync
}
