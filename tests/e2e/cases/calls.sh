# SPDX-License-Identifier: BSD-3-Clause
# Calls between real phones, which find each other by the appliance's 302.

group_open()
{
    lab_watch=yes
    lab_open && lab_start && lab_subscribers
}

group_close()
{
    lab_watch_is_clean
}

# start_phone NAME ADDRESS ACCOUNT [COMMAND]: a baresip whose audio is a bridge to itself.
start_phone()
{
    local folder=$lab/$1
    mkdir -p "$folder"
    echo "$3" >"$folder/accounts"
    : >"$folder/contacts"
    cat >"$folder/config" <<CONFIG
sip_listen $2
module_path /usr/lib/baresip/modules
module g711.so
module aubridge.so
module_tmp uuid.so
module_app account.so
module_app menu.so
audio_player aubridge,$1
audio_source aubridge,$1
audio_alert aubridge,alert
CONFIG
    nsenter --net="/run/netns/$ns" -- baresip -f "$folder" -v ${4:+-e "$4"} >"$folder.log" 2>&1 &
    phone_pids+=("$!")
}

phones_end()
{
    local pid
    for pid in "${phone_pids[@]}"; do stop_process "$pid"; done
    tail -n 100 "$lab"/*.log
}

is_bound()
{
    (($(json '["bindings"].__len__()' show bindings "$1") == 1))
}

verdicts_of()
{
    json "[\"verdicts\"]" show stats | "$python" -c "
import ast, sys
rows = ast.literal_eval(sys.stdin.read())
print(sum(row['total'] for row in rows if row['verdict'] == '$1'))"
}

says()
{
    grep -q "$2" "$lab/$1.log"
}

case_baresip_calls_baresip()
{
    local before
    phone_pids=() # not local: the trap runs when the case has returned
    trap phones_end EXIT
    before=$(verdicts_of redirected)
    start_phone callee 198.18.0.3:5072 \
        '<sip:5@198.18.0.4>;auth_user=5;auth_pass=secret-5;regint=60;answermode=auto'
    until_true 5 "the callee registers" is_bound 5@brief.example
    start_phone caller 198.18.0.2:5071 \
        '<sip:4@198.18.0.4>;auth_user=4;auth_pass=secret-4;regint=0' '/dial sip:5@198.18.0.4'
    until_true 10 "the caller's call stands" says caller 'Call established'
    until_true 10 "the callee's call stands" says callee 'Call established'
    equal "$(verdicts_of redirected)" "$((before + 1))" "redirected"
}

are_bound()
{
    (($(json '["bindings"].__len__()' show bindings "$1") == $2))
}

call_by_gruu()
{
    local gruu
    gruu="sip:6@198.18.0.4;gr=urn:uuid:$(<"$lab/$1/uuid")"
    start_phone "caller_of_$1" "198.18.0.2:$2" \
        '<sip:4@198.18.0.4>;auth_user=4;auth_pass=secret-4;regint=0' "/dial $gruu"
    until_true 10 "the caller's call stands" says "caller_of_$1" 'Call established'
    until_true 10 "the call of the $1 phone stands" says "$1" 'Call established'
}

# Two phones of one user: a GRUU rings one of them alone, whichever is the fresher (RFC 5627 6.1).
case_a_gruu_rings_one_of_two_phones()
{
    local before account
    phone_pids=()
    trap phones_end EXIT
    before=$(verdicts_of redirected)
    account='<sip:6@198.18.0.4>;auth_user=6;auth_pass=secret-6;regint=60;answermode=auto'
    start_phone first 198.18.0.3:5074 "$account"
    start_phone second 198.18.0.3:5076 "$account"
    until_true 5 "both phones register" are_bound 6@brief.example 2
    call_by_gruu second 5078
    ! says first 'Call established' || fail "the first phone rang, too"
    call_by_gruu first 5080
    equal "$(grep -c 'Call established' "$lab/second.log")" 1 "calls of the second phone"
    equal "$(verdicts_of redirected)" "$((before + 2))" "redirected"
}
