# SPDX-License-Identifier: BSD-3-Clause
# Processes that die, restart and reload. Every case leaves both running.

group_open()
{
    lab_open && lab_start && lab_subscribers
}

kill_process()
{
    local pid
    pid=$(pid_of "$1")
    kill -KILL "$pid"
    until_true 5 "$1 is gone" process_gone "$pid"
}

registers()
{
    phone register "$@"
}

case_control_killed_draws_503_at_once()
{
    local gone
    phone register 1200
    gone=$(total verifier_gone)
    kill_process control
    equal "$(phone register 1200 -v | grep -c -e '^SIP/2.0 503' -e '^Retry-After: [1-9]')" 2 "503 with Retry-After"
    equal "$(phone register other --domain open.example)" 200 "an open domain goes on"
    start control
    until_true 10 "control answers" control_answers
    # One that had waited for its verdict in vain would be verifier_busy. Before others come.
    (($(total verifier_gone) > gone)) || fail "no 503 at once"
    until_true 5 "full service by itself" registers 1200
    equal "$(phone register 1201)" 200 "register"
}

# AoR, Contact and CSeq of all bindings, one a line.
all_bindings()
{
    ask --json show bindings all | "$python" -c 'import json, sys
for b in sorted((b["aor"], b["contact"], b["cseq"]) for b in json.load(sys.stdin)["bindings"]): print(*b)'
}

# Restarts after a SIGNAL to each of WHO and compares the bindings.
survives()
{
    local signal=$1 who before
    shift
    for user in {1210..1219}; do phone register "$user" >/dev/null; done
    before=$(all_bindings)
    (($(wc -l <<<"$before") >= 10)) || fail "bindings to begin with: $before"
    for who in "$@"; do
        kill -"$signal" "$(pid_of "$who")"
        until_true 5 "$who is gone" process_gone "$(pid_of "$who")"
    done
    for who in "$@"; do start "$who"; done
    lab_wait
    equal "$(all_bindings)" "$before" "bindings"
    until_true 5 "register" registers 1210
    equal "$(json '["records"]["leaked"]' show info)" 0 "records leaked"
}

case_dataplane_killed_keeps_bindings()
{
    survives KILL dataplane
}

case_dataplane_stopped_keeps_bindings()
{
    survives TERM dataplane
}

case_both_killed_keep_bindings()
{
    survives KILL dataplane control
}

case_control_killed_keeps_bindings_and_subscribers()
{
    survives KILL control
}

case_stop_exits_with_0()
{
    local who pid rc
    for who in dataplane control; do
        stop_process "$(pid_of "$who")"
        nsenter --net="/run/netns/$ns" -- "${program[$who]}" -c "$lab/bindery.yaml" >>"$lab/$who.log" 2>&1 &
        pid=$!
        echo "$pid" >"$lab/$who.pid"
        lab_wait
        kill -TERM "$pid"
        rc=0
        wait "$pid" || rc=$?
        equal "$rc" 0 "exit status of $who"
        start "$who"
        lab_wait
    done
}

granted()
{
    phone register any --domain open.example --contact sip:any@198.18.0.2 --expires 100000 -v |
        sed -n 's/^Contact:.*expires=\([0-9]*\).*/\1/p'
}

granted_is()
{
    [[ $(granted) == "$1" ]]
}

case_reload_changes_max_expires()
{
    equal "$(granted)" 7200 "max_expires at first"
    lab_max_expires=5000 lab_config >"$lab/bindery.yaml"
    ask reload
    until_true 3 "max_expires by reload" granted_is 5000
    lab_max_expires=4000 lab_config >"$lab/bindery.yaml"
    kill -HUP "$(pid_of control)"
    until_true 3 "max_expires by SIGHUP" granted_is 4000
    lab_config >"$lab/bindery.yaml"
    ask reload
    until_true 3 "max_expires as at first" granted_is 7200
}

case_reload_of_a_bad_file_changes_nothing()
{
    local out
    lab_max_expires=nonsense lab_config >"$lab/bindery.yaml"
    if out=$(ask reload 2>&1); then fail "reload took it: $out"; fi
    [[ $out == *bindery.yaml:*max_expires* ]] || fail "names no place: $out"
    process_alive "$(pid_of control)" || fail "control has died of it"
    equal "$(granted)" 7200 "max_expires"
    lab_config >"$lab/bindery.yaml"
    ask reload
}

case_reload_that_needs_a_restart_says_so()
{
    local out
    lab_workers=2 lab_config >"$lab/bindery.yaml"
    out=$(ask reload 2>&1) || true
    lab_config >"$lab/bindery.yaml"
    ask reload
    [[ $out == *workers* ]] || fail "does not name the key: $out"
}

# The one that runs stays, the one that comes goes, with a line that names the one that runs.
second_is_refused()
{
    local out rc=0
    out=$(nsenter --net="/run/netns/$ns" -- timeout 10 "${program[$1]}" -c "$lab/bindery.yaml" 2>&1) || rc=$?
    ((rc != 0 && rc != 124)) || fail "exit status $rc: $out"
    equal "$(grep -c "$(pid_of "$1")" <<<"$out")" 1 "lines that name the process id in: $out"
    equal "$(phone register 1220)" 200 "the first one serves"
}

case_second_dataplane_is_refused()
{
    second_is_refused dataplane
}

case_second_control_is_refused()
{
    second_is_refused control
}

# Each way that a REGISTER may go: credentials by a verifier, a refresh known by its fingerprint and one that is not,
# several Contacts, a change of parameters, a query, a removal.
case_drain_lets_refreshes_through()
{
    BINDERYCTL="$ctl -s $lab/admin.sock" PYTHONPATH=$here in_lab "$python" - <<'PYTHON'
import os
from phone import Phone
from checks import ctl, equal

def refused(reply):
    equal(reply.code, 503)
    assert int(reply.get("Retry-After")) > 0, reply.data

def both(phone, more=""):
    return f"<{phone.contact}>{more}, <sip:second@198.18.0.2:5071>"

def called(phone):
    phone.call_id = os.urandom(8).hex()
    return phone

open_one, two = Phone("resident", domain="open.example"), Phone("two", domain="open.example")
digest, trusted = Phone("1230"), Phone("2001", domain="trusted.example")
for phone in open_one, digest, trusted:
    equal(phone.register().code, 200)
equal(two.register(contact=both(two)).code, 200)

ctl("drain", "on")
for domain in "open.example", "trusted.example":
    refused(Phone("2002", domain=domain).register())
refused(Phone("1231").register())
refused(Phone("1230").register())  # a second phone of the user
for _ in range(3):  # by its fingerprint from the second on
    for phone in open_one, digest, trusted:
        equal(phone.register().code, 200)
    equal(two.register(contact=both(two)).code, 200)
for phone in open_one, digest, trusted:
    equal(called(phone).register().code, 200, "after a reboot of the phone")
equal(two.register(contact=both(two, ";q=0.5")).code, 200, "with other parameters")
refused(two.register(contact=both(two) + ", <sip:third@198.18.0.2:5072>"))
equal(len(two.query().contacts()), 2, "nothing of it was done")
equal(two.register(contact=f"<{two.contact}>;expires=0, <sip:second@198.18.0.2:5071>").code, 200, "a removal")
refused(two.register(contact=both(two)))
equal(digest.register(expires=0).code, 200, "the last one goes")
refused(called(digest).register())

ctl("drain", "off")
for phone in digest, Phone("1231"), Phone("newcomer", domain="open.example"):
    equal(phone.register().code, 200)
PYTHON
}

has_open()
{
    [[ $(readlink "/proc/$1/fd/"*) == *$2* ]]
}

# While it waits for its configuration, a pipe.
case_stopped_while_it_starts()
{
    local what pid pipe=$lab/pipe status
    mkfifo "$pipe"
    exec 9<>"$pipe"
    for what in control dataplane; do
        "${program[$what]}" -c "$pipe" <&- >&- 2>&- 9>&- &
        pid=$!
        until_true 5 "$what reads" has_open "$pid" "$pipe"
        equal "$(readlink "/proc/$pid/fd/"[012] | uniq -c | tr -s ' ')" " 3 /dev/null" "standard descriptors of $what"
        kill -HUP "$pid"
        kill -TERM "$pid"
        status=0
        wait "$pid" || status=$?
        equal "$status" 0 "exit status of $what"
    done
}
