# SPDX-License-Identifier: BSD-3-Clause
# What both processes may still do once they serve, whose their files are, and where secrets are not.

secret='for tests only, known to everybody'
password='a-password-that-stands-nowhere-else'

group_open()
{
    lab_more_control='stats_socket_operator_peers: ["@bindery"]'
    lab_open && manager_listens || return
    sed -i "s|^limits: {|&deny_file: $lab/deny.txt, |" "$lab/bindery.yaml"
    echo '203.0.113.0/24 # nobody here' >"$lab/deny.txt"
    chmod 600 "$lab/deny.txt"
    lab_environment=("NOTIFY_SOCKET=$lab/notify" WATCHDOG_USEC=1000000)
    lab_start || return
    cp "$ctl" "$lab/binderyctl"
    chmod 755 "$lab/binderyctl"
    echo "$password" | ask subscriber add secretive@example.com -
}

group_close()
{
    stop_process "$(<"$lab/manager.pid")"
}

# What a service manager is told.
manager_listens()
{
    socat -u "UNIX-RECV:$lab/notify,mode=666" "CREATE:$lab/notified" &
    echo $! >"$lab/manager.pid"
    until_true 10 "the service manager listens" test -S "$lab/notify"
}

both_were_ready()
{
    [[ $(grep -ao READY=1 "$lab/notified" | wc -l) -ge 2 ]]
}

# The library says it by calls of its own.
case_service_manager_is_told()
{
    until_true 5 "both are ready" both_were_ready
    until_true 5 "the watchdog" grep -aq WATCHDOG=1 "$lab/notified"
    kill -HUP "$(pid_of control)"
    until_true 5 "the reload" grep -aq RELOADING=1 "$lab/notified"
}

# status WHO FIELD: of all its threads, each once.
status()
{
    awk -v field="$2:" '$1 == field { print $2 }' /proc/"$(pid_of "$1")"/task/*/status | sort -u
}

case_all_threads_have_left_root()
{
    local who field
    for who in control dataplane; do
        equal "$(status "$who" Uid)" "$(id -u bindery)" "$who: user"
        equal "$(status "$who" Gid)" "$(id -g bindery)" "$who: group"
        for field in CapPrm CapEff CapInh CapBnd CapAmb; do
            equal "$(status "$who" "$field")" 0000000000000000 "$who: $field"
        done
        equal "$(status "$who" NoNewPrivs)" 1 "$who: no new privileges"
        equal "$(status "$who" Seccomp)" 2 "$who: a list of calls"
    done
    equal "$(status control Seccomp_filters)" 1 "lists of control"
    # Its own and that of its worker.
    equal "$(status dataplane Seccomp_filters | tr '\n' ' ')" '1 2 ' "lists of the dataplane"
}

# mode_of FILE...: mode and owner of each, once.
mode_of()
{
    stat -c '%a %U:%G' "$@" | sort -u
}

case_files_are_the_users_and_nobody_elses()
{
    equal "$(mode_of "$(json '["arena"]["path"]' show info)")" '600 bindery:bindery' "the arena"
    equal "$(mode_of "$lab"/subscribers.db*)" '600 bindery:bindery' "the database"
    equal "$(mode_of "$lab/journal")" '750 bindery:bindery' "the journal"
    equal "$(mode_of "$lab"/journal/*)" '640 bindery:bindery' "files of the journal"
    equal "$(mode_of "$lab/admin.sock")" '600 bindery:bindery' "the admin socket"
}

# Where a client of that level looks, and what is on disk and in /proc for all to read.
everything_told()
{
    cat "$lab"/{control,dataplane}.log
    ask show config
    ask --json show config
    ask subscriber show all
    ask --json show info
    ask show metrics
    cat "$lab"/journal/* /proc/"$(pid_of control)"/{cmdline,environ} /proc/"$(pid_of dataplane)"/{cmdline,environ}
}

case_secrets_are_told_nowhere()
{
    local ha1 what told=$lab/told
    equal "$(phone register secretive --password "$password")" 200 "registers"
    equal "$(phone register secretive --password wrong-but-secret-too || true)" 401 "does not"
    ask snapshot >/dev/null
    echo "not-a-command $password" | socat - "UNIX-CONNECT:$lab/admin.sock" >/dev/null
    ha1=$(printf 'secretive:example.com:%s' "$password" | md5sum | cut -d ' ' -f 1)
    grep -q "$ha1" "$lab"/subscribers.db* || fail "the HA1 is not where it belongs, so this looks for the wrong one"
    everything_told >"$told"
    grep -aq secretive "$told" || fail "nothing was told"
    for what in "$secret" "$password" "$ha1" wrong-but-secret-too; do
        ! grep -aqiF -- "$what" "$told" || fail "told: $what"
    done
}

# One that waits for an answer that never comes.
case_password_on_the_command_line_is_blotted_out()
{
    local server client
    "$python" -c "
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
client, _ = server.accept()
client.recv(1000)
open(sys.argv[1] + '.asked', 'w').close()
time.sleep(60)" "$lab/mute.sock" &
    server=$!
    until_true 10 "somebody listens" test -S "$lab/mute.sock"
    "$ctl" -s "$lab/mute.sock" subscriber add blotted@example.com "$password" &
    client=$!
    until_true 10 "the client asks" test -e "$lab/mute.sock.asked"
    process_alive "$client" || fail "the client has ended"
    grep -aq blotted@example.com "/proc/$client/cmdline" || fail "this looks at the wrong process"
    ! grep -aqF "$password" "/proc/$client/cmdline" || fail "everybody can see the password"
    stop_process "$client"
    stop_process "$server"
}

as_nobody()
{
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

case_stats_sockets_ask_the_kernel_who_it_is()
{
    local out rc=0
    out=$(as_nobody "$lab/binderyctl" -s "$lab/stats.sock" show info 2>&1) || rc=$?
    equal "$rc" 1 "exit status of a stranger: $out"
    equal "$out" 'error: uid 65534 may not use the operator socket: the list is control.stats_socket_operator_peers' "what he is told"
    setpriv --reuid=65534 --regid="$(id -g bindery)" --clear-groups "$lab/binderyctl" -s "$lab/stats.sock" show info
    rc=0
    as_nobody "$lab/binderyctl" -s "$lab/admin.sock" show info || rc=$?
    equal "$rc" 3 "the admin socket, whose file keeps him out"
    prints '^bindery_stats_socket_refused_total 1$' ask show metrics
}

case_same_user_cannot_look_into_the_memory()
{
    local who
    for who in control dataplane; do
        if setpriv --reuid=bindery --regid=bindery --clear-groups cat "/proc/$(pid_of "$who")/environ" >/dev/null; then
            fail "$who: its memory can be read"
        fi
    done
}

# Of each file that a reload reads, and root alone may at the start.
case_files_that_no_reload_could_read_are_told()
{
    local out
    grep -q "deny.txt: user bindery cannot read it" "$lab/control.log" || fail "it was not told at the start"
    chmod 644 "$lab/deny.txt"
    out=$(ask reload 2>&1) || fail "it says: $out"
}

case_reload_of_a_file_it_may_not_read_says_so()
{
    local out
    chmod 600 "$lab/bindery.yaml"
    if out=$(ask reload 2>&1); then fail "reloaded"; fi
    chmod 640 "$lab/bindery.yaml"
    [[ $out == *"Permission denied"* ]] || fail "it says: $out"
    ask reload
}

# Control is made to fail in a folder where it may write; its core, or none, is there then.
cores_of_a_failure()
{
    local pid
    stop_process "$(pid_of control)"
    (cd "$lab" && ulimit -c unlimited && start control)
    until_true 10 "control answers" control_answers
    pid=$(pid_of control)
    kill -ABRT "$pid"
    until_true 20 "control is gone" process_gone "$pid"
    ls "$lab" | grep -c '^core' || true
    rm -f "$lab"/core*
}

case_core_dumps_are_a_matter_of_wish()
{
    [[ $(cat /proc/sys/kernel/core_pattern) != [/\|]* ]] || return 0 # a program takes them here
    equal "$(cores_of_a_failure)" 0 "cores"
    sed -i 's/^process:/&\n  core_dumps: true/' "$lab/bindery.yaml"
    equal "$(cores_of_a_failure)" 1 "cores, wished for"
    sed -i '/^  core_dumps:/d' "$lab/bindery.yaml"
    start control
    lab_wait
}
