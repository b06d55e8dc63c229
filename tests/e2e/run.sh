#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# End-to-end tests: the real binaries in network namespaces of their own, with real phones.
#
#   tests/e2e/run.sh [--list | --long | --peers] [PATTERN...]     cases whose GROUP/NAME has a PATTERN in it
#
# A group is a file cases/GROUP.sh: functions case_NAME, and optionally group_open and group_close around
# them, of which the latter is a case too; with --peers a file peers/GROUP.sh, which wants another server
# installed. Root. BUILD names the build folder. The last line is "N passed, M failed".
set -uo pipefail
. "${BASH_SOURCE[0]%/*}/lib.sh"

passed=0 failed=0 list='' long='' folder=$here/cases
case ${1:-} in
--list) list=yes && shift ;;
--long) long=yes && shift ;;
--peers) folder=$here/peers && shift ;;
esac
patterns=("$@")

selected()
{
    local pattern
    ((${#patterns[@]})) || return 0
    for pattern in "${patterns[@]}"; do
        [[ $1 != *"$pattern"* ]] || return 0
    done
    return 1
}

report_failure()
{
    printf 'FAIL  %s\n' "$1"
    sed 's/^/      /' "$2"
    lab_report | sed 's/^/      /'
    failed=$((failed + 1))
}

# Runs a function in a subshell that ends at the first command that fails.
attempt()
{
    local name=$1 log start=${EPOCHREALTIME/[.,]/} rc
    log=$(mktemp)
    (
        set -eE
        trap 'echo "failed at: ${BASH_COMMAND}" >&2' ERR
        shift
        "$@"
    ) >"$log" 2>&1 </dev/null
    rc=$?
    local took=$(((${EPOCHREALTIME/[.,]/} - start) / 1000))
    if ((rc)); then
        report_failure "$name" "$log"
    else
        printf 'ok    %s (%d.%03d s)\n' "$name" $((took / 1000)) $((took % 1000))
        passed=$((passed + 1))
    fi
    rm -f "$log"
}

# The opening of a group runs in this shell, as the cases need what it has started.
open_group()
{
    local log rc=0
    log=$(mktemp)
    group_open >"$log" 2>&1 </dev/null || rc=$?
    ((rc == 0)) || report_failure "$1/(opening)" "$log"
    rm -f "$log"
    return "$rc"
}

run_group()
{
    local group=$1 case names=() name
    unset -f $(compgen -A function case_) group_open group_close 2>/dev/null
    extra_cases=() lab_watch='' lab_watch_more=() lab_environment=()
    programs_of_the_build
    . "$folder/$group.sh"
    for case in $(compgen -A function case_) "${extra_cases[@]}"; do
        name=$group/${case#case_}
        selected "$name" && names+=("$case")
    done
    ((${#names[@]})) || return 0
    if [[ -n $list ]]; then
        for case in "${names[@]}"; do echo "$group/${case#case_}"; done
        return 0
    fi
    if ! declare -F group_open >/dev/null || open_group "$group"; then
        for case in "${names[@]}"; do
            if declare -F "$case" >/dev/null; then
                attempt "$group/${case#case_}" "$case"
            else
                attempt "$group/$case" extra_case "$case"
            fi
        done
        ! declare -F group_close >/dev/null || attempt "$group/(closing)" group_close
        [[ -z $sanitized ]] || attempt "$group/(sanitizers)" lab_sanitizers_are_silent
    fi
    lab_close
}

[[ $(id -u) == 0 ]] || { echo "tests/e2e/run.sh: must be root" >&2; exit 2; }
trap lab_close EXIT
trap 'exit 130' INT TERM
for file in "$folder"/*.sh; do
    group=${file##*/}
    run_group "${group%.sh}"
done
[[ -n $list ]] && exit 0
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
