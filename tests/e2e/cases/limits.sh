# SPDX-License-Identifier: BSD-3-Clause
# Limits on the wire: guessers, sprayers, floods and broken phones, by clients that nobody here wrote (sipp,
# sipsak) and by phones that count (limits.py); and who goes on meanwhile.

group_open()
{
    lab_watch=yes
    local lab_limits='rates: enforce'
    lab_open
    lab_start
    lab_subscribers
}

group_close()
{
    lab_watch_is_clean
}

# Section limits anew, and nobody banned.
limit()
{
    sed -i "s|^limits: .*|limits: {$1}|" "$lab/bindery.yaml"
    ask reload
    ask unban all
}

limits()
{
    in_lab "$python" "$here/limits.py" "$@"
}

# Of a verdict or counter, by `show limits`.
counted()
{
    json '' show limits | "$python" -c "
import ast, sys
print(next(row['total'] for row in ast.literal_eval(sys.stdin.read())['counters'] if row['counted'] == sys.argv[1]))" "$1"
}

# sipp_wrong SOURCE CALLS FIRST LAST: wrong passwords for these users in turn, until it has its calls, or no answer.
sipp_wrong()
{
    {
        echo SEQUENTIAL
        for ((i = $3; i <= $4; i++)); do echo "$i;[authentication username=$i password=guess]"; done
    } >"$lab/guesses.csv"
    (cd "$lab" && in_lab sipp 198.18.0.1 -i "$1" -sf "$here/sipp/wrong-password.xml" -inf guesses.csv -m "$2" \
        -l 1 -r 100 -nostdin -timeout 2s -timeout_error) || true
}

case_sipp_guesses_one_password()
{
    limit 'failed_per_source: 10'
    sipp_wrong 198.18.0.3 60 1300 1300
    [[ $(json "['bans']" show limits) == *"198.18.0.3/32"*"wrong passwords"* ]] || fail "not banned"
    [[ $(json "['limited_aors']" show limits) == *"1300@example.com"* ]] || fail "not named"
    (($(counted auth_slowed) > 0 && $(counted frame_banned) > 0)) || fail "not counted"
    equal "$(limits register 1300 198.18.0.2)" 200 "the phone itself, elsewhere"
}

case_sipp_sprays_many_users()
{
    limit 'failed_per_source: 10'
    local before
    before=$(counted auth_failed)
    sipp_wrong 198.18.0.3 200 1400 1599
    [[ $(json "['bans']" show limits) == *"198.18.0.3/32"*"wrong passwords"* ]] || fail "not banned"
    (($(counted auth_failed) - before < 40)) || fail "$(($(counted auth_failed) - before)) passwords were tried"
    equal "$(limits register 1500 198.18.0.2)" 200 "a user of the list"
}

# From two places; where it is registered, and from a third one with the right password, a phone goes on.
case_a_guessed_at_phone_goes_on()
{
    limit 'failed_per_source: 0, failed_per_aor: 5'
    equal "$(limits register 1600 198.18.0.2)" 200 "registered"
    local seen
    seen=$(limits guess 1600 198.18.0.3 50)
    [[ $seen == "401:"?" 503:"* ]] || fail "guesses drew $seen"
    equal "$(limits register 1600 198.18.0.2)" 200 "again, from there"
    equal "$(limits register 1600 2001:db8::2)" 200 "from elsewhere"
    equal "$(limits register 1601 198.18.0.3)" 200 "another user from where the guesses came"
}

case_sipsak_floods()
{
    limit 'source_rate: 50, source_burst: 100'
    local before flood fire
    before=$(counted frame_limited)
    limits under-fire 198.18.0.3 1.5 >"$lab/fire" &
    fire=$!
    in_lab timeout 1.5 sipsak -F -e 100000 -s sip:198.18.0.1 >"$lab/flood" 2>&1 || true
    wait "$fire"
    flood=$(($(counted frame_limited) - before))
    read -r served _ tried <"$lab/fire"
    echo "$flood datagrams dropped; $served of $tried registrations"
    ((flood > 100)) || fail "only $flood were dropped: $(cat "$lab/flood")"
    # The other source has its own bucket: 100, and 50 a second.
    ((served >= 50)) || fail "served $served of $tried"
    [[ $(json "['limited_sources'][0]['limited_source']" show limits) == 198.18.0.2/32 ]] || fail "not the heaviest"
}

case_a_broken_phone_hammers()
{
    limit 'aor_rate: 1, aor_burst: 5'
    local seen served begun=$SECONDS
    seen=$(limits hammer 198.18.0.2 100)
    served=${seen#200:} served=${served%% *}
    # Five, as many as it is registered from there, and one more of each a second.
    ((served >= 10 && served <= 12 + 2 * (SECONDS - begun))) && [[ $seen == *" 503:"* ]] || fail "drew $seen"
    limit 'aor_rate: 1, aor_burst: 5, aor_answer: drop'
    equal "$(counted limit_drop)" 0 "silent so far"
    until_true 20 "silence" hammered_in_vain
}

hammered_in_vain()
{
    limits hammer 198.18.0.2 1
    (($(counted limit_drop) > 0))
}

# A thousand phones behind one address, with the limits as they come.
case_an_office_registers()
{
    limit 'rates: enforce'
    {
        echo SEQUENTIAL
        for i in {1000..1999}; do echo "$i;[authentication username=$i password=secret-$i]"; done
    } >"$lab/office.csv"
    (cd "$lab" && in_lab sipp 198.18.0.1 -i 198.18.0.2 -sf "$here/sipp/register.xml" -inf office.csv -m 1000 \
        -r $((1000 / slower)) -l 1000 -nostdin -timeout $((10 * slower))s -timeout_error)
}

case_lists()
{
    local out
    echo '198.18.0.3 # the neighbour' >"$lab/deny.txt"
    limit 'deny_file: deny.txt, deny: ["2001:db8::/32"], allow: ["2001:db8::2"], source_rate: 1, source_burst: 1'
    equal "$(PHONE_TIMEOUT_S=0.5 limits register 1000 198.18.0.3)" 0 "denied"
    (($(counted frame_denied) > 0)) || fail "not counted"
    equal "$(limits register 1000 2001:db8::2)" 200 "allowed by the longer prefix, without a rate"
    echo '198.18.0.300' >>"$lab/deny.txt"
    if out=$(ask reload 2>&1); then fail "taken: $out"; fi
    [[ $out == *"deny.txt:2:1 limits.deny_file: must be ADDRESS"* ]] || fail "says: $out"
    limit 'rates: enforce'
    equal "$(limits register 1000 198.18.0.3)" 200 "no longer denied"
}

# Whoever sends from an address of his own may not have others answered, unless the configuration knows him.
case_maddr_is_for_neighbours()
{
    limit 'rates: enforce'
    equal "$(limits maddr 198.18.0.2 198.18.0.3)" 198.18.0.2 "anybody's"
    limit 'never_ban: [198.18.0.2/32]'
    equal "$(limits maddr 198.18.0.2 198.18.0.3)" 198.18.0.3 "a neighbour's"
    equal "$(limits maddr 198.18.0.3 198.18.0.2)" 198.18.0.3 "another's"
    limit 'follow_maddr: true'
    equal "$(limits maddr 198.18.0.3 198.18.0.2)" 198.18.0.2 "anybody's, when allowed"
}

case_only_counted()
{
    limit 'rates: count, bans: count, failed_per_source: 5, source_rate: 10, source_burst: 10'
    equal "$(limits guess 1700 198.18.0.3 60)" "401:60" "all are answered"
    (($(counted auth_slowed_passed) > 20 && $(counted banned_passed) > 0 && $(counted limited_passed) > 0)) ||
        fail "not counted: $(json "['counters']" show limits)"
    equal "$(json "['enforcement']['rates']" show limits)" count "as shown"
}
