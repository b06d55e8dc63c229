# SPDX-License-Identifier: BSD-3-Clause
# Processes and threads that hang. Every case leaves both processes running.

group_open()
{
    local lab_workers=2
    lab_open && lab_start && lab_subscribers
}

registers()
{
    phone register "$@"
}

logged()
{
    grep -q "$2" "$lab/$1.log"
}

# Whether the alarm NAME is raised.
alarmed()
{
    grep -q "^bindery_alarm{name=\"$1\"} 1$" <<<"$(ask show metrics)"
}

not_alarmed()
{
    grep -q "^bindery_alarm{name=\"$1\"} 0$" <<<"$(ask show metrics)"
}

# Of the first thread of a process whose name begins so.
thread_of()
{
    local task
    for task in "/proc/$(pid_of "$1")/task"/*; do
        if [[ $(<"$task/comm") == "$2"* ]]; then
            echo "${task##*/}"
            return 0
        fi
    done
    fail "no thread $2 in $1"
}

# Stops a thread; stopper is the process to kill when it shall go on.
stop_thread()
{
    rm -f "$lab/stopped"
    "$build/tests/unit/control/stop_thread" "$1" >"$lab/stopped" &
    stopper=$!
    disown "$stopper"
    until_true 3 "thread $1 is stopped" test -s "$lab/stopped"
}

case_a_control_that_hangs_draws_503_at_once()
{
    local gone hangs
    gone=$(total verifier_gone)
    hangs=$(json '["control"]["hangs"]' show info)
    equal "$(phone register 1200)" 200 "before"
    kill -STOP "$(pid_of control)"
    trap 'kill -CONT "$(pid_of control)"' EXIT
    until_true 3 "the dataplane notices" logged dataplane 'bindery-control hangs'
    equal "$(phone register 1200 -v | grep -c -e '^SIP/2.0 503' -e '^Retry-After: [1-9]')" 2 "503 with Retry-After"
    equal "$(phone register other --domain open.example)" 200 "an open domain goes on"
    kill -CONT "$(pid_of control)"
    # One that had waited for its verdict in vain would be verifier_busy. Before others come.
    (($(total verifier_gone) > gone)) || fail "no 503 at once"
    until_true 3 "full service by itself" registers 1200
    equal "$(json '["control"]["hangs"]' show info)" $((hangs + 1)) "hangs told"
    grep -q "^bindery_control_hangs_total $((hangs + 1))$" <<<"$(ask show metrics)"
}

case_a_dataplane_that_hangs_is_an_alarm()
{
    kill -STOP "$(pid_of dataplane)"
    trap 'kill -CONT "$(pid_of dataplane)"' EXIT
    until_true 5 "alarm" alarmed dataplane
    grep -q 'main thread of bindery-dataplane' <<<"$(ask show info)"
    kill -CONT "$(pid_of dataplane)"
    until_true 5 "the alarm ends" not_alarmed dataplane
    equal "$(phone register 1201)" 200 "after"
}

case_a_dataplane_that_is_gone_is_an_alarm()
{
    stop_process "$(pid_of dataplane)"
    until_true 5 "alarm" alarmed dataplane
    start dataplane
    lab_wait
    until_true 5 "the alarm ends" not_alarmed dataplane
    equal "$(grep -c 'alarm dataplane: bindery-dataplane is gone' "$lab/control.log")" 1 "lines in the log"
}

case_a_worker_tells_its_core()
{
    local task
    task=$(thread_of dataplane lcore-worker) || task=$(thread_of dataplane rte-worker)
    equal "$(json '["workers"][0]["cpu"]' show workers)" \
        "$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$(pid_of dataplane)/task/$task/status")" "core"
}

stalled()
{
    grep -q "'stalled_ms': [1-9]" <<<"$(json '["workers"]' show workers)"
}

case_an_arena_without_its_name_is_an_alarm()
{
    local arena
    arena=$(json '["arena"]["path"]' show info)
    mv "$arena" "$arena.aside"
    until_true 5 "alarm" alarmed arena
    equal "$(phone register 1200)" 200 "served"
    mv "$arena.aside" "$arena"
    until_true 5 "the alarm ends" not_alarmed arena
}

case_a_worker_that_is_stuck_is_an_alarm()
{
    stop_thread "$(thread_of dataplane lcore-worker)" || stop_thread "$(thread_of dataplane rte-worker)"
    trap 'kill "$stopper"' EXIT
    until_true 5 "alarm" alarmed dataplane
    grep -qE 'worker [01] has not turned' <<<"$(ask show info)"
    stalled || fail "show workers does not tell"
    kill "$stopper"
    trap - EXIT
    until_true 5 "the alarm ends" not_alarmed dataplane
    if stalled; then fail "show workers tells of it still"; fi
}

# Stands in for the service manager, which starts a process again when it has failed.
supervise_control()
{
    local rc
    while [[ ! -e $lab/unsupervised ]]; do
        rc=0
        nsenter --net="/run/netns/$ns" -- "${program[control]}" -c "$lab/bindery.yaml" </dev/null >>"$lab/control.log" 2>&1 &
        echo $! >"$lab/control.pid"
        wait $! || rc=$?
        echo "$rc" >>"$lab/exits"
        ((rc)) || break
    done
}

case_a_stuck_verifier_is_replaced()
{
    local before
    stop_process "$(pid_of control)"
    supervise_control &
    trap 'touch "$lab/unsupervised"' EXIT
    lab_wait
    until_true 5 "verification" registers 1202
    before=$(pid_of control)
    stop_thread "$(thread_of control verifier-0)"
    until_true 3 "alarm" alarmed verifier
    grep -q 'verifier thread 0 has not turned' <<<"$(ask show info)"
    equal "$(phone register other --domain open.example)" 200 "an open domain meanwhile"
    until_true 8 "it exits" test -s "$lab/exits"
    equal "$(cat "$lab/exits")" 1 "exit status"
    equal "$(grep -c 'error: .*verifier thread 0 is stuck' "$lab/control.log")" 1 "lines that say why"
    until_true 5 "full service by itself" registers 1202
    [[ $(pid_of control) != "$before" ]] || fail "the same process"
    equal "$(ask show metrics | grep '^bindery_alarm{name="verifier"}')" 'bindery_alarm{name="verifier"} 0' "alarm"
}
