# SPDX-License-Identifier: BSD-3-Clause
# Bindings on disk: what a machine that lost its memory finds again, and what a bad disk costs. A power cut
# is both processes killed and the arena's file removed. (What the disk itself may lose then:
# tests/unit/journal.)

# A disk of 2 MiB for the journal, that can be filled, taken away and made read-only.
group_open()
{
    lab_open
    mkdir "$lab/disk"
    mount -t tmpfs -o size=2m tmpfs "$lab/disk"
    new_journal async
    lab_start
    lab_subscribers
    until_true 10 "the first snapshot" snapshot_is_complete
}

group_close()
{
    stop_both TERM
    umount -l "$lab/disk"
}

# new_journal DURABILITY
new_journal()
{
    lab_durability=$1 lab_config | sed "s|directory: $lab/journal|directory: $lab/disk/journal|" >"$lab/bindery.yaml"
}

stop_both()
{
    local who
    for who in control dataplane; do kill -"$1" "$(pid_of "$who")"; done
    for who in control dataplane; do until_true 8 "$who is gone" process_gone "$(pid_of "$who")"; done
}

power_cut()
{
    stop_both KILL
    rm -f "/dev/hugepages/$ns" "/dev/shm/$ns"
}

snapshot_is_complete()
{
    [[ $(json '["snapshot"]["complete"]' show info) == True ]]
}

journal_is()
{
    [[ $(json '["journal"]["state"]' show info) == "$1" ]]
}

on_disk()
{
    "$ctl" journal show "$lab/disk/journal" "$1@example.com"
}

alarm_is()
{
    prints "^bindery_alarm{name=\"journal\"} $1\$" ask show metrics
}

# What the last page of the journal still has room for is taken by bindings, the last of them 1199's.
fill_disk()
{
    local user
    dd if=/dev/zero of="$lab/disk/ballast" bs=4k status=none || true
    for user in {1100..1199}; do
        PHONE_TIMEOUT_S=0.3 phone register "$user" >/dev/null || true
        journal_is failing && break
    done
    PHONE_TIMEOUT_S=0.3 phone register 1199 >/dev/null || true
    until_true 5 "it is noticed" journal_is failing
}

# AoR, Contact, CSeq of all bindings, one a line.
all_bindings()
{
    ask --json show bindings all | "$python" -c 'import json, sys
for b in sorted((b["aor"], b["contact"], b["cseq"]) for b in json.load(sys.stdin)["bindings"]): print(*b)'
}

comes_back()
{
    lab_start
    until_true 10 "the first snapshot" snapshot_is_complete
}

case_a_power_cut_costs_no_binding()
{
    local before
    for user in {1000..1019}; do phone register "$user" >/dev/null; done
    phone register 1003 --expires 0 >/dev/null
    until_true 5 "on disk" on_disk 1019
    before=$(all_bindings)
    (($(wc -l <<<"$before") >= 19)) || fail "bindings: $before"
    ask snapshot # all of them are on disk when it answers
    power_cut
    comes_back
    equal "$(all_bindings)" "$before" "bindings"
    equal "$(phone register 1003)" 200 "register"
    equal "$(json '["journal"]["load_problems"]' show info)" 0 "problems"
}

case_an_end_in_order_costs_no_binding()
{
    local before
    phone register 1030 >/dev/null
    phone register 1031 >/dev/null
    phone register 1031 --expires 0 >/dev/null
    before=$(all_bindings)
    kill -TERM "$(pid_of dataplane)"
    until_true 5 "dataplane is gone" process_gone "$(pid_of dataplane)"
    kill -TERM "$(pid_of control)" # its last sweep has what came to the dataplane's end
    until_true 5 "control is gone" process_gone "$(pid_of control)"
    rm -f "/dev/hugepages/$ns" "/dev/shm/$ns"
    comes_back
    equal "$(all_bindings)" "$before" "bindings"
}

case_a_killed_control_goes_on()
{
    kill -KILL "$(pid_of control)"
    until_true 5 "control is gone" process_gone "$(pid_of control)"
    equal "$(phone register nobody --domain open.example)" 200 "register"
    start control
    lab_wait
    until_true 5 "on disk" "$ctl" journal show "$lab/disk/journal" nobody@open.example
    equal "$(json '["snapshot"]["number"]' show info)" 0 "snapshots of the new process"
}

case_a_damaged_file_is_told_and_kept()
{
    local file
    phone register 1040 >/dev/null
    until_true 5 "on disk" on_disk 1040
    file=$(find "$lab/disk/journal" -name 'journal-*' ! -name '*.bad-*' | sort -V | tail -n 1)
    stop_both TERM
    rm -f "/dev/hugepages/$ns" "/dev/shm/$ns"
    printf 'x' | dd of="$file" bs=1 seek=8230 conv=notrunc status=none
    "$ctl" journal show "$file" && fail "no damage was seen"
    comes_back
    equal "$(json '["journal"]["load_problems"]' show info)" 1 "problems"
    compgen -G "$lab/disk/journal/*.bad-*" >/dev/null || fail "no file kept aside"
    grep -q 'byte 8192' "$lab/dataplane.log" || fail "no place in the log"
    rm -f "$lab"/disk/journal/*.bad-*
    phone register 1040 >/dev/null
}

case_a_full_disk_is_an_alarm_and_no_more()
{
    trap 'rm -f "$lab/disk/ballast"' RETURN
    fill_disk
    prints 'No space left on device' ask show info || fail "no reason in show info"
    alarm_is 1
    ask snapshot && fail "a snapshot on a full disk"
    equal "$(phone register 1051)" 200 "registration goes on"
    rm "$lab/disk/ballast"
    until_true 5 "writing again" journal_is writing
    until_true 5 "on disk" on_disk 1199
    until_true 5 "on disk" on_disk 1051
    until_true 20 "the alarm ends" alarm_is 0 # a snapshot that failed is tried again after 10 s
}

case_snapshots_on_command()
{
    local text
    text=$(ask snapshot)
    [[ $text == "$lab/disk/journal/snapshot-"*" bindings of "* ]] || fail "answer: $text"
    prints ' put [1-9]' "$ctl" journal show "${text%%:*}" || fail "nothing in it"
    "$ctl" journal show "$lab/disk/journal"
}

case_sync_tells_only_what_is_on_disk()
{
    local user
    stop_both TERM
    new_journal sync
    comes_back
    until_true 5 "writing" journal_is writing
    for user in {1060..1064}; do
        equal "$(phone register "$user")" 200 "register"
        on_disk "$user" >/dev/null || fail "$user was told before it was on disk"
    done
    fill_disk
    until_true 5 "503" refuses_1065
    rm "$lab/disk/ballast"
    until_true 10 "200 again" registers_1065
    on_disk 1065 >/dev/null || fail "1065 was told before it was on disk"
}

refuses_1065()
{
    [[ $(phone register 1065) == 503 ]]
}

registers_1065()
{
    phone register 1065
}
