# SPDX-License-Identifier: BSD-3-Clause
# What operators do: subscribers, sockets and their levels, the command line client's promises.

group_open()
{
    lab_open && lab_start
}

case_subscriber_comes_and_goes()
{
    equal "$(phone register anna --password first || true)" 401 "before she is known"
    ask subscriber add anna@example.com first
    equal "$(phone register anna --password first)" 200 "known"
    ask subscriber set anna@example.com second
    equal "$(phone register anna --password first || true)" 401 "the former password"
    equal "$(phone register anna --password second --algorithm SHA-256)" 200 "the new password"
    ask subscriber show anna@example.com | grep anna
    ask subscriber remove anna@example.com
    equal "$(phone register anna --password second || true)" 401 "removed"
}

case_password_is_stored_as_a_hash()
{
    ask subscriber add berta@example.com in-clear-nowhere
    equal "$(grep -c in-clear-nowhere "$lab"/subscribers.db* | grep -vc ':0')" 0 "files with the password"
    if ask subscriber show berta@example.com | grep in-clear-nowhere; then fail "shown"; fi
}

case_import_of_a_bad_line_imports_nothing()
{
    local out
    printf 'username,domain,password\ngood,example.com,x\nno-password,example.com\n' >"$lab/bad.csv"
    if out=$(ask subscriber import "$lab/bad.csv" 2>&1); then fail "taken: $out"; fi
    [[ $out == *3* ]] || fail "does not name line 3: $out"
    if ask subscriber show good@example.com; then fail "the good line was taken"; fi
}

status_of()
{
    local rc=0
    "$@" >/dev/null 2>&1 || rc=$?
    echo "$rc"
}

case_exit_statuses_of_the_client()
{
    equal "$(status_of "$ctl" -s "$lab/stats.sock" show info)" 0 "done"
    equal "$(status_of "$ctl" -s "$lab/stats.sock" lookup nobody@example.com)" 1 "not found"
    equal "$(status_of "$ctl" -s "$lab/stats.sock" frobnicate)" 2 "no such command"
    equal "$(status_of "$ctl" --frobnicate)" 2 "no such option"
    equal "$(status_of "$ctl" -s "$lab/nowhere.sock" show info)" 3 "nobody there"
}

case_operator_socket_may_not_change_subscribers()
{
    local out
    if out=$("$ctl" -s "$lab/stats.sock" subscriber add carla@example.com x 2>&1); then
        fail "allowed: $out"
    fi
    [[ $out == *admin* ]] || fail "does not say which socket: $out"
}

case_raw_socket_ends_with_a_blank_line()
{
    local out
    out=$("$python" - "$lab/stats.sock" <<'PYTHON'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(5)
s.sendall(b"show info\njson show info\n")
text = b""
while text.count(b"\n\n") < 2:
    text += s.recv(65536)
first, second = text.split(b"\n\n")[:2]
print(len(first.splitlines()) > 3, second[:1])
PYTHON
    )
    equal "$out" "True b'{'" "two answers on one connection"
}

case_every_show_answers()
{
    local what
    for what in info stats workers latency config bindings limits screening metrics; do
        ask show "$what" >"$lab/out"
        [[ -s $lab/out ]] || fail "show $what says nothing"
        ask --json show "$what" | "$python" -m json.tool >/dev/null
    done
    grep -q 'show info' <<<"$(ask help)"
    grep -q '^bindery_' <<<"$(ask show metrics)"
}
