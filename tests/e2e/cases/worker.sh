# SPDX-License-Identifier: BSD-3-Clause
# What a worker must not do while it serves: no allocation, no lock, no system call. What other groups hold
# against every kind of traffic (lab_watch_is_clean) is held here against a storm of refreshes over a memif,
# whose driver makes no system call either; and that both watches see what they are there to see.

group_open()
{
    local driver='driver: memif\n    memif_role: server\n    mac: "02:00:00:00:00:01"'
    lab_watch=yes port_driver=memif
    lab_open memif &&
        sed -i -e "s|interface: sip0|interface: $lab/memif.sock|" -e "s|driver: memif|$driver|" \
            -e 's|198.18.0.1/24|198.18.0.1/16|' -e 's|poll: adaptive|poll: busy|' "$lab/bindery.yaml" &&
        start control && until_true 10 "control answers" control_answers
}

serves()
{
    grep -q 'serving with' "$lab/dataplane.log"
}

# begin [VARIABLE=VALUE]: a new dataplane, whose log begins with it.
begin()
{
    stop_process "$(pid_of dataplane)"
    : >"$lab/dataplane.log"
    lab_watch_more=("$@")
    start dataplane
    until_true 30 "dataplane serves" serves
}

worker_thread()
{
    grep -l '^rte-worker' /proc/"$(pid_of dataplane)"/task/*/comm | grep -o 'task/[0-9]*' | cut -c 6- | head -1
}

traced()
{
    grep -q attached "$lab/strace.log"
}

# system_calls_during COMMAND...: prints those of the worker, one a line, while the command runs.
system_calls_during()
{
    : >"$lab/strace.log"
    strace -o "$lab/system_calls" -p "$(worker_thread)" 2>"$lab/strace.log" &
    local tracer=$!
    until_true 10 "strace attaches" traced
    "$@" >&2
    stop_process "$tracer"
    grep -v -e '^---' -e detached "$lab/system_calls" || true
}

# load DOMAIN PHASE...: no speed is asked for.
load()
{
    local domain=$1
    shift
    "$build/tests/bench/load/bindery-load" --socket "$lab/memif.sock" --domain "$domain" --fixed --rate 20000 \
        --aors 10000 --attempts 30000 --fill-rate 20000 --threshold 5000 --cseq "$cseq" "$@"
}

refreshes_and_challenges()
{
    cseq=10000000 load open.example fill reregister
    cseq=20000000 load example.com challenge
}

case_refreshes_make_no_system_call()
{
    begin
    equal "$(system_calls_during refreshes_and_challenges)" '' "system calls of the worker"
    (($(total refreshed) >= 30000)) || fail "no refreshes: $(total refreshed)"
    (($(total challenged) >= 30000)) || fail "no challenges: $(total challenged)"
    lab_watch_is_clean
}

says_what_it_was()
{
    grep -q 'is not on the list of workers' "$lab/dataplane.log"
}

case_worker_that_leaves_its_list_ends_the_process()
{
    local pid
    stop_process "$(pid_of dataplane)"
    : >"$lab/dataplane.log"
    sed -i 's/seccomp: off/seccomp: enforce/' "$lab/bindery.yaml"
    lab_watch_more=(WORKER_WATCH_MISDEEDS=yes)
    start dataplane
    pid=$(pid_of dataplane)
    until_true 30 "the dataplane ends" process_gone "$pid"
    says_what_it_was
}

system_calls_of_misdeeds()
{
    local what
    for what in getpid mmap munmap; do
        grep -q "^$what(" "$lab/system_calls" || return 1
    done
}

case_watch_sees_what_a_worker_must_not_do()
{
    local what
    # Enforced, the first of them would end the process.
    sed -i 's/seccomp: enforce/seccomp: off/' "$lab/bindery.yaml"
    begin WORKER_WATCH_MISDEEDS=yes
    system_calls_during until_true 10 "strace sees its system calls" system_calls_of_misdeeds >/dev/null
    for what in malloc calloc realloc free aligned rte_malloc rte_free mmap munmap lock; do
        (($(watched "$what") > 0)) || fail "the watch saw no $what"
    done
    grep -q "worker_watch: malloc" "$lab/dataplane.log" || fail "not told"
    if (lab_watch_is_clean) 2>/dev/null; then fail "was called clean"; fi
}
