# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What every measurement needs: packages, a build, hugepages, an idle machine, a place for figures. For bash;
# sourced by run.sh.
#
#   bench_open           makes the machine ready; what is changed is put back when the script ends
#   begin_what WHAT      builds what it needs
#   figure COMMAND...    runs the command, whose stdout has lines of key=value, one a figure; keeps them when the
#                        machine was idle before and meanwhile
#   figure_of_one_core COMMAND...    the same for one thread, however far the other core is
#   bench_report         the table, and the JSON

export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
root=$(cd "$bench/../.." && pwd)
own_build=''
[[ -n ${BUILD:-} ]] || { BUILD=$root/build-bench && own_build=yes; }
. "$root/tests/e2e/lib.sh"

# One thread is measured on the last core; what it talks to has the first.
last_core=$(($(nproc) - 1))
status=0 raised=0 tries_max=3

say() { echo "run.sh: $*" >&2; }

# --- the machine ----------------------------------------------------------------------------------------

bench_open()
{
    work=$(mktemp -d "${TMPDIR:-/tmp}/bindery-bench.XXXXXX")
    rows=$work/rows
    : >"$rows"
    trap bench_close EXIT
    trap 'exit 130' INT TERM
    ulimit -l unlimited 2>/dev/null
    "$root/deploy/packages.sh" install build run bench || exit 1
    priority -20
    export BENCH_COMMAND=$command_line BENCH_COMMIT BENCH_MACHINE
    BENCH_COMMIT=$(commit)
    BENCH_MACHINE=$(machine)
    configure || exit 1
}

# priority NICE: of what is measured. The kernel shares out the cores by sessions first (autogroup), and
# looks at a process's own priority only within its session.
priority()
{
    renice -n "$1" -p $$ >/dev/null
    [[ ! -w /proc/self/autogroup ]] || echo "$1" >/proc/self/autogroup
}

# Everything back: processes, namespaces, and the hugepages that were added.
bench_close()
{
    isolate_close
    veth_close
    if ((raised > 0)); then
        local now
        now=$(</proc/sys/vm/nr_hugepages)
        echo $((now > raised ? now - raised : 0)) >/proc/sys/vm/nr_hugepages
    fi
    priority 0
    [[ -z ${rmem_max:-} ]] || echo "$rmem_max" >/proc/sys/net/core/rmem_max
    rm -rf "$work"
}

commit()
{
    local name
    name=$(git -c safe.directory="$root" -C "$root" rev-parse --short=12 HEAD 2>/dev/null) || name=unknown
    git -c safe.directory="$root" -C "$root" diff --quiet HEAD 2>/dev/null || name+='+changes'
    echo "$name"
}

machine()
{
    echo "$(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo), $(nproc) cores," \
        "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), Linux $(uname -r)"
}

# hugepages MEGABYTES: so much free.
hugepages()
{
    local before after
    before=$(</proc/sys/vm/nr_hugepages)
    "$prepare" hugepages "$1" || return
    after=$(</proc/sys/vm/nr_hugepages)
    raised=$((raised + after - before))
}

# --- the build ------------------------------------------------------------------------------------------

configure()
{
    [[ -z $own_build || -e $build/build.ninja ]] ||
        meson setup "$build" "$root" --buildtype=release >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log" >&2; say "meson setup failed"; return 1; }
    ninja -C "$build" tests/bench/bench_cores >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log" >&2; say "does not build: bench_cores"; return 1; }
}

# need TARGET...: builds them, says which cannot be had.
need()
{
    ninja -C "$build" "$@" >"$work/log" 2>&1 && return
    tail -n 20 "$work/log" >&2
    cannot "does not build: $*"
}

# --- figures --------------------------------------------------------------------------------------------

begin_what()
{
    what=$1
    say "$what"
}

# cannot WHY: there is no figure.
cannot()
{
    say "$what: $*"
    ((status == 3)) || status=1
    echo "what=$what idle=null reason=\"${*//\"/}\"" >>"$rows"
    return 1
}

# Waits till the machine is idle; else says who is at work.
idle_before()
{
    local end=$((SECONDS + patience))
    until busy=$("$python" "$bench/idle.py" now "$build/idle.best"); do
        [[ -z $force ]] && ((SECONDS < end)) || return 1
    done
}

# The cores of a virtual machine may lie near each other or not, and that changes while it runs; whatever
# crosses between them costs several times as much then. Waits for them, and goes on if they do not come:
# each row says how far they were before and after.
cores_near()
{
    local end=$((SECONDS + ${near_patience:-$patience})) best
    until
        cores_ns=$("$build/tests/bench/bench_cores") || cores_ns=0
        best=$(cat "$build/cores.best" 2>/dev/null) || best=$cores_ns
        ((cores_ns >= best)) || best=$cores_ns
        echo "$best" >"$build/cores.best"
        ((cores_ns <= best * 3 / 2))
    do
        [[ -z $force ]] && ((SECONDS < end)) || return 0
        sleep 1
    done
}

refuse()
{
    say "$what: the machine is not idle, so there is no figure (--force measures all the same): $busy"
    echo "what=$what idle=false reason=\"${busy//\"/}\"" >>"$rows"
    status=3
    return 1
}

# figure COMMAND...
figure()
{
    local idle try
    for ((try = 1; try <= tries_max; try++)); do
        idle=true
        idle_before || idle=false
        [[ $idle == true || -n $force ]] || { refuse; return; }
        cores_near
        "$python" "$bench/idle.py" sample "$work/idle"
        "$@" >"$work/out" 2>"$work/log" </dev/null ||
            { tail -n 20 "$work/log" >&2; cannot "$1 failed: $(tail -n 1 "$work/log")"; return; }
        busy=$("$python" "$bench/idle.py" since "$work/idle") || idle=false
        cores_after_ns=$("$build/tests/bench/bench_cores") || cores_after_ns=0
        [[ $idle == false && -z $force ]] || break
    done
    [[ $idle == true || -n $force ]] || { refuse; return; }
    keep_figures "$idle" || cannot "$1 printed no figure"
}

# The same for what is measured on one core: it does not matter how far the other one is.
figure_of_one_core()
{
    near_patience=0 figure "$@"
}

# Lines that are key=value throughout.
keep_figures()
{
    grep -E '^([a-z][a-z0-9_]*=[^ ]*( |$))+$' "$work/out" | sed "s/^/what=$what idle=$1 cores_ns=$cores_ns cores_after_ns=$cores_after_ns /" >"$work/kept"
    cat "$work/kept" >>"$rows"
    [[ -s $work/kept ]]
}

bench_report()
{
    echo "$BENCH_MACHINE; commit $BENCH_COMMIT"
    "$python" "$bench/report.py" "$rows" ${json:+"$json"} || status=1
}

# bounded PROGRAM...: what does not end by itself must not keep the next figure waiting.
bounded()
{
    timeout --foreground --kill-after=5 "${figure_limit:-600}" "$@"
}

# In a measuring program's place: one thread, on the last core.
alone()
{
    bounded taskset -c "$last_core" "$@"
}
