# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Real servers for the bench, each behind a veth of its own. For bash; sourced by run.sh.
#
#   veth_open / veth_close        two namespaces: the server's end 198.18.0.1, the generator's end 198.18.0.2
#   bindery_start BINDINGS        both processes on $server_core, af_packet; bindery_stop
#   kamailio_start                the same for Kamailio; kamailio_stop
#   generator ARGUMENTS...        load_socket in the generator's namespace, on $generator_core
#
# The one core of a server runs everything that belongs to it: both processes of Bindery, all of Kamailio's,
# and the kernel's work for what the server sends. What the generator sends is carried to the server's
# socket or ring by softirqs of the generator's core, for both alike: a veth hands over where it is sent
# from, and RPS is off. (With the server's core for it, softirqs starve either server long before it is
# busy: a veth has no interrupt to moderate.)

server_core=1 generator_core=0 client_ns='' polls=()

veth_open()
{
    ns=bd-bench-$$ client_ns=bd-bench-$$-client
    lab=$(mktemp -d "${TMPDIR:-/tmp}/bindery-bench.XXXXXX")
    "$prepare" user
    chown bindery:bindery "$lab"
    chmod 755 "$lab"
    "$prepare" netns "$ns"
    "$prepare" netns "$client_ns"
    ip -netns "$ns" link add sip0 type veth peer name phone0 netns "$client_ns"
    ip -netns "$client_ns" addr add 198.18.0.2/24 dev phone0
    ip -netns "$ns" link set sip0 up
    ip -netns "$client_ns" link set phone0 up
    # A datagram crosses as it would cross a wire: with its checksum, and alone.
    nsenter --net="/run/netns/$ns" -- ethtool --offload sip0 tx off gso off tso off gro off >/dev/null
    nsenter --net="/run/netns/$client_ns" -- ethtool --offload phone0 tx off gso off tso off gro off >/dev/null
}

# The link as it is new. The kernel of each server has the MAC that the interface had first, and the generator's
# end has not kept who answered for the server before: that would hold for up to 45 s.
link_anew()
{
    ip -netns "$ns" link set sip0 address 02:bd:00:00:00:01 &&
        ip -netns "$client_ns" neigh flush dev phone0
}

# receive_by poll|softirq: who carries replies into the generator's socket. The generator itself, whenever it looks
# for replies (--poll), or a softirq of the server's core as it sends.
receive_by()
{
    local gro=on defer=2 flush_ns=200000
    polls=(--poll)
    [[ $1 == poll ]] || { gro=off defer=0 flush_ns=0 polls=(); }
    # Without GRO a veth knows no NAPI, and nothing could be polled.
    nsenter --net="/run/netns/$client_ns" -- ethtool --offload phone0 gro "$gro" >/dev/null &&
        ip netns exec "$client_ns" sh -c "cd /sys/class/net/phone0 &&
            echo $defer >napi_defer_hard_irqs && echo $flush_ns >gro_flush_timeout"
}

veth_close()
{
    bindery_stop
    kamailio_stop
    [[ -z $client_ns || ! -e /run/netns/$client_ns ]] || ip netns del "$client_ns"
    lab_close
}

generator()
{
    nsenter --net="/run/netns/$client_ns" -- taskset -c "$generator_core" "$build/tests/bench/socket/load_socket" "$@" "${polls[@]}"
}

# --- Bindery ------------------------------------------------------------------------------------------

# bindery_config BINDINGS: an open domain, as Kamailio is without a database.
bindery_config()
{
    cat <<YAML
arena:
  name: $ns
  bindings_max: $1
  record_avg_size: ${record_avg_size:-288}
dataplane:
  workers: 1
  lcores: "0@$server_core,1@$server_core"
  poll: busy
  memory_mb: 256
  mbufs: 16384
ports:
  - name: sip
    driver: af_packet
    interface: sip0
    rx_descriptors: ${descriptors:-4096}
    tx_descriptors: ${descriptors:-4096}
    addresses: [198.18.0.1/24]
listen: ["198.18.0.1:5060"]
# All phones of a generator have a few addresses.
limits: {rates: count}
domains:
  - name: carrier.example
    auth: open
    default_expires: 3600
    min_expires: 60
    max_expires: 7200
    max_contacts: 4
journal:
  directory: $lab/journal
  durability: ${durability:-async}
control:
  database: $lab/subscribers.db
  stats_socket: $lab/stats.sock
  stats_socket_admin: $lab/admin.sock
YAML
}

# start of tests/e2e/lib.sh, on one core.
bindery_process()
{
    nsenter --net="/run/netns/$ns" -- taskset -c "$server_core" "${program[$1]}" -c "$lab/bindery.yaml" \
        </dev/null >>"$lab/$1.log" 2>&1 &
    echo $! >"$lab/$1.pid"
    disown $!
}

bindery_start()
{
    link_anew && receive_by poll || return
    bindery_config "$1" >"$lab/bindery.yaml"
    bindery_process control
    bindery_process dataplane
    until_true 20 "bindery-control answers" control_answers &&
        until_true 60 "bindery-dataplane serves" bindery_serves ||
        { tail -n 5 "$lab"/*.log >&2; return 1; }
    # The kernel sees each frame of a packet socket too, and would look for a route. With another MAC on the
    # interface than the one Bindery read there it drops them at sight: they are not for it.
    ip -netns "$ns" link set sip0 address 02:bd:00:00:00:99
}

bindery_serves()
{
    process_alive "$(pid_of dataplane)" && generator first --seconds 1
}

bindery_bindings()
{
    json "[\"bindings\"]" show info
}

bindery_stop()
{
    [[ -n $lab ]] || return 0
    stop_process "$(pid_of dataplane)"
    stop_process "$(pid_of control)"
    rm -f "/dev/hugepages/$ns" "/dev/shm/$ns" "$lab"/*.pid "$lab"/*.db*
}

# --- Kamailio -----------------------------------------------------------------------------------------

kamailio_pid=''

kamailio_start()
{
    link_anew && receive_by poll || return
    mkdir -p "$lab/kamailio"
    sed "s|KAMAILIO_DIR|$lab/kamailio|" "$bench/kamailio.cfg" >"$lab/kamailio.cfg"
    ip -netns "$ns" addr add 198.18.0.1/24 dev sip0
    nsenter --net="/run/netns/$ns" -- taskset -c "$server_core" kamailio -DD -E -x "${allocator:-tlsf}" -X "${allocator:-tlsf}" -m 4096 -M 64 -b 8388608 \
        -Y "$lab/kamailio" -f "$lab/kamailio.cfg" </dev/null >"$lab/kamailio.log" 2>&1 &
    kamailio_pid=$!
    disown $!
    until_true 20 "Kamailio serves or has ended" kamailio_settled && process_alive "$kamailio_pid" || { tail -n 5 "$lab/kamailio.log" >&2; return 1; }
}

kamailio_serves()
{
    process_alive "$kamailio_pid" && generator first --seconds 1
}

kamailio_settled() { kamailio_serves || ! process_alive "$kamailio_pid"; }

kamailio_bindings()
{
    kamcmd -s "unix:$lab/kamailio/ctl" stats.fetchn usrloc:location_contacts |
        sed -n 's/.*location_contacts: *//p'
}

kamailio_stop()
{
    [[ -n $kamailio_pid ]] || return 0
    stop_process "$kamailio_pid"
    kamailio_pid=''
    ip -netns "$ns" addr flush dev sip0
}
