# SPDX-License-Identifier: BSD-3-Clause
# The cases of watcher.py (registration events, RFC 3680) against a lab of their own.

group_open()
{
    lab_watch=yes
    local lab_more_domains='  - {name: "*", auth: open}'
    local lab_limits='rates: count, reply_factor: 0' # contacts of a kilobyte, in an open domain
    lab_open &&
        sed -i -e 's/^registrar:$/&\n  reg_event: true\n  reg_event_interval_ms: 300\n  reg_event_min_expires: 2/' \
            -e 's/^  - name: example.com$/&\n    reg_event_watchers: [1999@example.com]/' \
            -e 's/^  - name: replace.example$/&\n    reg_event: false/' "$lab/bindery.yaml" &&
        lab_start && lab_subscribers
}

group_close()
{
    lab_watch_is_clean
}

mapfile -t extra_cases < <("$python" "$here/watcher.py" --list)

extra_case()
{
    BINDERYCTL="$ctl -s $lab/admin.sock" in_lab "$python" "$here/watcher.py" "$1"
}

case_a_restart_of_control_ends_subscriptions()
{
    BINDERYCTL="$ctl -s $lab/admin.sock" in_lab "$python" "$here/watcher.py" subscribe_only
    equal "$(json '["subscriptions"].__len__()' show subscriptions)" 1 "subscriptions"
    stop_process "$(pid_of control)"
    start control
    lab_wait
    equal "$(json '["subscriptions"].__len__()' show subscriptions)" 0 "subscriptions"
}
