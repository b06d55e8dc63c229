#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# cppcheck over all C files, and clang-tidy over those that run where a packet can reach them.
#
#   tests/lint/run.sh [--long] BUILD     BUILD: a folder that meson configured with clang; nothing is built
#
# --long: clang-tidy over all C files. What is looked for, and what is not and why: .clang-tidy,
# tests/.clang-tidy, cppcheck.txt. The last line is "N passed, M failed", a case for each tool.
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/../.." || exit 2

long=''
[[ ${1:-} != --long ]] || { long=yes && shift; }
build=${1:?names no build folder}
passed=0 failed=0

check()
{
    local what=$1 log rc=0
    log=$(mktemp)
    shift
    "$@" >"$log" 2>&1 || rc=$?
    if ((rc == 0)); then
        echo "ok    $what"
        passed=$((passed + 1))
    else
        echo "FAIL  $what"
        grep -v '^[0-9]* warnings\? generated\.$\|^$' "$log" | head -n 80 | sed 's/^/      /'
        failed=$((failed + 1))
    fi
    rm -f "$log"
}

run_cppcheck()
{
    mkdir -p "$build/cppcheck" &&
        cppcheck --project="$build/compile_commands.json" --cppcheck-build-dir="$build/cppcheck" \
            -j "$(nproc)" --quiet --error-exitcode=1 --enable=warning,performance,portability,style \
            --library=posix,gnu,bsd,sqlite3,openssl,tests/lint/bindery.cfg \
            --suppressions-list=tests/lint/cppcheck.txt \
            --template='{file}:{line}: {severity}: {message} [{id}]'
}

# Sources that $build compiles, of the folders named.
sources()
{
    python3 - "$build/compile_commands.json" "$@" <<'PY'
import json, os, sys

names = {os.path.relpath(os.path.join(e["directory"], e["file"])) for e in json.load(open(sys.argv[1]))}
for name in sorted(names):
    if not sys.argv[2:] or name.startswith(tuple(sys.argv[2:])):
        print(name)
PY
}

# Few files a process, so that both processors are busy to the end.
run_tidy()
{
    sources "$@" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build"
}

check 'cppcheck finds nothing' run_cppcheck
if [[ -n $long ]]; then
    check 'clang-tidy finds nothing' run_tidy
else
    check 'clang-tidy finds nothing where packets go' run_tidy nic/ dataplane/ privileges/
fi
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
