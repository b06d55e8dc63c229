#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# From nothing to a registered phone, on one Debian 12 machine. Root.
#
#   deploy/quickstart.sh           a lab that stays up till Ctrl-C
#   deploy/quickstart.sh --check   the same, and away again; exit status 0 when the phone registered
#
# The lab: network namespace bindery-lab, the appliance at 198.18.0.1 (UDP 5060) on a tap whose kernel
# side is 198.18.0.2, configuration configs/examples/lab.yaml, subscribers 1000..1999 of example.com with
# password secret-NUMBER. Everything it makes but build/ is taken away at the end.
set -euo pipefail

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
given=$root/configs/examples/lab.yaml
ns=bindery-lab
run=/run/$ns
# The processes become the user bindery, who may not be able to read in this folder: theirs is a copy.
config=$run/configs/lab.yaml
prepare=$root/deploy/prepare-machine.sh
# For the arena, for packet buffers, and room for a second look.
huge_mb=512

check=''
up=''
step=0
pids=()
made=''

say()
{
    printf '%s\n' "$*"
}

die()
{
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

title()
{
    step=$((step + 1))
    printf '%d/5  %s\n' "$step" "$*"
}

# quietly WHAT COMMAND...: its output is shown only when it fails.
quietly()
{
    local what=$1 log
    log=$(mktemp)
    shift
    "$@" >"$log" 2>&1 </dev/null && { rm -f "$log"; return; }
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "$what failed: $*"
}

# Value of a key that stands once in the configuration.
setting()
{
    sed -n "s/^ *$1: *\"\{0,1\}\([^\"#]*[^\"# ]\).*/\1/p" "$given"
}

ctl()
{
    "$root/build/control/binderyctl" -s "$socket" "$@"
}

in_lab()
{
    nsenter --net="/run/netns/$ns" -- "$@"
}

until_true()
{
    local tries=$(($1 * 20)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((tries-- > 0)) || die "$what: not within the time; see the lines above"
        process_died
        sleep 0.05
    done
}

process_died()
{
    local pid
    for pid in "${pids[@]}"; do
        kill -0 "$pid" 2>/dev/null && continue
        cat "$run"/*.log >&2
        die "a process of the lab has ended; its words are above"
    done
}

clean_up()
{
    local pid
    trap - EXIT
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for _ in {1..100}; do
        [[ -n $(jobs -pr) ]] || break
        sleep 0.05
    done
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait
    [[ -n $made ]] || return 0
    ip netns del "$ns" 2>/dev/null || true
    rm -f "/dev/hugepages/$arena" "/dev/shm/$arena"
    rm -rf "$run"
    rmdir --ignore-fail-on-non-empty "${socket%/*}" 2>/dev/null || true
}

# --- steps ------------------------------------------------------------------------------------------------

# One lab a machine: the lock is held as long as this script lives. What a killed one has left behind, and
# only that, is taken away.
claim()
{
    mkdir -p "$run"
    exec 9>"$run/lock"
    flock --nonblock 9 || die "a lab is running already. Left alone." \
        "Look at it: $root/build/control/binderyctl -s $socket show bindings. End it: Ctrl-C in its terminal."
    if [[ -e /run/netns/$ns ]]; then
        local inside
        inside=$(ip netns pids "$ns" | tr '\n' ' ')
        [[ -z $inside ]] ||
            die "processes are in the network namespace $ns, left by a lab that was killed or" \
                "somebody else's. Left alone. End them: kill $inside"
        [[ -e $run/made ]] ||
            die "a network namespace $ns exists that is not a lab's. Left alone. Remove it: ip netns del $ns"
        ip netns del "$ns"
    fi
    made=yes
    : >"$run/made"
}

build()
{
    [[ -e $root/build/build.ninja ]] || quietly 'meson' meson setup "$root/build" "$root"
    quietly 'the build' meson compile -C "$root/build" bindery-dataplane bindery-control binderyctl
}

machine()
{
    "$prepare" user
    "$prepare" hugepages "$huge_mb"
    "$prepare" netns "$ns"
    "$prepare" tap "$ns" "$(setting interface)" 198.18.0.2/24
    mkdir -p "${socket%/*}"
    chown bindery:bindery "${socket%/*}" "$run"
    chmod 755 "${socket%/*}" "$run"
    install -D -g bindery -m 640 "$given" "$config"
    install -g bindery -m 640 "$root/configs/screening.yaml" "$run/screening.yaml"
}

start()
{
    local name=$1
    nsenter --net="/run/netns/$ns" -- "$2" -c "$config" </dev/null >"$run/$name.log" 2>&1 9>&- &
    pids+=($!)
}

serving()
{
    in_lab sipsak -s sip:198.18.0.1
}

processes()
{
    # Physical ports lock their memory; a tap does without, so a machine that forbids it is fine.
    ulimit -l unlimited 2>/dev/null || true
    start control "$root/build/control/bindery-control"
    start dataplane "$root/build/dataplane/bindery-dataplane"
    until_true 10 'bindery-control answers' ctl show info
    until_true 10 'bindery-dataplane answers' serving
    until_true 10 'bindery-dataplane sees bindery-control' grep -q 'bindery-control is here' "$run/dataplane.log"
}

subscribers()
{
    (
        umask 077
        echo username,domain,password
        for i in {1000..1999}; do echo "$i,example.com,secret-$i"; done
    ) >"$run/subscribers.csv"
    chown bindery "$run/subscribers.csv"
    ctl subscriber import "$run/subscribers.csv" >/dev/null
    rm -f "$run/subscribers.csv"
}

# A phone set up by address. It sends what it has to, answers the challenge, and its binding stays.
phone()
{
    quietly 'the registration' in_lab sipsak -U -C sip:1000@198.18.0.2:5062 -x 3600 \
        -s sip:1000@198.18.0.1 -u 1000 -a secret-1000
}

what_next()
{
    local ctl="$root/build/control/binderyctl"
    cat <<EOF

try next, in another terminal:
  $ctl show info
  $ctl lookup 1000@example.com
  nsenter --net=/run/netns/$ns sipsak -U -C sip:1001@198.18.0.2:5063 -x 600 \\
      -s sip:1001@198.18.0.1 -u 1001 -a secret-1001
  $ctl unregister 1001@example.com
  $ctl help

configuration: $config (then: $ctl reload)
logs: $run/control.log, $run/dataplane.log
up; Ctrl-C ends it and takes it away
EOF
}

# --- main -------------------------------------------------------------------------------------------------

case "${1:-}" in
'') ;;
--check) check=yes ;;
*)
    echo "usage: deploy/quickstart.sh [--check]" >&2
    exit 2
    ;;
esac
[[ $(id -u) == 0 ]] || die "must be root: it makes a network namespace and takes hugepages"
socket=$(setting stats_socket)
arena=$(sed -n '/^arena:/,/^[^ ]/s/^ *name: *"\{0,1\}\([^"]*\).*/\1/p' "$given")

title "Packages"
"$root/deploy/packages.sh" install build run phone
title "Build"
build
title "Machine: hugepages, namespace $ns, tap"
trap clean_up EXIT
trap '[[ -n $up ]] && exit 0; exit 130' INT TERM HUP
claim
machine
title "Processes and subscribers 1000..1999"
processes
subscribers
title "A phone"
phone
say
say "a phone registered: sip:1000@example.com by digest at 198.18.0.1 (UDP 5060)"
say
ctl show bindings
[[ $(ctl show bindings 1000@example.com) == *198.18.0.2:5062* ]] || die "the phone is not registered"
if [[ -n $check ]]; then
    say
    say "check passed"
    exit 0
fi
what_next
up=yes
while :; do
    process_died
    sleep 1
done
