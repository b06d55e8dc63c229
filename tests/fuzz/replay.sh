#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Gives each fuzz target of a build its corpus: tests/fuzz/replay.sh BUILD [TARGET...]
# The last line is "N passed, M failed"; cases are files.
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/../.." || exit 2
build=$1
shift
layout=''
setarch -R true 2>/dev/null && layout='setarch -R'
passed=0 failed=0
log=$(mktemp)
for program in "$build"/tests/fuzz/fuzz_*; do
    [[ -x $program && ! -d $program ]] || continue
    target=${program##*/fuzz_}
    [[ $# == 0 || " $* " == *" $target "* ]] || continue
    $layout "$program" "tests/fuzz/corpus/$target" >"$log" 2>&1
    if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        ((BASH_REMATCH[2] > 0)) && tail -n 60 "$log"
        echo "$target: ${BASH_REMATCH[0]}"
    else
        tail -n 60 "$log"
        echo "FAIL  $target: no count"
        failed=$((failed + 1))
    fi
done
rm -f "$log"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
