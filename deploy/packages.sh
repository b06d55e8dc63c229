#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Every Debian 12 package that Bindery needs, in this one place.
#
#   packages.sh list SET...      names, one a line
#   packages.sh missing SET...   those that are not installed
#   packages.sh install SET...   installs what is missing; touches no network when nothing is
#
# Sets: build, run (at run time; the shared libraries come by dependency), phone (a client for the
# quick start), test (clients, sanitizers, the second compiler), bench (measuring), fuzz (fuzzing),
# bare (a bare machine in a folder), container (one that boots), peers (other servers, for comparisons).
set -eu

# libcap and libseccomp: the processes give up capabilities and bind themselves to lists of system calls.
# cmocka is here because the unit tests are part of the build.
build='gcc libc6-dev meson ninja-build pkg-config
    libdpdk-dev libxxhash-dev libssl-dev libyaml-dev libjansson-dev libsqlite3-dev libevent-dev
    libhyperscan-dev libsystemd-dev libcap-dev libseccomp-dev libcmocka-dev'
# iproute2 and util-linux: network namespaces; mount, flock, setpriv; procps: sysctl.
run='iproute2 util-linux mount procps'
phone='sipsak'
# ethtool: a veth must make its own checksums before a DPDK port reads it. ping, arping, socat: clients of
# tests/e2e/nic. strace: what system calls a worker makes. valgrind: the unit tests once more, under memcheck.
test="$phone git sip-tester baresip-core python3 ethtool iputils-ping iputils-arping socat strace clang clang-format
    clang-tidy cppcheck valgrind"
# dpdk-dev: testpmd, which reflects frames.
bench='git python3 ethtool gnuplot-nox dpdk-dev'
# libFuzzer and its sanitizers come with libclang-rt, names in their reports with llvm; the other engine.
fuzz='clang libclang-rt-14-dev llvm afl++'
bare='debootstrap'
# systemd-nspawn, which boots one.
container="$bare systemd-container"
# Another registrar, to compare with.
peers='kamailio'

names()
{
    for set in "$@"; do
        case $set in
        build) echo $build ;;
        run) echo $run ;;
        phone) echo $phone ;;
        test) echo $test ;;
        bench) echo $bench ;;
        fuzz) echo $fuzz ;;
        bare) echo $bare ;;
        container) echo $container ;;
        peers) echo $peers ;;
        *)
            echo "packages.sh: no set named '$set' (build, run, phone, test, bench, fuzz, bare, container, peers)" >&2
            return 1
            ;;
        esac
    done | tr ' ' '\n' | sort -u
}

missing()
{
    names "$@" | while read -r name; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || status=
        [ "$status" = installed ] || echo "$name"
    done
}

install()
{
    wanted=$(missing "$@")
    [ -n "$wanted" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        echo "packages.sh: not root, cannot install:" $wanted >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    echo "Installing" $wanted >&2
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $wanted; } \
        </dev/null >&2; then
        echo "packages.sh: apt-get could not install:" $wanted >&2
        return 1
    fi
}

verb=${1:-}
[ $# -eq 0 ] || shift
# In a pipe its failure would be lost: so once alone.
names "$@" >/dev/null
case $verb in
list) names "$@" ;;
missing) missing "$@" ;;
install) install "$@" ;;
*)
    echo "usage: packages.sh list|missing|install SET..." >&2
    exit 2
    ;;
esac
