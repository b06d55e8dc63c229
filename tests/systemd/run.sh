#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The systemd units for real: installs Bindery on a bare Debian 12 as docs/operations.md says, boots that in a
# container, and runs tests/systemd/inside.sh there. Root; run by hand, as it downloads much.
#
#   tests/systemd/run.sh [--keep FOLDER]        the folder is the machine; it stays and is used again
#
# The container has the devices and the pages of this machine's kernel, and a network of its own.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
keep=''
if [[ ${1:-} == --keep && $# == 2 ]]; then
    keep=$2
elif (($#)); then
    echo "usage: tests/systemd/run.sh [--keep FOLDER]" >&2
    exit 2
fi
machine=${keep:-$(mktemp -d "${TMPDIR:-/tmp}/bindery-machine.XXXXXX")}
nspawn=''

clean_up()
{
    if [[ -n $nspawn ]]; then
        kill "$nspawn" 2>/dev/null && wait "$nspawn" || true
    fi
    rm -f /dev/hugepages/bindery-systemd # the arena, in pages of this machine
    [[ -n $keep ]] || rm -rf --one-file-system "$machine"
}
trap clean_up EXIT

# As docs/operations.md says, line by line.
install_bindery()
{
    "$root/tests/bare-machine.sh" --keep "$machine" sh -ec '
        deploy/packages.sh install build run phone
        apt-get install -y -qq --no-install-recommends systemd systemd-sysv dbus >/dev/null
        [ -d /root/build ] || meson setup /root/build
        meson install -C /root/build --quiet
        systemd-sysusers
        cp configs/bindery.yaml configs/screening.yaml /etc/bindery/
        cp tests/systemd/inside.sh /root/
        rm -rf /var/lib/bindery # of the time before, on a machine that was kept
        systemctl enable bindery-dataplane bindery-control'
}

# The process that is the first one of the container, once it is there.
first_process()
{
    local pid
    for pid in $(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null); do
        [[ $(readlink "/proc/$pid/exe") == */systemd ]] && echo "$pid" && return
    done
    return 1
}

# What a machine has and a container lacks: the kernel's modules, taps, huge pages, calls that units forbid by themselves.
boot()
{
    rm -f "$machine/usr/sbin/policy-rc.d" "$machine/etc/machine-id"
    : >"$machine/etc/machine-id"
    systemd-nspawn --quiet --directory "$machine" --boot --register=no --keep-unit --private-network --capability=all \
        --bind=/dev/net/tun --bind=/dev/hugepages --bind-ro=/sys/module --system-call-filter='@raw-io bpf' \
        --console=pipe </dev/null >"$machine.log" 2>&1 &
    nspawn=$!
    until first_process >/dev/null; do
        kill -0 "$nspawn" 2>/dev/null || { cat "$machine.log"; return 1; }
        sleep 0.1
    done
}

"$root/deploy/packages.sh" install container
"$root/deploy/prepare-machine.sh" hugepages 512
install_bindery
boot
nsenter -t "$(first_process)" --mount --uts --ipc --net --pid -- bash /root/inside.sh
