# SPDX-License-Identifier: BSD-3-Clause
# Screening and bans on the wire, with the shipped rules and with others, by clients that nobody here wrote
# (sipsak, sipp) and by a phone that says what it is told (screening.py).

group_open()
{
    lab_watch=yes
    lab_open
    printf 'screening: {rules: rules.yaml}\n' >>"$lab/bindery.yaml"
    copy_shipped
    lab_start
    lab_subscribers
}

group_close()
{
    lab_watch_is_clean
}

copy_shipped()
{
    cp "$root/configs/screening.yaml" "$lab/rules.yaml"
}

use_shipped()
{
    copy_shipped
    ask reload
}

# A rule a line, as they stand in the file, instead of the shipped ones.
use_rules()
{
    printf -- '- {%s}\n' "$@" >"$lab/rules.yaml"
    ask reload
}

screening()
{
    in_lab "$python" "$here/screening.py" "$@"
}

# Section limits anew; for the next reload.
limit()
{
    sed -i "s|^limits: .*|limits: {rates: count, $1}|" "$lab/bindery.yaml"
}

hits()
{
    json "['rules'][$1 - 1]['hits']" show screening
}

banned()
{
    json "['bans']" show limits
}

# sipp_as AGENT SOURCE: one REGISTER by sipp; fails when it gets no 401.
sipp_as()
{
    sed "s/Max-Forwards: 70/User-Agent: $1\n      Max-Forwards: 70/" "$here/sipp/register.xml" >"$lab/agent.xml"
    printf 'SEQUENTIAL\n1200;[authentication username=1200 password=secret-1200]\n' >"$lab/users.csv"
    (cd "$lab" && in_lab sipp 198.18.0.1 -i "$2" -sf agent.xml -inf users.csv -m 1 -nostdin -timeout 2s -timeout_error)
}

case_honest_clients_pass()
{
    use_shipped
    local before
    before=$(($(total screen_drop) + $(total screen_reject) + $(total screen_ban)))
    in_lab sipsak -s sip:198.18.0.1
    sipp_as 'SIPp' 198.18.0.2
    equal "$(phone register 1201)" 200 "phone.py"
    equal "$(($(total screen_drop) + $(total screen_reject) + $(total screen_ban)))" "$before" "caught"
    (($(total screen_scanned) > 0)) || fail "nothing was scanned"
}

case_a_phone_that_repeats_itself_is_not_scanned_again()
{
    use_shipped
    local before
    before=$(total screen_skipped)
    equal "$(screening twice)" "200 200" "register and refresh"
    equal "$(total screen_skipped)" $((before + 1)) "skipped"
}

case_sipp_as_a_scanner_is_banned()
{
    use_shipped
    local unread before
    before=$(total screen_ban)
    if sipp_as friendly-scanner 198.18.0.3; then fail "sipp got an answer"; fi
    equal "$(total screen_ban)" $((before + 1)) "verdicts: what came later was not read"
    (($(hits 1) > 0)) || fail "no hits of the first rule"
    [[ $(banned) == *"198.18.0.3/32"*"rule 1"* ]] || fail "not listed: $(banned)"
    unread=$(total frame_banned)
    equal "$(screening agent 198.18.0.3 'Phone 1.0')" 0 "an honest phone there"
    (($(total frame_banned) > unread)) || fail "it was read"
    equal "$(screening agent 198.18.0.2 'Phone 1.0')" 200 "a phone elsewhere"
    ask unban 198.18.0.3
    equal "$(screening agent 198.18.0.3 'Phone 1.0')" 200 "after unban"
}

case_sipsak_with_a_scanners_name_is_banned()
{
    use_shipped
    if in_lab timeout 5 sipsak -j 'User-Agent: sipvicious' -s sip:198.18.0.1; then fail "sipsak got an answer"; fi
    [[ $(banned) == *"198.18.0.2/32"* ]] || fail "not listed: $(banned)"
    ask unban all
    in_lab sipsak -s sip:198.18.0.1
}

case_injection_is_refused()
{
    use_shipped
    local before
    before=$(total screen_reject)
    equal "$(screening from "\"' OR '1'='1\" <sip:sender@open.example>")" 403 "status"
    equal "$(total screen_reject)" $((before + 1)) "counted"
    equal "$(screening from "\"Pat O'Brien\" <sip:sender@open.example>")" 200 "a name with an apostrophe"
}

case_an_operator_bans()
{
    use_shipped
    local out
    ask ban 198.18.0.3 100
    equal "$(screening agent 198.18.0.3 'Phone 1.0')" 0 "banned"
    [[ $(banned) == *operator* ]] || fail "not listed: $(banned)"
    ask unban 198.18.0.3
    equal "$(screening agent 198.18.0.3 'Phone 1.0')" 200 "unbanned"
    if out=$(ask ban 198.18.0 2>&1); then fail "taken: $out"; fi
    if out=$(ask ban 198.18.0.3 0 2>&1); then fail "taken: $out"; fi
    if out=$(ask unban 198.18.0.3 2>&1); then fail "taken: $out"; fi
}

case_bans_that_only_count()
{
    cp "$lab/bindery.yaml" "$lab/enforcing.yaml"
    limit 'bans: count'
    use_rules 'field: user_agent, pattern: evil, action: ban 60'
    equal "$(screening agent 198.18.0.3 evil)" 200 "served"
    equal "$(screening agent 198.18.0.3 evil)" 200 "served again"
    equal "$(hits 1)" 2 "hits"
    [[ $(banned) == *"198.18.0.3/32"* ]] || fail "not listed: $(banned)"
    (($(total banned_passed) > 0)) || fail "not counted"
    limit 'never_ban: [198.18.0.0/24]'
    ask reload
    equal "$(screening agent 198.18.0.3 'Phone 1.0')" 200 "in never_ban"
    equal "$(screening agent 198.18.0.3 evil)" 0 "the rule still holds"
    cp "$lab/enforcing.yaml" "$lab/bindery.yaml"
    ask reload
    equal "$(screening agent 198.18.0.3 'Phone 1.0')" 0 "banned in earnest"
    ask unban all
}

case_bad_rules_change_nothing()
{
    local out
    use_rules 'field: user_agent, pattern: evil, action: reject 488'
    if out=$(use_rules 'field: to, pattern: x, action: drop' 'field: to, pattern: (x, action: drop' 2>&1); then
        fail "taken: $out"
    fi
    [[ $out == *"rules.yaml:2:15 rules[1].pattern: Missing close parenthesis"* ]] || fail "says: $out"
    if out=$(use_rules 'field: too, pattern: x, action: drop' 2>&1); then fail "taken: $out"; fi
    [[ $out == *"rules.yaml:1:4 rules[0].field: must be user_agent, "* ]] || fail "says: $out"
    if out=$("${program[control]}" -t -c "$lab/bindery.yaml" 2>&1); then fail "checked: $out"; fi
    equal "$(screening agent 198.18.0.2 evil)" 488 "the rules of before"
}

# alarm 0|1
alarm()
{
    prints "^bindery_alarm{name=\"screening\"} $1$" ask show metrics
}

# Who is screened in the very tick that tells of the last one who was not, ends no alarm.
no_alarm_with_traffic()
{
    equal "$(screening agent 198.18.0.2 evil)" 403 "screened again" && alarm 0
}

# What a worker finds whose Hyperscan is of another version than the one that compiled. A reload that leaves the
# rules alone copies the databases as they are into a new policy.
case_rules_of_another_hyperscan_are_an_alarm()
{
    local before
    use_rules 'field: user_agent, pattern: evil, action: reject 488'
    before=$(total screen_failed)
    "$python" "$here/other_hyperscan.py" "$(json '["arena"]["path"]' show info)"
    ask reload
    equal "$(screening agent 198.18.0.2 'Phone 1.0')" 200 "an honest phone"
    equal "$(screening agent 198.18.0.2 evil)" 200 "unscreened"
    equal "$(phone register 1202)" 200 "a subscriber"
    (($(total screen_failed) >= before + 4)) || fail "screen_failed $(total screen_failed), before $before"
    until_true 3 "the alarm" alarm 1
    prints 'requests went through unscreened: .* with the same Hyperscan' ask show info || fail "no reason in show info"
    use_rules 'field: user_agent, pattern: evil, action: reject 403'
    equal "$(screening agent 198.18.0.2 evil)" 403 "screened again"
    until_true 5 "the alarm ends" no_alarm_with_traffic
}

# Of a process, in ticks.
used_ticks()
{
    awk '{ print $14 + $15 }' "/proc/$1/stat"
}

has_used()
{
    (($(used_ticks "$1") >= $2))
}

# Rules that take Hyperscan many seconds.
use_intricate_rules()
{
    local i
    for i in {1..1000}; do
        echo "- {field: user_agent, pattern: '[a-m]$i.*(?:or|and)[^@]{50,200}x', action: drop}"
    done >"$lab/rules.yaml"
    ask reload
}

# It cannot wait for Hyperscan, and yet brings to its end what it can. Only the end writes to the journal here.
case_stop_while_rules_compile()
{
    local pid client ticks start rc=0
    stop_process "$(pid_of control)"
    sed 's/journal_fsync_ms: .*/journal_fsync_ms: 60000/' "$lab/bindery.yaml" >"$lab/seldom.yaml"
    nsenter --net="/run/netns/$ns" -- "${program[control]}" -c "$lab/seldom.yaml" </dev/null >>"$lab/control.log" 2>&1 &
    pid=$!
    echo "$pid" >"$lab/control.pid"
    lab_wait
    use_rules 'field: user_agent, pattern: evil, action: reject 488'
    ticks=$(used_ticks "$pid")
    use_intricate_rules >"$lab/reloaded" 2>&1 &
    client=$!
    until_true 10 "rules compile" has_used "$pid" $((ticks + 30))
    equal "$(phone register compiling --domain open.example --contact sip:compiling@198.18.0.2)" 200 "meanwhile"
    kill -TERM "$pid"
    start=${EPOCHREALTIME/[.,]/}
    equal "$(phone register stopping --domain open.example)" 200 "while it stops"
    wait "$pid" || rc=$?
    equal "$rc" 0 "exit status"
    ((${EPOCHREALTIME/[.,]/} - start < 4000000 * slower)) || fail "took longer than 4 s"
    if wait "$client"; then fail "the reload came to an end: $(cat "$lab/reloaded")"; fi
    equal "$(screening agent 198.18.0.2 evil)" 488 "the rules of before"
    prints 'sip:compiling@198.18.0.2' "$ctl" journal show "$lab/journal" compiling@open.example || fail "not on disk"
    use_shipped || true # writes the file; nobody is there to reload
    start control
    lab_wait
    equal "$(phone register 1203)" 200 "a subscriber, afterwards"
}

# Two sets that mean the same phone, each with another answer, put into force in turn. See screening.py.
case_reload_under_traffic()
{
    local storm i=0 served old new
    use_rules 'field: user_agent, pattern: old, action: reject 403'
    screening storm 4 >"$lab/storm" &
    storm=$!
    while process_alive "$storm"; do
        if ((i++ % 2)); then
            use_rules 'field: user_agent, pattern: old, action: reject 403'
        else
            use_rules 'field: from, pattern: nobody, action: drop' 'field: user_agent, pattern: new, action: reject 603'
        fi
    done
    wait "$storm"
    read -r served old new <"$lab/storm"
    echo "$i reloads; served $served, refused by the one $old, by the other $new"
    ((i > 10 && served > 100 && old > 10 && new > 10)) || fail "$i reloads: $(cat "$lab/storm")"
    equal "$(total screen_failed)" 0 "requests that could not be scanned"
}
