#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Inside a machine that has booted with both units: see run.sh. The last line is "N passed, M failed".
set -uo pipefail
passed=0 failed=0
phone=(sipsak -U -C sip:1000@198.18.0.2:5099 -s sip:1000@198.18.0.1 -u 1000 -a secret-1000 -x 600 -l 5099)

# until_true SECONDS WHAT COMMAND...
until_true()
{
    local seconds=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "not within $seconds s: $what"; return 1; }
        sleep 0.1
    done
}

both_are_active()
{
    systemctl --quiet is-active bindery-control && systemctl --quiet is-active bindery-dataplane
}

serving()
{
    [[ $(binderyctl show info | grep -c 'serving: yes') == 2 ]]
}

bound()
{
    binderyctl show bindings all | grep -q '^1000@example.com '
}

restarts()
{
    systemctl show --property NRestarts --value "$1"
}

started_again()
{
    (($(restarts "$1") > $2))
}

main_pid()
{
    systemctl show --property MainPID --value "$1"
}

# killed UNIT: it comes back by itself.
killed()
{
    local before
    before=$(restarts "$1")
    kill -KILL "$(main_pid "$1")"
    until_true 30 "$1 is started again" started_again "$1" "$before" || return
    until_true 60 "both serve again" serving && both_are_active && bound
}

# --- cases ----------------------------------------------------------------------------------------------

the_configuration_that_is_shipped_passes()
{
    bindery-control -t -c /usr/share/doc/bindery/configs/bindery.yaml
}

both_units_start()
{
    sed -e 's|"bindery-lab"|"bindery-systemd"|; s|/run/bindery-lab/|/var/lib/bindery/|; s|"../screening.yaml"|screening.yaml|' \
        /usr/share/doc/bindery/configs/examples/lab.yaml >/etc/bindery/bindery.yaml
    systemd-tmpfiles --create
    systemctl restart --no-block bindery-control bindery-dataplane
    until_true 90 "both are active" both_are_active && until_true 30 "both serve" serving
}

they_are_nobody()
{
    local unit
    for unit in bindery-control bindery-dataplane; do
        grep -q "^Uid:.$(id -u bindery).*$(id -u bindery)" "/proc/$(main_pid $unit)/status" || return
        grep -q '^CapEff:.0000000000000000' "/proc/$(main_pid $unit)/status" || return
    done
}

a_phone_registers()
{
    # The kernel sends what it would leave to a card: checksums.
    ip addr replace 198.18.0.2/24 dev lab0 && ip link set lab0 up
    echo secret-1000 | binderyctl subscriber add 1000@example.com - &&
        until_true 20 "a phone registers" "${phone[@]}" && bound
}

control_reloads()
{
    systemctl reload bindery-control && both_are_active && serving
}

each_comes_back_when_killed()
{
    killed bindery-dataplane && killed bindery-control
}

told_since()
{
    (($(systemctl show --property WatchdogTimestampMonotonic --value "$1") > $2))
}

the_watchdog_is_content()
{
    local unit now_us
    for unit in bindery-control bindery-dataplane; do
        now_us=$(awk '{ printf "%d", $1 * 1000000 }' /proc/uptime)
        until_true 30 "$unit tells the watchdog" told_since $unit "$now_us" || return
    done
    both_are_active
}

a_process_that_hangs_is_started_again()
{
    local before
    before=$(restarts bindery-control)
    kill -STOP "$(main_pid bindery-control)"
    until_true 60 "the watchdog notices" started_again bindery-control "$before"
    until_true 60 "both serve again" serving && bound
}

an_upgrade_loses_nothing()
{
    mkdir -p /root/new && cp /usr/sbin/bindery-{control,dataplane} /usr/bin/binderyctl /root/new/ &&
        /usr/lib/bindery/upgrade.sh /root/new && both_are_active && bound
}

both_stop_in_good_order()
{
    local unit
    systemctl stop bindery-control bindery-dataplane
    for unit in bindery-control bindery-dataplane; do
        [[ $(systemctl show --property Result --value $unit) == success ]] || return
    done
}

bindings_outlive_a_stop()
{
    systemctl start --no-block bindery-control bindery-dataplane
    until_true 90 "both serve" serving && bound
}

for name in the_configuration_that_is_shipped_passes both_units_start they_are_nobody a_phone_registers control_reloads \
    each_comes_back_when_killed the_watchdog_is_content a_process_that_hangs_is_started_again an_upgrade_loses_nothing \
    both_stop_in_good_order bindings_outlive_a_stop; do
    if $name; then
        echo "ok    systemd/$name"
        passed=$((passed + 1))
    else
        echo "FAIL  systemd/$name"
        journalctl --boot --unit bindery-control --unit bindery-dataplane --lines 15 --no-pager --output cat
        failed=$((failed + 1))
    fi
done
systemd-analyze security --no-pager bindery-control bindery-dataplane | grep Overall
echo "$passed passed, $failed failed"
((failed == 0))
