# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# A lab for tests: its own network namespace, its own arena, both real processes. For bash; sourced by
# e2e/run.sh and crash/run.sh. Several labs can run at once: every name has the process id in it.
#
#   lab_open            namespace, tap, folder, configuration
#   start control, start dataplane, lab_wait    the processes
#   lab_close           stops what was started, removes what was made
#
# The appliance is 198.18.0.1, 198.18.0.4 and 2001:db8::1; phones are 198.18.0.2, .3 and 2001:db8::2.

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
here=$root/tests/e2e
build=${BUILD:-$root/build-test}
declare -A program

# The processes that `start` starts are those of the build; a group may set others.
programs_of_the_build()
{
    program=([dataplane]=$build/dataplane/bindery-dataplane [control]=$build/control/bindery-control)
}
programs_of_the_build
ctl=$build/control/binderyctl
prepare=$root/deploy/prepare-machine.sh
watch=$build/tests/unit/nic/worker_watch.so
# A build with sanitizers tells what it finds on stderr. They allocate for themselves, so nobody watches for that, and
# make a process some ten times slower.
sanitized='' slower=1
if grep -q '"name": "b_sanitize", "value": "[^n]' "$build/meson-info/intro-buildoptions.json" 2>/dev/null; then
    sanitized=yes slower=10
    export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:quarantine_size_mb=8
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
fi
# The distribution's own: a version manager's wrapper takes longer to start than a test.
python=/usr/bin/python3
[[ -x $python ]] || python=python3

lab='' ns='' lab_environment=()
# More of one process's environment.
lab_env_dataplane=() lab_env_control=()

fail()
{
    echo "FAILED: $*" >&2
    return 1
}

# until_true SECONDS WHAT COMMAND...: waits for a condition, never for a time.
until_true()
{
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((${EPOCHREALTIME/[.,]/} < end)) || fail "not in time: $what" || return 1
        sleep 0.02
    done
}

equal()
{
    [[ $1 == "$2" ]] || fail "${3:-value}: got '$1', wanted '$2'"
}

in_lab()
{
    nsenter --net="/run/netns/$ns" -- "$@"
}

# Asks the appliance; JSON. A field of it: json '["arena"]["path"]' COMMAND...
ask()
{
    "$ctl" -s "$lab/admin.sock" "$@"
}

# prints PATTERN COMMAND...: whether a line that it prints fits. Not by a pipe: grep ends at the first one, and
# whoever prints on dies of it.
prints()
{
    grep -q -- "$1" <<<"$("${@:2}")"
}

json()
{
    local path=$1
    shift
    ask --json "$@" | "$python" -c "import json, sys; print(json.load(sys.stdin)$path)"
}

# The total of a verdict or counter.
total()
{
    ask --json show stats | "$python" -c "
import json, sys
stats = json.load(sys.stdin)
print(sum(row['total'] for row in stats['verdicts'] + stats['counters'] if sys.argv[1] in row.values()))" "$1"
}

phone()
{
    in_lab "$python" "$here/phone.py" "$@"
}

# A zombie is dead: whoever has to reap it may be busy.
process_alive()
{
    local state=''
    [[ -n $1 ]] && { read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null
    [[ -n $state && $state != Z ]]
}

process_gone()
{
    ! process_alive "$1"
}

# Of "dataplane" or "control". In a file, as cases run in subshells and restart processes.
pid_of()
{
    cat "$lab/$1.pid" 2>/dev/null
}

# --- opening and closing ------------------------------------------------------------------------------

# lab_open [tap|veth]
lab_open()
{
    lab_number=$((${lab_number:-0} + 1))
    ns=bd-test-$$-$lab_number
    lab=$(mktemp -d "${TMPDIR:-/tmp}/bindery-test.XXXXXX")
    # What the processes keep is theirs; whoever tests is root.
    "$prepare" user
    chown bindery:bindery "$lab"
    chmod 755 "$lab"
    "$prepare" hugepages "${LAB_HUGE_MB:-256}"
    "$prepare" netns "$ns"
    case ${1:-tap} in
    tap)
        port_driver=tap
        "$prepare" tap "$ns" sip0 198.18.0.2/24 198.18.0.3/24 2001:db8::2/64
        ;;
    veth)
        port_driver=af_packet
        ip -netns "$ns" link add sip0 type veth peer name phone0
        ip -netns "$ns" addr add 198.18.0.2/24 dev phone0
        ip -netns "$ns" addr add 198.18.0.3/24 dev phone0
        ip -netns "$ns" addr add 2001:db8::2/64 dev phone0 nodad
        ip -netns "$ns" link set sip0 up
        ip -netns "$ns" link set phone0 up
        # Checksums that a veth leaves to the NIC would never be made on this wire.
        in_lab ethtool --offload phone0 tx off >/dev/null
        ;;
    esac
    lab_config >"$lab/bindery.yaml"
    chgrp bindery "$lab/bindery.yaml" && chmod 640 "$lab/bindery.yaml"
}

# The configuration of a lab on stdout. Its knobs are variables, for the tests that turn them.
lab_config()
{
    cat <<YAML
arena:
  name: $ns
  bindings_max: ${lab_bindings_max:-20000}
  subscribers_max: 5000
  identities_max: 100
dataplane:
  workers: ${lab_workers:-1}
  poll: adaptive
  hugepages: ${lab_hugepages:-true}
  memory_mb: ${lab_memory_mb:-96}
  mbufs: 8192
  fragments_max: 64
ports:
  - name: sip
    driver: $port_driver
    interface: sip0
    rx_descriptors: 256
    tx_descriptors: 256
    addresses: [198.18.0.1/24, 198.18.0.4/24, "2001:db8::1/64"]
listen: ["198.18.0.1:5060", "198.18.0.4:5060", "[2001:db8::1]:5060"]
registrar:
  algorithms: [MD5, SHA-256, SHA-512-256]
  qop: [auth, auth-int]
  default_expires: 3600
  min_expires: 1
  max_expires: ${lab_max_expires:-7200}
  max_contacts: 10
# A few phones that send as fast as they can are no limit's business here.
limits: {${lab_limits:-rates: count}}
domains:
  - name: example.com
    aliases: [198.18.0.1, "2001:db8::1"]
    min_expires: 60
    bulk: [1190 +4930555000-999 +4930777, 1191 +493044*]
  # baresip 1.0 registers only where MD5 stands alone.
  - name: brief.example
    aliases: [198.18.0.4]
    algorithms: [MD5]
    nonce_expire: 1
    redirect: true
    caller_preferences: true
    bulk: [9 +4940*]
  - name: call.example
    redirect: true
    redirect_auth: true
  - name: info.example
    nonce_expire: 2
    userhash: true
    add_authinfo_hdr: true
  - name: open.example
    auth: open
  - name: oldest.example
    auth: open
    keep: 25
    max_contacts: 2
    max_contacts_policy: oldest
  - name: replace.example
    auth: open
    max_contacts: 1
    max_contacts_policy: replace
  - name: trusted.example
    auth: trusted
    trusted_prefixes: [198.18.0.2/32]
  - name: path.example
    auth: open
    service_route: ["sip:orig@home.path.example;lr", "sip:198.18.0.77;lr"]
    associated_uris: ["tel:{user}"]
    expires_range: 20
  - name: lazy.example
    auth: open
    path_mode: 1
  - name: party.example
    algorithms: [MD5]
    registrants: [admin]
${lab_more_domains:-}
profiles:
  - name: trunk
    max_contacts: 1
    max_contacts_policy: replace
    max_expires: 300
    service_route: ["sip:trunk.path.example;lr"]
auth:
  secret: for tests only, known to everybody
process:
  user: ${lab_user:-bindery}
  seccomp: ${lab_seccomp:-enforce}
journal:
  directory: $lab/journal
  durability: ${lab_durability:-async}
  journal_fsync_ms: ${lab_fsync_ms:-200}
  journal_snapshot_mb: ${lab_snapshot_mb:-64}
control:
  database: $lab/subscribers.db
  stats_socket: $lab/stats.sock
  stats_socket_admin: $lab/admin.sock
YAML
    [[ -z ${lab_more_control:-} ]] || echo "  $lab_more_control"
}

lab_close()
{
    [[ -n $lab ]] || return 0
    stop_process "$(pid_of dataplane)"
    stop_process "$(pid_of control)"
    if [[ -n $ns ]]; then
        rm -f "/dev/hugepages/$ns" "/dev/shm/$ns"
        [[ ! -e /run/netns/$ns ]] || ip netns del "$ns"
    fi
    rm -rf "$lab"
    lab='' ns=''
}

# SIGTERM, and SIGKILL to what has not gone in 5 s.
stop_process()
{
    [[ -n $1 ]] && process_alive "$1" || return 0
    kill -TERM "$1" 2>/dev/null
    until_true 5 "process $1 ends" process_gone "$1" || kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null || true
}

# --- the processes --------------------------------------------------------------------------------------

# start dataplane|control [CONFIG]. nsenter becomes the program, so $! is its process id. With lab_watch set,
# worker_watch.c looks over the shoulders of the workers; lab_environment is for both processes.
start()
{
    local -n more=lab_env_$1
    local environment=("${lab_environment[@]}" "${more[@]}")
    [[ $1 != dataplane || -z ${lab_watch:-} || -n $sanitized ]] || environment+=("LD_PRELOAD=$watch" "WORKER_WATCH=$lab/watch" "${lab_watch_more[@]}")
    env "${environment[@]}" nsenter --net="/run/netns/$ns" -- "${program[$1]}" -c "${2:-$lab/bindery.yaml}" \
        </dev/null >>"$lab/$1.log" 2>&1 &
    echo $! >"$lab/$1.pid"
    disown $! # whoever kills it on purpose wants no word of it from the shell
}

control_answers()
{
    process_alive "$(pid_of control)" || return 0
    ask show info
}

dataplane_answers()
{
    process_alive "$(pid_of dataplane)" || return 0
    PHONE_TIMEOUT_S=0.2 phone options probe
}

# The supervisor looks every 100 ms: until then, who needs a verifier gets 503.
dataplane_sees_control()
{
    process_alive "$(pid_of control)" || return 0
    process_alive "$(pid_of dataplane)" || return 0
    grep -q "bindery-control is here (pid $(pid_of control))" "$lab/dataplane.log"
}

lab_wait()
{
    until_true 10 "control answers" control_answers
    until_true 10 "dataplane answers OPTIONS" dataplane_answers
    until_true 10 "dataplane sees control" dataplane_sees_control
    process_alive "$(pid_of control)" || fail "bindery-control has died"
    process_alive "$(pid_of dataplane)" || fail "bindery-dataplane has died"
}

lab_start()
{
    start control
    start dataplane
    lab_wait
}

# What the watch has counted: "NAME NUMBER" a line.
watched()
{
    awk -v name="$1" '$1 == name { print $2 }' "$lab/watch"
}

# That the workers have served, and never allocated, mapped or locked anything.
lab_watch_is_clean()
{
    [[ -z $sanitized ]] || return 0
    [[ $(watched turns) -gt 0 ]] || fail "no worker was watched"
    equal "$(awk '$1 != "turns" && $2 > 0' "$lab/watch")" '' "what workers did while they served"
}

# Stops both processes; what sanitizers have found, at the end too, stands in their logs.
lab_sanitizers_are_silent()
{
    stop_process "$(pid_of dataplane)"
    stop_process "$(pid_of control)"
    local found
    found=$(grep -hE -A 40 'Sanitizer|runtime error:' "$lab"/*.log) || return 0
    echo "$found"
    fail "a sanitizer has found something"
}

lab_subscribers()
{
    {
        echo username,domain,password
        for i in {1000..1999}; do echo "$i,example.com,secret-$i"; done
        for i in {1..9}; do echo "$i,brief.example,secret-$i"; done
        for i in {1..9}; do echo "$i,info.example,secret-$i"; done
        echo "jäsøn,info.example,secret-jäsøn"
        for i in {1..9}; do echo "$i,call.example,secret-$i"; done
        for i in set-{1..4}; do echo "$i,call.example,secret-$i"; done
        for i in {2000..2009}; do echo "$i,trusted.example,secret-$i"; done
        for i in admin 1 2; do echo "$i,party.example,secret-$i"; done
        for i in {1..9}; do echo "$i,path.example,secret-$i"; done
    } >"$lab/subscribers.csv"
    ask subscriber import "$lab/subscribers.csv"
}

# What one needs to see when a test has failed.
lab_report()
{
    [[ -n $lab && -d $lab ]] || return 0
    local what
    for what in info stats; do
        echo "--- show $what"
        timeout 5 "$ctl" -s "$lab/stats.sock" show "$what" 2>&1
    done
    for what in dataplane control; do
        echo "--- $what.log"
        tail -n 30 "$lab/$what.log" 2>/dev/null
    done
    return 0
}
