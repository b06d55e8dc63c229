#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Disassembles a built bindery-dataplane, after all inlining, and names every division in what a worker runs
# whose function is not listed below with a reason.
#
#   tests/check-divisions.sh [BUILD]
#
# A worker runs nic/, dataplane/ and base/. What is inlined counts for the function it was written in. DPDK's
# drivers are libraries of their own, and not ours.
set -uo pipefail
export LC_ALL=C
program=${1:-build-test}/dataplane/bindery-dataplane

# FILE FUNCTION, and why it may divide.
explained()
{
    cat <<'LIST'
base/clock.h bd_clock_read_ms             by a constant, in threads that are no worker
base/e164.c take_last                     configuration
dataplane/limits/limiter.c take_policy             once a policy
dataplane/location/allocator.c bd_class_batch     once a batch of records
dataplane/location/allocator.c fetch_page         once a page of records
dataplane/location/arena_file.c check_memory      start
dataplane/location/arena_file.c round_up          start
dataplane/location/arena_place.c has_room         start
dataplane/main.c make_workers                     start
dataplane/overload.c bd_overload_init             start
dataplane/overload.c bd_overload_loss             a hundred times a second
dataplane/overload.c in_targets                   a hundred times a second
dataplane/main.c held_max_of                      start
dataplane/location/pages.c blocks_of              once a class, when pages are looked for
dataplane/location/rebuild.c record_fits          start
dataplane/registrar/date.c civil_from_days        once a second
dataplane/registrar/date.c format                 once a second
dataplane/registrar/feature.c read_number         a call with caller preferences
dataplane/registrar/preferences.c score           a call with caller preferences
dataplane/registrar/redirect.c put_contact        a redirected call, by a constant
dataplane/sip/wire.c bd_wire_u32_text             a number of nine digits, or where a reply ends
dataplane/restore.c bd_restore                     start
dataplane/worker.c bd_worker_new                  start
nic/answer.c may_send_error                       an ICMP error
nic/eal.c bd_eal_lcores                           start
nic/nic.c fragments_per_worker                    start
LIST
}

# "FILE FUNCTION" of every division, in whole numbers and floating point.
found()
{
    objdump -d --no-show-raw-insn "$program" |
        awk '/\t(i?div[bwlq]?|v?div[sp][sd]) / { sub(":", "", $1); print "0x" $1 }' |
        addr2line -f -e "$program" | paste -d ' ' - - |
        sed -nE 's,^([^ ]+) .*/((base|nic|dataplane)/[^:]*):.*,\2 \1,p' | sort -u
}

divisions=$(found)
# The once-a-second calendar divides, whatever the compiler does: without it nothing was looked at.
[[ -n $divisions ]] || { echo "no division found in $program: is it stripped, or binutils missing?" >&2; exit 1; }
unexplained=$(comm -23 <(echo "$divisions") <(explained | awk '{ print $1, $2 }' | sort -u))
[[ -z $unexplained ]] && exit 0
echo "divisions in what workers run, without a reason in tests/check-divisions.sh:" >&2
echo "$unexplained" >&2
exit 1
