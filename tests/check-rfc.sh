#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Holds docs/rfc.md against the tree: every `FILE: NAME` in it is a function that FILE has, or the text of a
# test or a row in it; every row that claims to be done names code and a test.
#
#   tests/check-rfc.sh [ROOT]
set -uo pipefail
root=${1:-$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)}
wrong=0 names=0

complain()
{
    echo "docs/rfc.md: $*" >&2
    wrong=$((wrong + 1))
}

find_file()
{
    local folder
    for folder in tests dataplane control .; do
        [[ -f $root/$folder/$1 ]] || continue
        echo "$root/$folder/$1"
        return 0
    done
}

# A word alone is a function or a macro: it is called or defined somewhere in the file, so "(" follows.
is_there()
{
    case $1 in
    "$root"/tests/*) grep -qF -- "$2" "$1" ;;
    *) grep -qE "(^|[^A-Za-z0-9_])$2\(" "$1" ;;
    esac
}

while IFS= read -r pair; do
    pair=${pair//\`/}
    file=$(find_file "${pair%%: *}")
    names=$((names + 1))
    if [[ -z $file ]]; then
        complain "no file ${pair%%: *}"
    elif ! is_there "$file" "${pair#*: }"; then
        complain "${pair%%: *} has no '${pair#*: }'"
    fi
done < <(grep -oE '`[a-z0-9_./-]+\.(c|h|py|sh|txt): [^`]+`' "$root/docs/rfc.md" | sort -u)

while IFS='|' read -r _ clause _ code test status _; do
    [[ $status == *' done'* && $status != *' not done'* ]] || continue
    [[ $code == *'`'* && $test == *'`'* ]] || complain "done without code or test: $clause"
done < <(grep -E '^\|([^|]*\|){5}$' "$root/docs/rfc.md")

((names > 0)) || complain "names nothing"
((wrong == 0)) && echo "docs/rfc.md: $names names, all there"
exit $((wrong > 0))
