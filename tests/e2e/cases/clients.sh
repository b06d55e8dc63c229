# SPDX-License-Identifier: BSD-3-Clause
# Clients that nobody here wrote: sipp, sipsak, baresip.

group_open()
{
    lab_watch=yes
    lab_open && lab_start && lab_subscribers
}

group_close()
{
    lab_watch_is_clean
}

# run_sipp SCENARIO FIRST COUNT [PASSWORD]; more options of sipp in sipp_options
run_sipp()
{
    local user
    {
        echo SEQUENTIAL
        for ((user = $2; user < $2 + $3; user++)); do
            echo "$user;[authentication username=$user password=${4:-secret-$user}]"
        done
    } >"$lab/users.csv"
    (
        cd "$lab"
        in_lab sipp 198.18.0.1 -i 198.18.0.2 -sf "$here/sipp/$1.xml" -inf users.csv \
            -m "$3" -r "${rate:-100}" -l 200 -nostdin -timeout 60s -timeout_error -trace_err \
            "${sipp_options[@]}"
    )
}

bindings_of()
{
    json '["bindings"].__len__()' show bindings "$1"
}

case_sipp_registers_refreshes_unregisters()
{
    local before
    before=$(bindings_of all)
    run_sipp register-refresh-unregister 1000 50
    equal "$(bindings_of all)" "$before" "bindings after all have gone"
}

case_sipp_with_a_wrong_password()
{
    run_sipp wrong-password 1060 20 not-it
    equal "$(bindings_of 1060@example.com)" 0 "bindings"
}

case_sipp_registers_a_thousand()
{
    rate=1000 run_sipp register 1000 1000
    equal "$(bindings_of all)" 1000 "bindings"
    ask unregister 1999@example.com
    equal "$(bindings_of all)" 999 "bindings after one was taken out"
    for user in {1000..1998}; do echo "$user@example.com"; done |
        xargs -n 1 -P 4 "$ctl" -s "$lab/admin.sock" unregister >/dev/null
    equal "$(bindings_of all)" 0 "bindings after all were taken out"
}

# A PBX registers its numbers, and goes (RFC 6140).
case_sipp_pbx_registers_its_numbers()
{
    local sipp_options=(-p 5072 -key expires 600) number=+4930555123@example.com
    run_sipp gin 1190 1
    equal "$(bindings_of 1190@example.com)" 1 "bindings: one for a thousand numbers"
    equal "$(json '["contacts"][0]["uri"]' lookup "$number")" sip:+4930555123@198.18.0.2:5072 "a number"
    equal "$(json '["contacts"][0]["pbx"]' lookup "$number")" 1190@example.com "its PBX"
    equal "$(json '["bindings"]' lookup +49-30-777@example.com)" 1 "a single number"
    ask lookup 1190@example.com | grep 'uri: sip:198.18.0.2:5072;bnc$'
    sipp_options=(-p 5072 -key expires 0)
    run_sipp gin 1190 1
    equal "$(bindings_of 1190@example.com)" 0 "bindings after it has gone"
    ask lookup "$number" >"$lab/lookup.log" 2>&1 || true
    grep 'nor has its PBX 1190@example.com' "$lab/lookup.log"
}

case_sipsak_options()
{
    in_lab sipsak -s sip:198.18.0.1
    in_lab sipsak -v -v -s sip:198.18.0.1 | grep -i '^Allow:.*REGISTER'
}

# Set up by address, as sipsak's -s wants it.
case_sipsak_registers()
{
    in_lab sipsak -U -C sip:1150@198.18.0.2:5555 -x 300 \
        -s sip:1150@198.18.0.1 -u 1150 -a secret-1150
    equal "$(bindings_of 1150@example.com)" 1 "bindings"
}

case_sipsak_with_a_wrong_password()
{
    if in_lab sipsak -U -C sip:1151@198.18.0.2:5555 -x 300 \
        -s sip:1151@198.18.0.1 -u 1151 -a not-it; then
        fail "sipsak was let in"
    fi
    equal "$(bindings_of 1151@example.com)" 0 "bindings"
}

# start_baresip ACCOUNT: no audio, no video, nothing but an account.
start_baresip()
{
    mkdir -p "$lab/baresip"
    echo "$1" >"$lab/baresip/accounts"
    : >"$lab/baresip/contacts"
    cat >"$lab/baresip/config" <<'CONFIG'
sip_listen 198.18.0.2:5070
module_path /usr/lib/baresip/modules
module_tmp uuid.so
module_app account.so
module_app menu.so
CONFIG
    nsenter --net="/run/netns/$ns" -- baresip -f "$lab/baresip" -v >"$lab/baresip.log" 2>&1 &
    baresip_pid=$!
    trap 'stop_process "$baresip_pid"; cat "$lab/baresip.log"' EXIT
}

is_bound()
{
    (($(bindings_of "$1") == 1))
}

is_not_bound()
{
    (($(bindings_of "$1") == 0))
}

cseq_of()
{
    json '["contacts"][0]["cseq"]' lookup "$1"
}

cseq_above()
{
    (($(cseq_of "$1") > $2))
}

# A lifetime of 4 s makes it register again within the test; a nonce life of 1 s makes that one stale.
case_baresip_lives()
{
    local aor=2@brief.example cseq
    start_baresip '<sip:2@brief.example>;auth_user=2;auth_pass=secret-2;outbound="sip:198.18.0.1";regint=4'
    until_true 5 "baresip registers" is_bound "$aor"
    cseq=$(cseq_of "$aor")
    until_true 10 "baresip registers again" cseq_above "$aor" "$cseq"
    kill -TERM "$baresip_pid"
    until_true 5 "baresip unregisters on exit" is_not_bound "$aor"
}

case_baresip_set_up_by_address()
{
    start_baresip '<sip:3@198.18.0.4>;auth_user=3;auth_pass=secret-3;regint=60'
    until_true 5 "baresip registers" is_bound 3@brief.example
    kill -TERM "$baresip_pid"
    until_true 5 "baresip unregisters on exit" is_not_bound 3@brief.example
}

flows_of()
{
    json '["contacts"]' lookup "$1" | grep -o "'reg_id': [0-9]*" | sort | tr -d "' " | xargs
}

# Two outbound proxies, so two flows: reg-id 1 and 2. A restart comes back as the same two.
case_baresip_outbound()
{
    local aor=4@brief.example
    local account='<sip:4@brief.example>;auth_user=4;auth_pass=secret-4;sipnat=outbound;regint=60'
    account+=';outbound="sip:198.18.0.1";outbound2="sip:198.18.0.4"'
    start_baresip "$account"
    until_true 10 "two flows" equal_flows "$aor" 'reg_id:1 reg_id:2'
    before=$(call_ids_of "$aor")
    kill -KILL "$baresip_pid"
    until_true 5 "baresip is gone, and its port is free" process_gone "$baresip_pid"
    nsenter --net="/run/netns/$ns" -- baresip -f "$lab/baresip" -v >>"$lab/baresip.log" 2>&1 &
    baresip_pid=$!
    until_true 10 "baresip registers again" came_back "$aor"
    equal_flows "$aor" 'reg_id:1 reg_id:2'
    kill -TERM "$baresip_pid"
    until_true 5 "baresip unregisters on exit" is_not_bound "$aor"
}

# Every flow has another Call-ID than before.
came_back()
{
    [[ -z $(comm -12 <(echo "$before") <(call_ids_of "$1")) ]]
}

call_ids_of()
{
    json '["contacts"]' lookup "$1" | grep -o "'call_id': '[^']*'" | sort
}

equal_flows()
{
    [[ $(flows_of "$1") == "$2" ]]
}
