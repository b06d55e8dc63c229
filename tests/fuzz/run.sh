#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds and runs the fuzz targets.
#
#   tests/fuzz/run.sh TARGET SECONDS [libfuzzer|afl]   fuzzes for so long
#   tests/fuzz/run.sh --build [libfuzzer|afl]          only builds
#   tests/fuzz/run.sh --minimise TARGET                what of the work and of the seeds adds to the corpus goes into it
#   tests/fuzz/run.sh --list                           the targets
#
# What it needs: deploy/packages.sh install build fuzz. What is in the repository is replayed by tests/run.sh fuzz.
# FUZZ_WORK (/tmp/fuzz-work): corpora in the making, findings (TARGET/findings) and ledger.tsv: target, engine and CPU
# seconds of each run. FUZZ_BUILD: where to build (build-fuzz-ENGINE of this folder). SECONDS are of the clock.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
work=${FUZZ_WORK:-/tmp/fuzz-work}
# Leaks are looked for by the replay (tests/run.sh fuzz): at the end of each process, here it would be at each input.
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=0:symbolize=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

build()
{
    local engine=$1 dir=${FUZZ_BUILD:-build-fuzz-$1} compiler=clang log=$work/build-$1.log
    mkdir -p "$work"
    if [[ $engine == afl ]]; then
        compiler=afl-clang-fast
        export AFL_QUIET=1
    fi
    [[ -e $dir/build.ninja ]] ||
        CC=$compiler meson setup "$dir" -Dfuzz="$engine" -Dlto=false -Db_lundef=false \
            -Db_sanitize=address,undefined >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    flock "$dir/build.ninja" ninja -C "$dir" fuzz-targets >"$log" 2>&1 || { tail -n 40 "$log" >&2; return 1; }
    programs=$dir/tests/fuzz
}

list()
{
    local file
    for file in tests/fuzz/fuzz_*.c; do
        file=${file##*/fuzz_}
        echo "${file%.c}"
    done
}

# prepare TARGET: its folders, filled with what the repository has.
prepare()
{
    home=$work/$1
    mkdir -p "$home/corpus" "$home/findings"
    tests/fuzz/seeds.py "$1" "$home/seeds"
    mkdir -p "tests/fuzz/corpus/$1"
    dictionary=tests/fuzz/$(case $1 in
        events | parser | registrar_raw | screening | uri | credentials) echo sip.dict ;;
        config) echo yaml.dict ;;
        commands) echo commands.dict ;;
    esac)
    [[ -f $dictionary ]] || dictionary=''
}

longest()
{
    case $1 in
    frame | fragments) echo 4096 ;;
    uri | credentials | verify) echo 1200 ;;
    commands | registrar) echo 800 ;;
    *) echo 9000 ;;
    esac
}

run_libfuzzer()
{
    tests/fuzz/cpu.py "$home/cpu" "$programs/fuzz_$1" -max_total_time="$2" -timeout=120 -rss_limit_mb=2500 -max_len="$(longest "$1")" \
        -entropic=0 -print_final_stats=1 -artifact_prefix="$home/findings/" ${dictionary:+-dict="$dictionary"} \
        "$home/corpus" "$home/seeds" "tests/fuzz/corpus/$1" >"$home/libfuzzer.log" 2>&1
}

run_afl()
{
    local input=$home/afl-input
    if [[ -d $home/afl/default ]]; then
        input=-
    else
        mkdir -p "$input"
        cp -n "$home/seeds/"* "tests/fuzz/corpus/$1/"* "$input" 2>/dev/null || true
        find "$input" -size 0 -delete
    fi
    AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CRASHES=1 \
        ASAN_OPTIONS=$ASAN_OPTIONS:symbolize=0 tests/fuzz/cpu.py "$home/cpu" afl-fuzz -V "$2" -t 60000+ -m none ${dictionary:+-x "$dictionary"} \
        -G "$(longest "$1")" -i "$input" -o "$home/afl" -- "$programs/fuzz_$1" >"$home/afl.log" 2>&1
    # Each engine goes on from what the other has found.
    cp -n "$home/afl/default/queue/id"* "$home/corpus/" 2>/dev/null || true
    cp -n "$home/afl/default/crashes/id"* "$home/afl/default/hangs/id"* "$home/findings/" 2>/dev/null || true
}

fuzz()
{
    local target=$1 seconds=$2 engine=$3 rc=0
    build "$engine"
    prepare "$target"
    rm -f "$home/cpu"
    "run_$engine" "$target" "$seconds" || rc=$?
    [[ ! -e $home/cpu ]] || printf '%s\t%s\t%s\n' "$target" "$engine" "$(cat "$home/cpu")" >>"$work/ledger.tsv"
    ((rc == 0)) || { echo "$target: status $rc, see $home/findings and $home/$engine.log"; return 1; }
}

# Anew from all there is, but for what once failed (fixed-*) and what has no path of its own (kept-*). Of what is left after
# merging, chance picks (by the name, a hash).
minimise()
{
    build libfuzzer
    prepare "$1"
    local new here=tests/fuzz/corpus/$1
    new=$(mktemp -d)
    "$programs/fuzz_$1" -set_cover_merge=1 -timeout=120 -rss_limit_mb=2500 -max_len="$(longest "$1")" "$new" \
        "$home/seeds" "$here" "$home/corpus" >"$home/merge.log" 2>&1
    find "$here" -type f ! -name 'fixed-*' ! -name 'kept-*' -delete
    find "$new" -type f -printf '%f %s\n' | sort |
        awk '$2 < 6000 && (sum += $2) < 100000 && ++n <= 120 { print $1 }' |
        while read -r file; do
            cp "$new/$file" "$here/"
        done
    rm -rf "$new"
    echo "$1: $(find "$here" -type f | wc -l) files, $(du -s --apparent-size -B1 "$here" | cut -f1) bytes"
}

case ${1:-} in
--list) list ;;
--build) build "${2:-libfuzzer}" ;;
--minimise) minimise "$2" ;;
[a-z]*) fuzz "$1" "$2" "${3:-libfuzzer}" ;;
*) sed -n '3,/^set /{/^#/p}' "$0" && exit 2 ;;
esac
