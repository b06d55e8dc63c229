#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The crash test: processes are killed, the power is cut, disks fail and files are damaged while phones register
# without pause; an oracle outside remembers each 200 (oracle.py).
#
#   tests/crash/run.sh [--long] [--seed N] [PART...]
#
#   disk     that the disk of these tests (disk.c) loses what a disk loses
#   kills    SIGKILL to dataplane, control or both at random moments, a fifth of the new processes before they are
#            ready
#   points   the same at named points: each BD_RACE_POINT of the code, and around each call on the journal's files;
#            with binaries of their own (BUILD_POINTS, -Dkill_points=true)
#   cuts     power cuts, at random moments and at the n-th call: what was not synced is gone, wholly or in part
#   faults   EIO, ENOSPC, EROFS, EDQUOT at the n-th call, a full disk, a slow one, one that hangs, one that is gone
#   damage   files cut, flipped, lost and old
#
# Without a PART all of them. Root. BUILD names the build folder. The last line is "N passed, M failed".
set -uo pipefail
# Mounts of the lab are nobody else's.
[[ ${CRASH_INSIDE:-} ]] || CRASH_INSIDE=yes exec unshare --mount --propagation private "$0" "$@"
. "${BASH_SOURCE[0]%/*}/../e2e/lib.sh"
. "${BASH_SOURCE[0]%/*}/lib.sh"
. "$crash/kills.sh"
. "$crash/cuts.sh"
. "$crash/faults.sh"
. "$crash/damage.sh"

loses_what_a_disk_loses()
{
    "$python" "$crash/test_disk.py" "$disk_library"
}

part_disk()
{
    cases disk loses_what_a_disk_loses
}

all=(disk kills points cuts faults damage) parts=()
kills_each=14 point_rounds=1 point_wait_s=2 cut_rounds=6 fault_step=15 damages=2
seed=$((RANDOM * 32768 + RANDOM))
while (($#)); do
    case $1 in
    --long) kills_each=500 point_rounds=20 point_wait_s=5 cut_rounds=150 fault_step=1 damages=40 ;;
    --seed) seed=$2 && shift ;;
    -h | --help) sed -n '3,/^set /{/^#/p}' "$0" && exit 0 ;;
    *)
        declare -F "part_$1" >/dev/null || { echo "tests/crash/run.sh: no part named '$1' (${all[*]})" >&2; exit 2; }
        parts+=("$1")
        ;;
    esac
    shift
done
((${#parts[@]})) || parts=("${all[@]}")
[[ $(id -u) == 0 ]] || { echo "tests/crash/run.sh: must be root" >&2; exit 2; }
[[ -e $disk_library ]] || { echo "tests/crash/run.sh: no $disk_library: build it with ninja -C $build tests/crash/disk.so" >&2; exit 2; }

trap crash_close EXIT
trap 'exit 130' INT TERM
trap '' PIPE # a crowd that gave up says why in its log

echo "crash: seed $seed"
RANDOM=$seed
for part in "${parts[@]}"; do
    start=$SECONDS
    "part_$part"
    crash_close
    echo "      $part: $((SECONDS - start)) s"
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
