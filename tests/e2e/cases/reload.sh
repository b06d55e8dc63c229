# SPDX-License-Identifier: BSD-3-Clause
# Reload under load: no reply is lost, and each is by one configuration or the other, whole (steady.py).

# variant A|B MAX_EXPIRES ALIASES PREFIXES ALGORITHM
variant()
{
    local lab_more_domains="
  - {name: policy.example, auth: open, max_expires: $2, service_route: [\"sip:${1,,}.example;lr\"]}
  - {name: named.example, auth: open, aliases: [$3]}
  - {name: prefix.example, auth: trusted, trusted_prefixes: [$4]}
  - {name: challenge.example, algorithms: [$5]}"
    lab_config | sed -e "s/^registrar:$/&\n  server_header: $1/" >"$lab/$1.yaml"
}

group_open()
{
    lab_open || return
    variant A 5000 unused.example 198.18.0.99/32 MD5
    variant B 7000 alias.example '198.18.0.99/32, 198.18.0.3/32' SHA-256
    cp "$lab/A.yaml" "$lab/bindery.yaml"
    lab_start && lab_subscribers && ask subscriber add 2100@prefix.example ''
}

# use A|B: a file is whole before it has the name.
use()
{
    cp "$lab/$1.yaml" "$lab/next.yaml"
    mv "$lab/next.yaml" "$lab/bindery.yaml"
    until_true 5 "reload" ask reload # one may be under way
}

case_reload_under_load_is_whole()
{
    local rounds=30 round
    PYTHONPATH=$here in_lab "$python" "$here/steady.py" 60 "$lab/stop" >"$lab/steady" 2>&1 &
    trap "touch $lab/stop; kill $! 2>/dev/null || true" EXIT
    for ((round = 0; round < rounds; round++)); do
        use B
        ask subscriber set 1500@example.com secret-1500 >/dev/null || true # a reload may be reading
        use A
        kill -HUP "$(pid_of control)"
    done
    touch "$lab/stop"
    wait $! || { cat "$lab/steady"; fail "steady.py failed"; }
    cat "$lab/steady"
}
