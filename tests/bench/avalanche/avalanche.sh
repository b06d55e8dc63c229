# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# All phones at once, with digest: the servers, provisioned for it, and what is measured. For bash; sourced by
# run.sh.
#
# The core of the server has all that is its own, the verifier included; the phones have the other one. Over
# veth they are a packet socket with frames of their own making, from 10,000 addresses.
#
# avalanche_limit=S in the environment: ends each avalanche after S seconds instead of 300.

avalanche=$bench/avalanche

# avalanche_config WIRE PHONES
avalanche_config()
{
    local port="driver: af_packet"$'\n'"    interface: sip0"
    [[ $1 != memif ]] || port="driver: memif"$'\n'"    interface: $lab/memif.sock"$'\n'"    memif_role: server"
    cat <<YAML
arena:
  name: $ns
  bindings_max: $(($2 + $2 / 50 + 1024))
  subscribers_max: $(($2 + 1024))
dataplane:
  workers: 1
  lcores: "0@$server_core,1@$server_core"
  poll: adaptive
  memory_mb: 256
  mbufs: 16384
ports:
  - name: sip
    $port
    mac: "02:00:00:00:00:01"
    rx_descriptors: 4096
    tx_descriptors: 4096
    addresses: [198.18.0.1/16]
listen: ["198.18.0.1:5060"]
registrar:
  algorithms: [MD5]
  qop: [auth]
  default_expires: 3600
  max_expires: 7200
domains:
  - name: example.com
    auth: digest
auth:
  verifiers: 1
journal:
  directory: $lab/journal
control:
  database: $lab/subscribers.db
  stats_socket: $lab/stats.sock
  stats_socket_admin: $lab/admin.sock
YAML
}

# --- Bindery ------------------------------------------------------------------------------------------

avalanche_serves() { [[ $(json '["dataplane"]["serving"]' show info) == True ]]; }

# provision PHONES: each with its password. Prints the seconds that the import takes.
provision()
{
    local begin
    awk -v n="$1" 'BEGIN { print "username,domain,password";
        for (i = 0; i < n; i++) printf "4930%08d,example.com,secret-%08d\n", i, i }' >"$lab/subscribers.csv"
    begin=${EPOCHREALTIME/[.,]/}
    ask subscriber import "$lab/subscribers.csv" >&2 || return
    awk -v us=$((${EPOCHREALTIME/[.,]/} - begin)) 'BEGIN { printf "%.3f\n", us / 1e6 }'
}

# avalanche_bindery_start WIRE PHONES
avalanche_bindery_start()
{
    [[ $1 == memif ]] || receive_by softirq || return
    avalanche_config "$@" >"$lab/bindery.yaml"
    bindery_process control
    bindery_process dataplane
    until_true 20 "bindery-control answers" control_answers &&
        until_true 60 "bindery-dataplane serves" avalanche_serves && import_s=$(provision "$2") ||
        { tail -n 5 "$lab"/*.log >&2; return 1; }
}

# Where the kernel says how long the worker had to wait for its core.
worker_schedstat()
{
    local task
    for task in /proc/"$(pid_of dataplane)"/task/*; do
        [[ $(<"$task/comm") != rte-worker* ]] || echo "$task/schedstat"
    done
}

# --- Kamailio -----------------------------------------------------------------------------------------

kamailio_answers() { process_alive "$kamailio_pid" && kamcmd -s "unix:$lab/kamailio/ctl" core.uptime; }

# The phones' addresses have no neighbour each, but one router.
avalanche_kamailio_start()
{
    receive_by softirq || return
    mkdir -p "$lab/kamailio"
    sed "s|KAMAILIO_DIR|$lab/kamailio|" "$bench/kamailio.cfg" >"$lab/kamailio.cfg"
    ip -netns "$ns" link set sip0 address 02:00:00:00:00:01
    ip -netns "$ns" addr add 198.18.0.1/32 dev sip0
    ip -netns "$ns" neigh replace 198.18.255.254 lladdr 02:00:00:00:00:02 nud permanent dev sip0
    ip -netns "$ns" route replace 198.18.0.0/16 via 198.18.255.254 dev sip0 onlink
    nsenter --net="/run/netns/$ns" -- taskset -c "$server_core" kamailio -DD -E -A DIGEST ${pike:+-A PIKE} -x tlsf -X tlsf -m 4096 -M 64 \
        -b "$socket_buffer" -Y "$lab/kamailio" -f "$lab/kamailio.cfg" </dev/null >"$lab/kamailio.log" 2>&1 &
    kamailio_pid=$!
    disown $!
    import_s=0
    until_true 20 "Kamailio answers" kamailio_answers || { tail -n 5 "$lab/kamailio.log" >&2; return 1; }
}

# --- the fall -----------------------------------------------------------------------------------------

# phones WIRE OPTION...: the simulator, in the generator's place.
phones()
{
    local at=(--interface phone0)
    [[ $1 != memif ]] || at=(--socket "$lab/memif.sock")
    shift
    nsenter --net="/run/netns/$client_ns" -- taskset -c "$generator_core" \
        "$build/tests/bench/avalanche/bindery-avalanche" --cpu "$generator_core" "${at[@]}" "$@"
}

# fall SERVER WIRE PHONES HONOUR: one avalanche against a server begun for it. That not all were registered in
# time is a figure too; a wrong reply is none, nor is a table that does not hold exactly those that were.
fall()
{
    local server=$1 wire=$2 n=$3 honour=$4 series options import_s=0 rc=0
    series=$server-$wire-$n$([[ $honour == 0 ]] || echo "-honour")
    options=(--aors "$n" --honour "$honour" --limit "${avalanche_limit:-300}" --csv "$work/$series.curve" --series "$series")
    veth_open && if [[ $server == kamailio ]]; then
        avalanche_kamailio_start && options+=(--nonce 32)
    else
        avalanche_bindery_start "$wire" "$n" && options+=(--watch "$(worker_schedstat)")
    fi || { veth_close; return 1; }
    phones "$wire" "${options[@]}" >"$work/fall"
    grep -q ' wrong=0 ' "$work/fall" || fail "the phones of $series got wrong replies: $(<"$work/fall")" || rc=1
    ! grep -q ' failed=0 ' "$work/fall" || equal "$("${server}_bindings")" "$n" "$server's bindings" || rc=1
    [[ $server == kamailio ]] || ask show stats >"$work/$series.stats"
    veth_close
    sed "s/^op=avalanche/& server=$server wire=$wire honour=$honour workers=1 import_s=$import_s/" "$work/fall"
    return "$rc"
}

# Kamailio's sizes end with the first that is too much for it.
kamailio_bears() { tail -n 1 "$rows" | grep -q ' server=kamailio .* failed=0 '; }

measure_avalanche()
{
    local n honour bears=yes
    [[ ! -d /run/systemd/system ]] || systemctl mask kamailio.service >/dev/null 2>&1
    "$root/deploy/packages.sh" install peers || { cannot "Kamailio could not be installed"; return; }
    need "${servers[@]}" tests/bench/avalanche/bindery-avalanche || return
    n=$(sizes 10000 1000000)
    hugepages $((n * 600 / 1000000 + 900)) || { cannot "no hugepages for $n phones"; return; }
    rmem_max=$(</proc/sys/net/core/rmem_max)
    ((rmem_max >= socket_buffer)) || echo "$socket_buffer" >/proc/sys/net/core/rmem_max
    for honour in 0 100; do
        figure fall bindery memif "$n" "$honour" || return
    done
    for n in $(sizes 10000 10000 30000 100000 300000 1000000); do
        figure fall bindery veth "$n" 0 || return
        [[ -n $bears ]] || continue
        figure fall kamailio veth "$n" 0 && kamailio_bears || bears=''
    done
    avalanche_plot || cannot "the picture could not be drawn"
}

# One CSV and its picture beside that of `scale`.
avalanche_plot()
{
    local to=$build/avalanche
    [[ -z $plot ]] || to=$(dirname "$plot")/avalanche
    awk 'NR == 1 || FNR > 1' "$work"/*.curve >"$to.csv" &&
        gnuplot -e "csv='$to.csv'; png='$to.png'" "$avalanche/avalanche.gp" && say "$to.csv and $to.png are written"
}
