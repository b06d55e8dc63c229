#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves that the package lists are enough: a Debian 12 with nothing in it, in a folder, with this machine's
# package sources, gets a clone of HEAD and runs a command in it. Root; run by hand, as it downloads much.
#
#   tests/bare-machine.sh [--keep FOLDER] [COMMAND...]       default: tests/run.sh unit
#
# The command runs in a mount namespace of its own with /proc, /sys, /dev and /run; `tests/run.sh` and
# `deploy/quickstart.sh --check` work in it too. With --keep the folder stays and is used again.
set -euo pipefail
root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

die()
{
    echo "bare-machine.sh: $*" >&2
    exit 1
}

keep='' bare=''
if [[ ${1:-} == --keep ]]; then
    (($# >= 2)) || die "--keep wants a folder"
    keep=$2
    shift 2
fi
(($#)) || set -- tests/run.sh unit
[[ $(id -u) == 0 ]] || die "must be root"

# The first Debian source of this machine.
mirror()
{
    sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' \
        /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -n 1
}

make_bare()
{
    "$root/deploy/packages.sh" install bare
    debootstrap --variant=minbase bookworm "$bare" "$(mirror)" >"$bare.log" 2>&1 ||
        { tail -n 20 "$bare.log" >&2 && die "debootstrap failed"; }
    rm -f "$bare.log" "$bare/etc/apt/sources.list"
    # Sources, keys, proxy, and what the network of this machine asks for.
    cp -a /etc/apt/. "$bare/etc/apt/"
    cp -L /etc/resolv.conf /etc/hosts "$bare/etc/"
    if [[ -d /usr/local/share/ca-certificates ]]; then
        cp -a /usr/local/share/ca-certificates/. "$bare/usr/local/share/ca-certificates/" 2>/dev/null || true
    fi
    # Packages start no daemons here.
    printf '#!/bin/sh\nexit 101\n' >"$bare/usr/sbin/policy-rc.d"
    chmod 755 "$bare/usr/sbin/policy-rc.d"
}

enter()
{
    unshare --mount --propagation private -- sh -c '
        bare=$1
        shift
        # Its root has to be a mount, as everywhere: ip netns changes how it propagates.
        mount --bind "$bare" "$bare" &&
            mount -t proc proc "$bare/proc" &&
            mount --rbind /sys "$bare/sys" &&
            mount --rbind /dev "$bare/dev" &&
            mount -t tmpfs tmpfs "$bare/run" &&
            exec chroot "$bare" /usr/bin/env -i HOME=/root TERM=dumb CI=true \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                sh -c '\''cd /root/bindery && exec "$@"'\'' sh "$@"
    ' sh "$bare" "$@" </dev/null
}

if [[ -n $keep ]]; then
    bare=$keep
else
    bare=$(mktemp -d "${TMPDIR:-/tmp}/bindery-bare.XXXXXX")
    chmod 755 "$bare" # its root: whoever is not root has to get through
    trap 'rm -rf --one-file-system "$bare"' EXIT
fi
[[ -x $bare/usr/bin/apt-get ]] || make_bare
rm -rf "$bare/root/bindery"
git clone --quiet --no-hardlinks "$root" "$bare/root/bindery"
enter "$@"
