#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs, builds and tests everything on a Debian 12 machine. Root.
#
#   tests/run.sh [--long] [PART...]
#
#   format      clang-format has nothing to change; docs/rfc.md names what is there
#   build       gcc without a warning, at the link either; no division in what workers run
#   clang       the same with clang
#   unit        unit tests; those of the parser once more, built for a processor with AVX2 and no AVX-512, whose
#               vector code is another
#   sanitize    unit tests under AddressSanitizer and UndefinedBehaviorSanitizer, for a plain processor: so the
#               scalar twins of the vector code are what is tested; those of the parser for this processor, too
#   fuzz        the corpora of tests/fuzz replayed, under the sanitizers and as it is built for use
#   threads     the tests of what several threads share under ThreadSanitizer
#   e2e         the real binaries with real phones on a tap and a veth
#   nic         the real ports, frame by frame
#   crash       kills at random moments and named points, power cuts, failing disks, damaged files
#   bench       that the bench measures what it says and refuses when the machine is busy; no speed is judged
#   quickstart  deploy/quickstart.sh --check
#   lint        cppcheck and clang-tidy; --long: the latter over all files
#   valgrind    unit tests under memcheck; --long: those that take minutes there, too
#   processes   the real binaries under AddressSanitizer and UndefinedBehaviorSanitizer, with some groups of e2e
#   peers       Bindery beside Kamailio, request by request (installs Kamailio)
#
# Without a PART: all of them but the last four. --long: the long variants, and those four. The last line is
# "N passed, M failed"; a case that was skipped is in neither. The exit status is 0 when nothing failed and every
# part ran something.
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/.." || exit 2
exec </dev/null
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

all=(format build clang unit sanitize fuzz threads e2e nic crash bench quickstart)
long=() parts=()
passed=0 failed=0 summary=()

count()
{
    passed=$((passed + $1))
    failed=$((failed + $2))
    part_passed=$((part_passed + $1))
    part_failed=$((part_failed + $2))
}

# check WHAT COMMAND...: one case; its output is shown when it fails.
check()
{
    local what=$1 log rc=0
    log=$(mktemp)
    shift
    "$@" >"$log" 2>&1 || rc=$?
    if ((rc == 0)); then
        echo "ok    $what"
        count 1 0
    else
        echo "FAIL  $what (status $rc): $*"
        tail -n 60 "$log" | sed 's/^/      /'
        count 0 1
    fi
    rm -f "$log"
    return "$rc"
}

# counted COMMAND...: its last line says how many cases passed and failed.
counted()
{
    local log rc=0 last
    log=$(mktemp)
    "$@" 2>&1 | tee "$log" || rc=$?
    last=$(tail -n 1 "$log")
    rm -f "$log"
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
        # A failure that no case owned up to.
        ((rc == 0 || BASH_REMATCH[2] > 0)) || count 0 1
    else
        echo "FAIL  no count from: $*"
        count 0 1
    fi
}

# --- builds -----------------------------------------------------------------------------------------------

# configure DIR COMPILER SETTING...: makes a build folder, or uses it again.
configure()
{
    local dir=$1 compiler=$2
    shift 2
    [[ -e $dir/build.ninja ]] || rm -rf "$dir"
    if [[ -d $dir ]]; then
        meson configure "$dir" "$@"
    else
        CC=$compiler meson setup "$dir" "$@"
    fi
}

# build DIR: fails on a warning too, as those of the link (LTO) are never errors.
build()
{
    local log rc=0
    log=$(mktemp)
    ninja -C "$1" >"$log" 2>&1 || rc=$?
    cat "$log"
    grep 'warning:' "$log" && rc=1
    rm -f "$log"
    return "$rc"
}

built=''

# The build that everything but sanitizers uses, made once.
need_build()
{
    [[ -z $built ]] || return "$built"
    check 'gcc configures' configure build-test gcc -Dwerror=true &&
        check 'gcc builds without a warning' build build-test
    built=$?
    return "$built"
}

# Sanitizers want their memory where a randomised layout may have put something else.
layout=''
setarch -R true 2>/dev/null && layout='setarch -R'

# unit_tests DIR MESON-TEST-ARGUMENTS...: builds what they need; counts cases, not programs.
unit_tests()
{
    local dir=$1
    shift
    rm -f "$dir"/meson-logs/testlog*.json # its name has that of a wrapper in it
    $layout meson test -C "$dir" --print-errorlogs --quiet "$@" >"$dir/test.out" 2>&1 ||
        tail -n 200 "$dir/test.out"
    counted python3 tests/count.py "$dir"/meson-logs/testlog*.json
}

# --- parts ------------------------------------------------------------------------------------------------

unformatted()
{
    local names
    names=$(git ls-files -- '*.c' '*.h' | xargs clang-format --dry-run 2>&1 |
        sed -n 's/:[0-9]*:[0-9]*: warning: .*//p' | sort -u)
    [[ -z $names ]] || { echo "clang-format -i:" && echo "$names" && return 1; }
}

part_format()
{
    git rev-parse --git-dir >/dev/null || return
    check 'clang-format has nothing to change' unformatted
    check 'docs/rfc.md names what is there' tests/check-rfc.sh
}

# clang-tidy reads how clang would compile each file; nothing has to be built for it.
part_lint()
{
    check 'clang configures' configure build-clang clang -Dwerror=true &&
        check 'the list of files is of today' ninja -C build-clang build.ninja &&
        counted tests/lint/run.sh "${long[@]}" build-clang
}

part_build()
{
    need_build && check 'workers do not divide' tests/check-divisions.sh build-test &&
        check 'what the bench runs builds' ninja -C build-test benches
}

part_clang()
{
    check 'clang configures' configure build-clang clang -Dwerror=true &&
        check 'clang builds without a warning' build build-clang
}

part_unit()
{
    need_build && unit_tests build-test --timeout-multiplier 4
    grep -qw avx2 /proc/cpuinfo || return
    check 'a build for AVX2 configures' configure build-avx2 gcc -Dwerror=true -Ddpdk=disabled -Dmarch=x86-64-v3 &&
        unit_tests build-avx2 --timeout-multiplier 4 --suite sip
}

# -O1 compiles in half the time, and the tests take no longer. What gcc warns of there that it does not elsewhere is not
# so: the other builds refuse warnings.
sanitizers_configure()
{
    export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    check 'sanitizers configure' configure "$1" gcc -Dwerror=false -Doptimization=1 -Ddpdk=disabled \
        -Dmarch="$2" -Db_sanitize=address,undefined
}

part_sanitize()
{
    sanitizers_configure build-asan x86-64-v2 &&
        check 'sanitizers build' ninja -C build-asan &&
        unit_tests build-asan --timeout-multiplier 4
    sanitizers_configure build-asan-native native &&
        unit_tests build-asan-native --timeout-multiplier 4 --suite sip
}

# What valgrind does not run: its processor is none that is lacking in anything, its own system calls are on no list,
# docs are read by a script, and its version 3.19 does not know pidfd_open, by which control sees the dataplane. What
# takes minutes there: long searches over bytes, kills, threads.
not_valgrind='cpu_lacking|privileges_calls|rfc|control_alarm|control_commands|control_metrics|control_reload'
not_valgrind+='|events_notifier|events_watchers|events_reflection'
slow_valgrind='durable|threads|kill|arena|bulk|rules_in_force|errors|registrar_model|registrar_repeat|sip_mutation.*'
slow_valgrind+='|sip_simd|sip_wire|sip_prefix|journal_damage|journal_power|journal_keeper|control_journaling'
slow_valgrind+='|control_stream'

# Errors, and memory that is lost for good; what a process still has at its end is the system's to take back.
memcheck="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
memcheck+=" --suppressions=$PWD/tests/valgrind.supp"

part_valgrind()
{
    local skipped="$not_valgrind" names
    ((${#long[@]})) || skipped+="|$slow_valgrind"
    check 'a build that valgrind knows configures' configure build-valgrind gcc -Dwerror=true -Ddpdk=disabled \
        -Dmarch=x86-64-v2 || return
    names=$(meson test -C build-valgrind --list 2>/dev/null | sed -n 's|.* / ||p' | grep -vxE "$skipped")
    unit_tests build-valgrind --timeout-multiplier 30 --wrapper "$memcheck" $names
}

# What the two say stands in the logs that tests/e2e/lib.sh reads.
part_processes()
{
    check 'sanitizers configure with DPDK' configure build-asan-all gcc -Dmarch=x86-64-v2 -Dlto=false \
        -Db_sanitize=address,undefined &&
        check 'the processes build with sanitizers' ninja -C build-asan-all dataplane/bindery-dataplane \
            control/bindery-control control/binderyctl tests/bench/attack/bindery-attack &&
        BUILD=$PWD/build-asan-all counted tests/e2e/run.sh protocol/ limits/ journal/ torture/ \
            attack/one attack/a_hundred attack/forged attack/every
}

# Fragments need DPDK, and vector code this processor: so in the other build, too.
part_fuzz()
{
    sanitizers_configure build-asan x86-64-v2 && check 'fuzz targets build with sanitizers' ninja -C build-asan fuzz-targets &&
        counted tests/fuzz/replay.sh build-asan
    need_build && check 'fuzz targets build' ninja -C build-test fuzz-targets &&
        counted tests/fuzz/replay.sh build-test
}

part_threads()
{
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    check 'thread sanitizer configures' configure build-tsan gcc -Ddpdk=disabled -Db_sanitize=thread &&
        unit_tests build-tsan --timeout-multiplier 4 --suite location --suite threads
}

part_e2e()
{
    need_build && check 'the load generators build' ninja -C build-test tests/bench/load/bindery-load tests/bench/attack/bindery-attack &&
        BUILD=$PWD/build-test counted tests/e2e/run.sh "${long[@]}"
}

part_nic()
{
    need_build && BUILD=$PWD/build-test counted tests/e2e/nic/run.sh
}

part_crash()
{
    need_build && BUILD=$PWD/build-test counted tests/crash/run.sh "${long[@]}"
}

part_bench()
{
    check 'what the bench needs is installed' deploy/packages.sh install bench &&
        need_build && BUILD=$PWD/build-test counted tests/bench/test.sh
}

part_peers()
{
    # Debian's package would start its server on port 5060 of this machine.
    [[ -d /run/systemd/system ]] && systemctl mask kamailio.service >/dev/null 2>&1
    check 'the peers are installed' deploy/packages.sh install peers &&
        need_build && BUILD=$PWD/build-test counted tests/e2e/run.sh --peers
}

part_quickstart()
{
    check 'deploy/quickstart.sh --check' deploy/quickstart.sh --check
}

# --- main -------------------------------------------------------------------------------------------------

for argument in "$@"; do
    case $argument in
    --long) long=(--long) ;;
    -h | --help) sed -n '3,/^set /{/^#/p}' "$0" && exit 0 ;;
    *)
        declare -F "part_$argument" >/dev/null ||
            { echo "tests/run.sh: no part named '$argument' (${all[*]})" >&2 && exit 2; }
        parts+=("$argument")
        ;;
    esac
done
((${#parts[@]})) || parts=("${all[@]}" ${long:+lint valgrind processes peers})
[[ $(id -u) == 0 ]] || { echo "tests/run.sh: must be root: it makes network namespaces" >&2; exit 2; }
deploy/packages.sh install build run test || exit 2
ulimit -l unlimited 2>/dev/null

for part in "${parts[@]}"; do
    echo "== $part"
    part_passed=0 part_failed=0 start=$SECONDS
    "part_$part"
    ((part_passed + part_failed)) || { echo "FAIL  $part: nothing was executed"; count 0 1; }
    summary+=("$(printf '%-11s %5d passed %4d failed %5d s' "$part" "$part_passed" "$part_failed" \
        $((SECONDS - start)))")
done
echo "== summary"
printf '%s\n' "${summary[@]}"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
