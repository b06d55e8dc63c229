# SPDX-License-Identifier: BSD-3-Clause
# What an operator gets wrong: each draws one clear line that says what and where, a status other than 0,
# and nothing is overwritten.

group_open()
{
    lab_open
}

# refuses PROGRAM PATTERN [PREFIX...]: starts it, through PREFIX if given; it must go by itself, with exactly one line of
# error, which has PATTERN in it.
refuses()
{
    local out rc=0 who=$1 pattern=$2
    shift 2
    out=$(nsenter --net="/run/netns/$ns" -- "$@" timeout 20 "${program[$who]}" -c "$lab/bindery.yaml" 2>&1) ||
        rc=$?
    echo "$out"
    ((rc != 0 && rc != 124)) || fail "exit status $rc"
    ((rc < 128)) || fail "died of a signal: $rc"
    equal "$(grep -ci 'error' <<<"$out")" 1 "lines of error"
    grep -qiE -- "$pattern" <<<"$out" || fail "no word of: $pattern"
}

# Runs one process while a case needs it; it goes when the case's subshell ends.
with_process()
{
    start "$1"
    trap 'stop_process "$(pid_of control)"; stop_process "$(pid_of dataplane)"' EXIT
}

reset_lab()
{
    rm -f "/dev/hugepages/$ns" "/dev/shm/$ns" "$lab"/subscribers.db* "$lab"/*.sock "$lab"/*.pid
    rm -rf "$lab/journal"
    lab_config >"$lab/bindery.yaml"
}

sum()
{
    sha256sum "$1" | cut -d ' ' -f 1
}

case_check_takes_a_good_file()
{
    reset_lab
    "${program[dataplane]}" -t -c "$lab/bindery.yaml"
    "${program[control]}" -t -c "$lab/bindery.yaml"
}

case_check_shows_all_errors_with_their_lines()
{
    local out who rc
    reset_lab
    sed -i -e 's/poll: adaptive/poll: sometimes/' -e 's/min_expires: 60/min_expires: 90000/' \
        -e 's/^auth:/authentication:/' "$lab/bindery.yaml"
    for who in dataplane control; do
        rc=0
        out=$("${program[$who]}" -t -c "$lab/bindery.yaml" 2>&1) || rc=$?
        echo "$out"
        equal "$rc" 1 "exit status"
        for word in poll min_expires authentication; do
            grep -qE "bindery.yaml:[0-9]+:[0-9]+ .*$word" <<<"$out" || fail "no line for $word"
        done
    done
}

case_no_such_file()
{
    reset_lab
    rm "$lab/bindery.yaml"
    for who in dataplane control; do
        out=$("${program[$who]}" -c "$lab/bindery.yaml" 2>&1) && fail "$who started"
        equal "$(wc -l <<<"$out")" 1 "lines"
        [[ $out == *bindery.yaml* ]] || fail "no name: $out"
    done
}

case_not_enough_hugepages()
{
    reset_lab
    lab_bindings_max=500000000 lab_config >"$lab/bindery.yaml"
    sed -i "s|^  name: $ns|  file: /dev/hugepages/$ns|" "$lab/bindery.yaml"
    refuses control 'huge ?pages?'
    [[ ! -e /dev/hugepages/$ns ]] || fail "a half-made file was left"
}

case_foreign_arena_file()
{
    local before
    reset_lab
    head -c 4194304 /dev/urandom >"$lab/foreign"
    before=$(sum "$lab/foreign")
    sed -i "s|^  name: $ns|  file: $lab/foreign|" "$lab/bindery.yaml"
    refuses dataplane "$lab/foreign"
    refuses control "$lab/foreign"
    equal "$(sum "$lab/foreign")" "$before" "the foreign file"
}

case_arena_of_other_sizes()
{
    reset_lab
    with_process control
    until_true 10 "control answers" control_answers
    lab_bindings_max=40000 lab_config >"$lab/bindery.yaml"
    refuses dataplane 'size|bindings_max'
    ask show info
}

case_taken_stats_socket()
{
    reset_lab
    "$python" -c "
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(60)" "$lab/stats.sock" &
    trap "kill $!" EXIT
    until_true 5 "somebody listens" test -S "$lab/stats.sock"
    refuses control stats.sock
    [[ -S $lab/stats.sock ]] || fail "the other's socket was removed"
}

case_stale_stats_socket_is_taken_over()
{
    reset_lab
    "$python" -c "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$lab/stats.sock"
    with_process control
    until_true 10 "control answers" control_answers
    process_alive "$(pid_of control)"
}

case_file_in_the_way_of_the_stats_socket()
{
    reset_lab
    echo precious >"$lab/stats.sock"
    refuses control stats.sock
    equal "$(cat "$lab/stats.sock")" precious "the file"
}

case_corrupt_database()
{
    local before
    reset_lab
    head -c 65536 /dev/urandom >"$lab/subscribers.db"
    before=$(sum "$lab/subscribers.db")
    refuses control subscribers.db
    equal "$(sum "$lab/subscribers.db")" "$before" "the database"
}

case_database_of_somebody_else()
{
    local before
    reset_lab
    "$python" -c "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('create table subscriber (colour text, weight integer)')
db.execute('insert into subscriber values (\"red\", 3)')
db.commit()" "$lab/subscribers.db"
    before=$(sum "$lab/subscribers.db")
    refuses control subscribers.db
    equal "$(sum "$lab/subscribers.db")" "$before" "the database"
}

case_locked_database()
{
    reset_lab
    "$python" -c "
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('begin exclusive')
print('locked', flush=True)
time.sleep(60)" "$lab/subscribers.db" >"$lab/locked" &
    trap "kill $!" EXIT
    until_true 5 "the database is locked" test -s "$lab/locked"
    refuses control 'subscribers.db.*lock|lock.*subscribers.db'
}

# Root by name, but with no capability left.
case_no_privilege()
{
    reset_lab
    refuses dataplane 'CAP_|privilege|permi|root' setpriv --bounding-set=-all --inh-caps=-all
}

arena_file()
{
    find /dev/hugepages /dev/shm -maxdepth 1 -name "$ns"
}

case_start_that_fails_leaves_no_arena()
{
    reset_lab
    head -c 65536 /dev/urandom >"$lab/subscribers.db"
    refuses control subscribers.db
    equal "$(arena_file)" '' "what control has made"
    sed -i -e 's/driver: tap/driver: af_packet/' -e 's/interface: sip0/interface: nowhere0/' "$lab/bindery.yaml"
    refuses dataplane nowhere0
    equal "$(arena_file)" '' "what the dataplane has made"
}

# Somebody may have made it for us, with an owner and a mode.
case_start_that_fails_leaves_a_file_that_was_there()
{
    reset_lab
    head -c 65536 /dev/urandom >"$lab/subscribers.db"
    : >"/dev/shm/$ns"
    refuses control subscribers.db
    equal "$(stat -c %s "/dev/shm/$ns")" 0 "what control has left of it"
    sed -i -e 's/driver: tap/driver: af_packet/' -e 's/interface: sip0/interface: nowhere0/' "$lab/bindery.yaml"
    refuses dataplane nowhere0
    equal "$(stat -c %s "/dev/shm/$ns")" 0 "what the dataplane has left of it"
    rm "/dev/shm/$ns"
}

# The other process has joined: then the arena is its, too.
case_start_that_fails_leaves_the_arena_of_the_other()
{
    reset_lab
    with_process control
    until_true 10 "control answers" control_answers
    sed -i -e 's/driver: tap/driver: af_packet/' -e 's/interface: sip0/interface: nowhere0/' "$lab/bindery.yaml"
    refuses dataplane nowhere0
    [[ -n $(arena_file) ]] || fail "it was removed"
    ask show info
}

case_no_such_interface()
{
    reset_lab
    sed -i -e 's/driver: tap/driver: af_packet/' -e 's/interface: sip0/interface: nowhere0/' "$lab/bindery.yaml"
    with_process control
    until_true 10 "control answers" control_answers
    refuses dataplane nowhere0
}

case_taken_metrics_port()
{
    reset_lab
    lab_more_control='metrics: "127.0.0.1:9460"' lab_config >"$lab/bindery.yaml"
    nsenter --net="/run/netns/$ns" -- "$python" -c "
import socket, sys, time
s = socket.create_server(('127.0.0.1', 9460))
print('listening', flush=True)
time.sleep(60)" >"$lab/listening" &
    trap "kill $!" EXIT
    until_true 5 "somebody listens" test -s "$lab/listening"
    refuses control '9460'
}

case_interface_taken_by_another_dataplane()
{
    reset_lab
    with_process control
    start dataplane
    lab_wait
    sed -i -e "s/^  name: $ns/  name: $ns-2/" -e 's|/stats.sock|/stats2.sock|; s|/admin.sock|/admin2.sock|' \
        "$lab/bindery.yaml"
    trap "stop_process $(pid_of control); stop_process $(pid_of dataplane)
        rm -f /dev/hugepages/$ns-2 /dev/shm/$ns-2" EXIT
    refuses dataplane sip0
    equal "$(phone options probe)" 200 "the first one serves"
}
