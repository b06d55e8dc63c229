# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the parts of tests/crash/run.sh share: a lab on the disk of disk.c, the crowd of oracle.py, power cuts.

crash=${BASH_SOURCE[0]%/*}
disk_library=$build/tests/crash/disk.so
passed=0 failed=0
crowd_pid=''

# cases PART CASE...: until one fails, as each rests on what went before.
cases()
{
    local part=$1 name
    shift
    for name in "$@"; do judge "$part/$name" "$name" || return 1; done
}

judge()
{
    local what=$1 start=${EPOCHREALTIME/[.,]/}
    shift
    if "$@"; then
        printf 'ok    crash/%s (%d.%03d s)\n' "$what" $(((${EPOCHREALTIME/[.,]/} - start) / 1000000)) \
            $(((${EPOCHREALTIME/[.,]/} - start) / 1000 % 1000))
        passed=$((passed + 1))
    else
        echo "FAIL  crash/$what"
        [[ ! -s $lab/oracle.log ]] || { echo "--- oracle.log"; tail -n 20 "$lab/oracle.log"; } | cut -c1-1000 | sed 's/^/      /'
        [[ ! -s $lab/trace ]] || { echo "--- trace"; tail -n 12 "$lab/trace"; } | sed 's/^/      /'
        lab_report | sed 's/^/      /'
        failed=$((failed + 1))
        return 1
    fi
}

nap_ms()
{
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

# --- the disk -------------------------------------------------------------------------------------------

# disk_environment control|dataplane
disk_environment()
{
    printf '%s\n' "LD_PRELOAD=$disk_library" "DISK_DIR=$lab/journal" "DISK_SHADOW=$lab/shadow" \
        "DISK_RULES=$lab/rules.$1" "DISK_TRACE=$lab/trace.$1"
}

disk_open()
{
    mkdir -p "$lab"/{journal,shadow/volatile,shadow/durable}
    [[ -z ${disk_size:-} ]] || mount -t tmpfs -o "size=$disk_size" bindery-crash "$lab/journal" || return 1
    touch "$lab/shadow/lock"
    mapfile -t lab_env_control < <(disk_environment control)
    mapfile -t lab_env_dataplane < <(disk_environment dataplane)
    rules control
    rules dataplane
}

# rules control|dataplane [RULE...]: what goes wrong from now on; a new text each time, as counts begin with it.
rules()
{
    local file=$lab/rules.$1
    shift
    rules_number=$((${rules_number:-0} + 1))
    {
        echo "# $rules_number"
        (($# == 0)) || printf '%s\n' "$@"
    } >"$file.new"
    mv "$file.new" "$file"
}

# Since when, for "hit": the lines of a trace.
trace_lines()
{
    cat "$lab/trace.control" 2>/dev/null | wc -l
}

# hit LINES AWK-CONDITION: a call after the first LINES lines of the trace fits: $3 operation, $5 name, $6 result.
hit()
{
    tail -n "+$(($1 + 1))" "$lab/trace.control" 2>/dev/null | awk "$2 { found = 1 } END { exit !found }"
}

# --- the crowd ------------------------------------------------------------------------------------------

# crowd_start PHONES DIGEST
crowd_start()
{
    mkfifo "$lab/crowd.in" "$lab/crowd.out"
    : >"$lab/progress"
    nsenter --net="/run/netns/$ns" -- "$python" "$crash/oracle.py" --progress "$lab/progress" --seed "$seed" \
        --phones "$1" --digest "$2" <"$lab/crowd.in" >"$lab/crowd.out" 2>>"$lab/oracle.log" &
    crowd_pid=$!
    exec {crowd_in}>"$lab/crowd.in" {crowd_out}<"$lab/crowd.out"
}

# crowd COMMAND...: the answer in $answer.
crowd()
{
    answer=''
    echo "$*" >&"$crowd_in"
    read -t 120 -r answer <&"$crowd_out" || fail "the crowd does not answer to: $*"
}

crowd_stop()
{
    [[ -n $crowd_pid ]] || return 0
    exec {crowd_in}>&- {crowd_out}<&-
    stop_process "$crowd_pid"
    crowd_pid=''
}

# Acknowledged requests so far; refused: those answered 503.
acknowledged()
{
    local count=0
    read -r count _ <"$lab/progress" 2>/dev/null
    echo "${count:-0}"
}

refused()
{
    local count=0
    read -r _ count <"$lab/progress" 2>/dev/null
    echo "${count:-0}"
}

more_acknowledged_than()
{
    process_alive "$crowd_pid" || return 0
    (($(acknowledged) > $1))
}

more_refused_than()
{
    process_alive "$crowd_pid" || return 0
    (($(refused) > $1))
}

# served [COUNT]: so many more are acknowledged.
served()
{
    until_true 20 "phones are served" more_acknowledged_than $(($(acknowledged) + ${1:-1})) || return 1
    process_alive "$crowd_pid" || fail "the phones gave up: $(tail -n 1 "$lab/oracle.log" | cut -c1-1500)"
}

# --- the lab --------------------------------------------------------------------------------------------

# crash_open: both processes on the disk of this test, phones that register.
crash_open()
{
    # The disk makes files and calls of its own in both processes, whoever they are at the moment.
    lab_workers=2 lab_user=root lab_seccomp=off
    lab_open && disk_open && lab_start && lab_subscribers >/dev/null || return 1
    crowd_start "${phones:-400}" "${digest_phones:-60}"
    served 300
}

crash_close()
{
    crowd_stop
    [[ -z $lab ]] || ! mountpoint -q "$lab/journal" || { kill_now dataplane control; umount "$lab/journal"; }
    lab_close
    lab_env_control=() lab_env_dataplane=()
}

# With all its threads, as whoever restarts it would know: before, its port and its locks may still be held.
wholly_gone()
{
    local threads=(/proc/"$1"/task/*)
    process_gone "$1" && ((${#threads[@]} <= 1))
}

# Somebody else has changed the directory: what is there now is there for good.
disk_adopt()
{
    rm -rf "$lab"/shadow/{volatile,durable}
    cp -a "$lab/journal" "$lab/shadow/volatile"
    cp -al "$lab/shadow/volatile" "$lab/shadow/durable"
}

# SIGKILL, and gone; not while the disk changes a name and its shadow.
kill_now()
{
    local who pid pids=()
    for who in "$@"; do
        pid=$(pid_of "$who")
        # A number may be somebody else's by now.
        [[ -z $pid || $(cat "/proc/$pid/comm" 2>/dev/null) != bindery-* ]] || pids+=("$pid")
    done
    ((${#pids[@]})) || return 0
    flock "$lab/shadow/lock" kill -KILL "${pids[@]}" 2>/dev/null
    for pid in "${pids[@]}"; do until_true 10 "process $pid is gone" wholly_gone "$pid" || return 1; done
}

# --- power cuts and their verdict ------------------------------------------------------------------------

remove_arena()
{
    rm -f "/dev/hugepages/$ns" "/dev/shm/$ns"
}

# power_cut [--torn]: both die, memory is gone, of the journal there is what a disk keeps; the phones wait. Sets
# $safe_at, up to which the journal had all, and $cut_at.
power_cut()
{
    local died
    kill_now dataplane control || return 1
    died=$EPOCHREALTIME
    crowd pause || return 1
    rules control
    rules dataplane
    read -r safe_at cut_at < <("$python" "$crash/cut.py" "$lab/journal" "$lab/shadow" --trace "$lab/trace.control" \
        --at "$died" --seed $RANDOM "$@")
    mv "$lab/trace.control" "$lab/trace.before"
    [[ -n $cut_at ]] || fail "cut.py failed" || return 1
    remove_arena
}

show_bindings()
{
    ask --json show bindings all >"$lab/bindings.json"
}

# verdict SAFE CUT, or verdict_real: sets $there, $lost, $oldest_ms; fails when a promise is broken.
verdict()
{
    show_bindings && crowd judge "$lab/bindings.json" "$1" "$2" && take_verdict
}

verdict_real()
{
    show_bindings && crowd real "$lab/bindings.json" && take_verdict
}

take_verdict()
{
    local broken
    read -r there lost oldest_ms broken <<<"$answer"
    ((there > 0)) || fail "no binding is there at all" || return 1
    ((broken == 0)) || fail "$broken promises are broken"
}

# A power cut may leave damaged files: their second names are for a human, and never go by themselves.
drop_kept_files()
{
    rm -f "$lab"/journal/*.bad-* "$lab"/shadow/*/*.bad-*
}

# After a power cut: start again, and nothing that was acknowledged before SAFE may be missing.
power_back()
{
    start control
    start dataplane
    lab_wait && verdict "$1" "$cut_at" && drop_kept_files && crowd resume && served
}

# All that was acknowledged before the call is on disk, says show info: the age of the moment up to which
# everything is on disk is less than the time since then.
settled()
{
    settle_from=${EPOCHREALTIME/[.,]/}
    until_true 20 "show info says that all is on disk" settled_since
}

settled_since()
{
    local lag now=${EPOCHREALTIME/[.,]/}
    [[ $(json '["journal"]["state"]' show info) == writing ]] || return 1
    lag=$(json '["journal"]["lag_ms"]' show info)
    (((now - settle_from) / 1000 > lag))
}

no_record_leaked()
{
    until_true 10 "show info says records leaked 0" none_leaked
}

none_leaked()
{
    [[ $(json '["records"]["leaked"]' show info) == 0 ]]
}

# All that was acknowledged, after all: the phones are at rest.
all_kept()
{
    crowd rest || return 1
    echo "$answer"
    verdict now now
}

# What the arena has is on disk as well: the journal missed no change.
on_disk_too()
{
    settled && power_cut || return 1
    start control
    start dataplane
    lab_wait && verdict now now
}

serves_on()
{
    equal "$(phone register 1999 --algorithm SHA-256)" 200 "a new phone after all"
}
