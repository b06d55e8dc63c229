# SPDX-License-Identifier: BSD-3-Clause
# More requests than can be served: who is shed, what they are told, and the way back.

group_open()
{
    lab_open
    sed -i -e 's/^registrar:/&\n  overload_target_us: 50000\n  verdict_timeout_ms: 30000\n  reg_event: true/' \
        -e 's/^  - name: example.com$/&\n    redirect: true/' "$lab/bindery.yaml"
    sed -i 's|^limits: {|&never_ban: [198.18.0.3/32], |' "$lab/bindery.yaml"
    lab_watch=yes
    lab_start && lab_subscribers
}

group_close()
{
    lab_watch_is_clean
}

metric()
{
    grep -q "^$1$" <<<"$(ask show metrics)"
}

verifier_thread()
{
    local task
    for task in "/proc/$(pid_of control)/task"/*; do
        [[ $(<"$task/comm") != verifier-0* ]] || echo "${task##*/}"
    done
}

case_classes_are_shed_in_order_and_all_recovers()
{
    metric 'bindery_alarm{name="overload"} 0' || fail "an alarm before"
    in_lab "$python" "$here/overload.py" "$build/tests/unit/control/stop_thread" "$(verifier_thread)" "$ctl" "$lab/admin.sock"
    metric 'bindery_alarm{name="overload"} 1' || fail "no alarm"
    grep -q 'alarm overload: requests draw 503' "$lab/control.log"
    until_true 5 "the alarm ends" metric 'bindery_alarm{name="overload"} 0'
    metric 'bindery_overload_shed_ratio{worker="0",need="verifier",class="unknown"} 0.000000'
    prints 'shed_refresh' ask show stats
}
