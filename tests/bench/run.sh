#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Measures Bindery on this machine. Root; installs and builds what it needs on a Debian 12.
#
#   tests/bench/run.sh WHAT [OPTION...]
#
#   parse       a REGISTER: ns a message, over the corpus and over varied messages of 450 to 900 bytes
#   table       the binding table alone: insert, refresh, look-up; uniform and Zipf
#   register    initial registrations a second over memif, both processes, and the reflector's rate
#   reregister  re-registrations a second, the same way
#   digest      pre-emptive credentials with one verifier; challenge, and challenge with answer
#   redirect    302 to calls
#   expiry      what it costs to expire all bindings within an hour, and how late it is
#   attach      SIGKILL of the dataplane: seconds till the first re-registration is answered 200
#   memory      bytes a binding, everything included
#   latency     at 10, 50 and 90 % of the re-registration rate
#   scale       two workers against one; cost per operation from 10 k to 20 M bindings, CSV and PNG
#   peers       Kamailio of Debian and Bindery, one core each, kernel sockets over veth, by turns
#   avalanche   a million phones with digest after a power cut: time till all are registered, over memif, and
#               over veth beside Kamailio at growing sizes; CSV and PNG
#   attack      a thousand phones register while a flood comes in, from one source and from 100,000 forged ones: over
#               memif, and over veth beside Kamailio with pike
#   all         all of them but avalanche and attack, which take some ten minutes each
#
#   --json FILE    the figures as a JSON array too
#   --bindings N   instead of the sizes that WHAT has
#   --seconds S    length of a run at a rate, default 3
#   --rounds N     (peers) times that each server has its turn, default 3
#   --plot FILE    (scale) FILE.csv and FILE.png, default build-bench/scale; avalanche.csv and .png beside them
#   --quick        small and short: to try the bench, not to quote
#   --wait S       how long to wait for the machine to become idle, default 30
#   --ring LOG2    (memif) frames of a ring, 6 to 13, default 10: what rx_descriptors is for a NIC
#   --ordinary     (memif) no real-time priority, and cores that others use too
#   --force        measures on a machine that is not idle; the figures are marked
#
# BUILD=FOLDER uses that build instead of build-bench. Exit status: 0; 1 a figure could not be had, and it
# says why; 2 usage; 3 the machine was not idle, and there are no figures.
set -uo pipefail
# By this mark the idle check knows the bench's own processes; a process has it from its start, or not at all.
if [[ -z ${BINDERY_BENCH:-} ]]; then
    BINDERY_BENCH=$$.$RANDOM exec "${BASH_SOURCE[0]}" "$@"
fi
bench=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
command_line="tests/bench/run.sh $*"
all=(parse table register reregister digest redirect expiry attach memory latency scale peers)
known=("${all[@]}" avalanche attack)

usage()
{
    sed -n '3,/^set /{/^#/!d;s/^# \?//;p}' "${BASH_SOURCE[0]}" >&2
    exit 2
}

what_list=() json='' bindings='' seconds=3 rounds=3 plot='' quick='' patience=30 force='' ring=10 ordinary=''
positive='^[1-9][0-9]{0,8}$'
# The next argument, which has to be a number of the shell pattern given.
number() { [[ ${2:-} =~ $positive ]] || { echo "run.sh: $1 wants a positive number" >&2; usage; }; }
while (($#)); do
    case $1 in
    --json | --plot) [[ -n ${2:-} ]] || usage ;;&
    --bindings | --seconds | --rounds | --wait | --ring) number "$@" ;;&
    --json) json=$2 && shift ;;
    --plot) plot=${2%.png} && shift ;;
    --bindings) bindings=$2 && shift ;;
    --seconds) seconds=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --wait) patience=$2 && shift ;;
    --ring) ring=$2 && shift ;;
    --ordinary) ordinary=yes ;;
    --quick) quick=--quick ;;
    --force) force=--force ;;
    all) what_list+=("${all[@]}") ;;
    *)
        [[ $1 != -* && " ${known[*]} " == *" $1 "* ]] || { echo "run.sh: what is '$1'?" >&2; usage; }
        what_list+=("$1")
        ;;
    esac
    shift
done
((${#what_list[@]})) || usage
[[ $(id -u) == 0 ]] || { echo "run.sh: must be root: it reserves hugepages and makes network namespaces" >&2; exit 2; }
[[ -z $json ]] || : >>"$json" || exit 2

. "$bench/lib.sh"
. "$bench/isolate.sh"
. "$bench/servers.sh"
. "$bench/what.sh"
. "$bench/avalanche/avalanche.sh"
. "$bench/attack/attack.sh"

bench_open
for what in "${what_list[@]}"; do
    begun=$SECONDS
    begin_what "$what" && "measure_$what"
    say "$what: $((SECONDS - begun)) s"
    [[ -z $json ]] || bench_report >/dev/null # what there is, should the next one never end
done
bench_report
exit "$status"
