# SPDX-License-Identifier: BSD-3-Clause
# Under attack: a thousand phones register and refresh by digest over a memif while floods of every kind come by
# the same wire, from one source and from a hundred thousand forged ones. Nothing here looks at how fast.
#
#   attack_minutes=M tests/e2e/run.sh --long attack     the endurance case, 30 minutes by default

phones=1000

# Phones refresh each five seconds.
group_open()
{
    local driver='driver: memif\n    memif_role: server\n    mac: "02:00:00:00:00:01"'
    local lab_limits='rates: enforce' port_driver=memif lab_max_expires=10
    lab_open memif &&
        sed -i -e "s|interface: sip0|interface: $lab/memif.sock|" -e "s|driver: memif|$driver|" \
            -e 's|198.18.0.1/24|198.18.0.1/15|' -e 's|^    min_expires: 60|    algorithms: [MD5]|' \
            -e 's|descriptors: 256|descriptors: 1024|' -e 's|default_expires: 3600|default_expires: 10|' "$lab/bindery.yaml" &&
        lab_watch=yes start control && lab_watch=yes start dataplane &&
        until_true 10 "control answers" control_answers && until_true 30 "dataplane serves" serves && provision
}

group_close()
{
    lab_watch_is_clean
}

serves()
{
    [[ $(json '["dataplane"]["serving"]' show info) == True ]]
}

provision()
{
    awk -v n="$phones" 'BEGIN { print "username,domain,password";
        for (i = 0; i < n; i++) printf "4930%08d,example.com,secret-%08d\n", i, i }' >"$lab/subscribers.csv"
    ask subscriber import "$lab/subscribers.csv"
}

# attack OPTION...: to $lab/attack, one figure a line. All phones were registered, or it fails.
attack()
{
    in_lab "$build/tests/bench/attack/bindery-attack" --socket "$lab/memif.sock" --phones "$phones" \
        --torture "$root/tests/corpus/torture" "$@" >"$lab/line" || { cat "$lab/line"; return 1; }
    tr ' ' '\n' <"$lab/line" >"$lab/attack"
}

seen()
{
    sed -n "s/^$1=//p" "$lab/attack"
}

ends()
{
    ask --json show stats | "$python" -c "
import json, sys
print(sum(row['total'] for row in json.load(sys.stdin)['verdicts']))"
}

# Of both processes, in KiB.
resident()
{
    cat "/proc/$(pid_of dataplane)/status" "/proc/$(pid_of control)/status" | awk '/^VmRSS/ { sum += $2 } END { print sum }'
}

bindings()
{
    json '["bindings"]' show info
}

# Whoever is in the table is one of the phones.
only_phones_are_in()
{
    ask --json show bindings all | "$python" -c "
import json, re, sys
text = sys.stdin.read()
strangers = set(re.findall(r'sip:([^@\"<>]+)@example\.com', text)) - {'4930%08d' % i for i in range($phones)}
sys.exit(f'strangers in the table: {strangers}' if strangers else 0)"
}

# Each frame has found its end: nothing waits for a verifier either.
all_have_ended()
{
    [[ $(total rx_frames) == "$(ends)" ]]
}

# The first flood fills what is filled once; then nothing grows, but for what a sanitizer keeps, and the room of
# requests that wait for a verifier: a page of it is taken when as many have waited, which is a matter of the machine.
memory_is_flat()
{
    [[ -z $sanitized ]] || return 0
    [[ -e $lab/resident ]] || resident >"$lab/resident"
    (($(resident) <= $(<"$lab/resident") + 8192)) || fail "memory grew from $(<"$lab/resident") to $(resident) KiB"
}

# flooded OPTION...: all phones are registered in spite of it, each frame came to one end, and no memory grew.
flooded()
{
    local frames
    frames=$(total rx_frames)
    attack "$@"
    echo "$(seen flood) frames; phones: $(seen first_percent) % answered at once, $(seen again) sent again, p99 $(($(seen p99_ns) / 1000)) us"
    until_true 5 "each frame has one end" all_have_ended
    equal "$(($(total rx_frames) - frames))" "$(($(seen flood) + $(seen sent) - $(seen lost)))" "frames received"
    equal "$(seen registered)" "$phones" "phones registered"
    equal "$(seen unanswered)" 0 "transactions of phones without an answer"
    equal "$(seen refusals)" 0 "phones refused with $(seen refusal_status)"
    only_phones_are_in
    (($(bindings) <= phones)) || fail "$(bindings) bindings"
    memory_is_flat
}

case_one_source_floods()
{
    local before
    before=$(total frame_limited)
    # For so long that its burst is spent, even slowly.
    flooded --seconds $((slower > 1 ? 10 : 2)) --rate $((200000 / slower)) --kind plain
    (($(total frame_limited) > before)) || fail "nothing was limited"
}

case_a_hundred_thousand_forged_sources_flood()
{
    flooded --seconds 2 --rate $((200000 / slower)) --sources 100000 --kind plain
}

case_forged_credentials_are_never_tried()
{
    local before tried
    before=$(total bad_nonce) tried=$(total verify_jobs)
    flooded --seconds 2 --rate $((50000 / slower)) --sources 100000 --kind forged
    (($(total bad_nonce) > before)) || fail "none was refused"
    (($(total verify_jobs) - tried <= $(seen transactions))) || fail "$(($(total verify_jobs) - tried)) were tried"
}

case_every_kind_of_rubbish()
{
    flooded --seconds 2 --rate $((50000 / slower)) --sources 100000 --kind mix
}

# One /64 is one source, from whatever hosts of it frames come; a hundred thousand of them are as many.
case_networks_of_ipv6_flood()
{
    local limited unheard
    limited=$(total frame_limited)
    flooded --seconds 1.5 --rate 200000 --kind ipv6
    (($(total frame_limited) > limited)) || fail "nothing was limited"
    limited=$(total frame_limited) unheard=$(total frame_unheard)
    flooded --head 1.5 --seconds 4 --rate 20000000 --sources 100000 --kind ipv6 --limit 30
    equal "$(total frame_limited)" "$limited" "limited, though each sends little"
    (($(total frame_unheard) > unheard)) || fail "strangers did not take turns"
}

# As fast as the wire takes it: phones that were there before it began stay, and what their wire loses they send again.
case_line_rate()
{
    local before
    before=$(total frame_unheard)
    flooded --head 1.5 --seconds 8 --rate 20000000 --sources 100000 --kind plain --limit 30
    (($(total frame_unheard) > before)) || fail "strangers did not take turns"
}

known_sources()
{
    ask --json show limits | "$python" -c "
import json, sys
print(next(row['used'] for row in json.load(sys.stdin)['limits'] if row['limit'] == 'known_sources'))"
}

# Control stopped, so all is on disk, the dataplane killed, the arena lost: whoever was registered is no stranger to
# their successors.
case_a_new_arena_knows_the_phones()
{
    local arena
    arena=$(json '["arena"]["path"]' show info)
    flooded --head 0.5 --seconds 1.5 --rate 100000 --sources 100000 --kind plain
    equal "$(known_sources)" "$phones" "sources known before"
    stop_process "$(pid_of control)"
    kill -KILL "$(pid_of dataplane)"
    until_true 5 "the dataplane is gone" process_gone "$(pid_of dataplane)"
    rm "$arena"
    lab_watch=yes start control && lab_watch=yes start dataplane
    until_true 10 "control answers" control_answers
    until_true 30 "dataplane serves" serves
    equal "$(known_sources)" "$phones" "sources known after"
    flooded --seconds 1.5 --rate 100000 --sources 100000 --kind plain
}

# --- half an hour ---------------------------------------------------------------------------------------

# Memory and files of both processes, and the records in use: "SECONDS RSS PSS FDS BINDINGS".
sample()
{
    local pids=("$(pid_of dataplane)" "$(pid_of control)") pss=0 fds=0 pid
    for pid in "${pids[@]}"; do
        ((pss += $(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup"))) || true
        ((fds += $(find "/proc/$pid/fd" -mindepth 1 | wc -l)))
    done
    echo "$SECONDS $(resident) $pss $fds $(bindings)"
}

# Each kind for ten seconds, from a hundred thousand sources, at what half of a 10 Gbit/s line carries. Samples lie
# in the folder that attack_samples names.
if [[ -n ${long:-} ]]; then
    case_endurance()
    {
        local minutes=${attack_minutes:-30} load samples=${attack_samples:-$lab}/attack-samples
        attack --rotate 10 --rate "${attack_rate:-900000}" --sources 100000 --seconds $((minutes * 60)) \
            --limit $((minutes * 60 + 100)) &
        load=$!
        SECONDS=0
        while process_alive "$load"; do
            sample >>"$samples"
            sleep $((minutes < 5 ? 2 : 10))
        done
        wait "$load"
        cat "$lab/line"
        equal "$(seen registered)" "$phones" "phones registered"
        until_true 5 "each frame has one end" all_have_ended
        only_phones_are_in
        # The second half against the middle: 1 MiB, no file, no binding more than there are phones.
        awk -v n="$phones" '{ rss[NR] = $2; pss[NR] = $3; fds[NR] = $4; if ($5 > n) many = $5 }
            END { half = int((NR + 1) / 2)
                printf "%d samples; RSS %d, %d, %d KiB; PSS %d, %d, %d KiB; files %d, %d, %d (begin, half, end)\n", NR,
                    rss[1], rss[half], rss[NR], pss[1], pss[half], pss[NR], fds[1], fds[half], fds[NR]
                exit !(rss[NR] <= rss[half] + 1024 && pss[NR] <= pss[half] + 1024 && fds[NR] <= fds[half] && !many) }' "$samples"
    }
fi
