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

# The total of a verdict or counter.
total()
{
    ask --json show stats | "$python" -c "
import json, sys
stats = json.load(sys.stdin)
print(sum(row['total'] for row in stats['verdicts'] + stats['counters'] if sys.argv[1] in row.values()))" "$1"
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

only_phones_are_in()
{
    local strangers
    strangers=$(ask show bindings --limit 100000 2>/dev/null | grep '@' | grep -vc '49300000[0-9]\{4\}@example\.com') || true
    equal "${strangers:-0}" 0 "strangers in the table"
}
