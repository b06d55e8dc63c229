#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Upgrades both processes in place: no binding is lost, and phones are without replies for as long as
# bindery-dataplane takes to start (well below a second for an arena of some millions of bindings). Root.
#
#   deploy/upgrade.sh [OPTION...] FOLDER       FOLDER has the new bindery-dataplane, bindery-control, binderyctl
#
#   --check          only tells which way it would go: exit status 0 in place, 3 by a snapshot, 1 not at all
#   --config FILE    the configuration (/etc/bindery/bindery.yaml)
#   --socket FILE    the stats socket of an operator or an admin (/run/bindery/stats.sock)
#   --sbin FOLDER    where the two processes are installed (/usr/sbin)
#   --bin FOLDER     where binderyctl is installed (/usr/bin)
#   --hooks FILE     for whoever runs the processes without systemd: a file for bash that defines the functions
#                    stop_process control|dataplane    returns when it has ended
#                    start_process control|dataplane   returns when it is under way
#
# With an arena that the new programs can use (`bindery-dataplane --arena` says so), control is replaced first and
# the dataplane after it. Without control the dataplane goes on with all that needs no verifier and answers the
# rest with 503; so should the new control not serve, the old one comes back and no phone has lost anything. Then
# only the dataplane is left, and whoever it will need has been seen to work.
#
# With an arena of another layout or other sizes the bindings go by way of the journal, and phones wait as long as it
# takes to load: new ones are refused (drain), a snapshot is taken, both processes stop, the arena is removed,
# and the new ones fill another one from the journal. This is told before anything is touched.
set -euo pipefail

config=/etc/bindery/bindery.yaml socket=/run/bindery/stats.sock sbin=/usr/sbin bin=/usr/bin
check='' new=''
within_s=${UPGRADE_WITHIN_S:-120} # for a process to serve

say()
{
    printf 'upgrade: %s\n' "$*"
}

die()
{
    printf 'upgrade: error: %s\n' "$*" >&2
    exit 1
}

# With systemd; a file of --hooks replaces both.
stop_process()
{
    systemctl stop "bindery-$1"
}

start_process()
{
    systemctl start --no-block "bindery-$1"
}

while (($#)); do
    case $1 in
    --check) check=yes ;;
    --config) config=$2 && shift ;;
    --socket) socket=$2 && shift ;;
    --sbin) sbin=$2 && shift ;;
    --bin) bin=$2 && shift ;;
    --hooks) . "$2" && shift ;;
    -h | --help) sed -n '3,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" && exit 0 ;;
    -*) die "unknown option $1: see --help" ;;
    *) new=$1 ;;
    esac
    shift
done
[[ -n $new ]] || die "name the folder of the new programs: see --help"

declare -A place=([dataplane]=$sbin/bindery-dataplane [control]=$sbin/bindery-control [ctl]=$bin/binderyctl)
declare -A fresh=([dataplane]=$new/bindery-dataplane [control]=$new/bindery-control [ctl]=$new/binderyctl)
former=''

# --- asking ---------------------------------------------------------------------------------------------

ask()
{
    "${fresh[ctl]}" -s "$socket" "$@"
}

# info NAME: a line of `show info`.
info()
{
    ask show info 2>/dev/null | sed -n "s/^ *$1: //p"
}

serves()
{
    [[ $(info "$1 serving") == yes && $(info "$1 pid") != "$2" ]]
}

# wait_for WHO PID: until another process than PID serves.
wait_for()
{
    local end=$((SECONDS + within_s))
    until serves "$1" "$2"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# --- installing -----------------------------------------------------------------------------------------

# A program is replaced at once, so that whoever is started in between runs the one or the other.
put()
{
    install -m 755 "$1" "$2.new" && mv -f "$2.new" "$2"
}

install_one()
{
    cp -p "${place[$1]}" "$former/$1" && put "${fresh[$1]}" "${place[$1]}"
}

take_back()
{
    put "$former/$1" "${place[$1]}"
}

# --- the two ways ---------------------------------------------------------------------------------------

# replace WHO: false when the new one does not serve; the old one does again then.
replace()
{
    local pid
    pid=$(info "$1 pid")
    install_one "$1" || return 1
    stop_process "$1"
    start_process "$1"
    if wait_for "$1" "$pid"; then return 0; fi
    say "the new bindery-$1 does not serve: the old one comes back"
    stop_process "$1" || true
    take_back "$1"
    start_process "$1"
    wait_for "$1" "$pid" || say "and the old bindery-$1 does not serve either"
    return 1
}

in_place()
{
    replace control || die "nothing was changed; see the log of bindery-control"
    say "bindery-control serves"
    replace dataplane || die "control is new, the dataplane is not; see the log of bindery-dataplane"
    say "bindery-dataplane serves"
}

# anew install_one|take_back ARENA: both processes with those programs and another arena. Control is stopped last: it writes
# what changed into the journal, and ends when that is on disk.
anew()
{
    local who
    for who in dataplane control; do stop_process "$who" || return 1; done
    for who in control dataplane; do "$1" "$who" || return 1; done
    rm -f "$2"
    for who in control dataplane; do start_process "$who"; done
    for who in control dataplane; do wait_for "$who" 0 || return 1; done
}

by_snapshot()
{
    local arena
    arena=$(info 'arena path')
    [[ -f $arena ]] || die "no file $arena"
    ask drain on >/dev/null
    if ! ask snapshot; then
        ask drain off >/dev/null || true
        die "no snapshot was taken: nothing was changed"
    fi
    if anew install_one "$arena"; then
        say "both processes serve, with a new arena"
        return
    fi
    say "the new programs do not serve: the old ones come back, and load the journal"
    anew take_back "$arena" || say "and the old ones do not serve either"
    die "the bindings are in the journal; see the logs of both processes"
}

# --- beginning ------------------------------------------------------------------------------------------

for who in dataplane control ctl; do
    [[ -x ${fresh[$who]} ]] || die "${fresh[$who]}: no such program"
    [[ -w ${place[$who]} ]] || die "${place[$who]}: not installed here, or not writable: see --sbin and --bin"
done
for who in dataplane control; do
    "${fresh[$who]}" --version >/dev/null || die "${fresh[$who]} does not run on this machine"
    "${fresh[$who]}" -t -c "$config" >/dev/null || die "$config is not for the new programs"
    [[ $(info "$who serving") == yes ]] || die "bindery-$who does not serve now: start it first, or just install the new one"
done

rc=0
found=$("${fresh[dataplane]}" --arena -c "$config" 2>&1) || rc=$?
case $rc in
0) say "$found: in place" ;;
3)
    say "$found"
    say "so the bindings go by a snapshot into a new arena; phones wait while it is loaded"
    ask help snapshot >/dev/null 2>&1 ||
        die "the running bindery-control can take no snapshot: stop both processes and remove the arena (bindings are lost)"
    ;;
*) die "$found" ;;
esac
[[ -z $check ]] || exit "$rc"

before=$(info bindings)
former=$(mktemp -d "${TMPDIR:-/tmp}/bindery-former.XXXXXX")
began=${EPOCHREALTIME/[.,]/}
if ((rc == 0)); then in_place; else by_snapshot; fi
install_one ctl
say "$before bindings before, $(info bindings) now, after $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
rm -rf "$former"
