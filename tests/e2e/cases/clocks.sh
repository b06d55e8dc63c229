# SPDX-License-Identifier: BSD-3-Clause
# The cases of clocks.py: the wall clock steps by an hour or a day while both processes serve.

group_open()
{
    lab_open || return
    head -c 8 /dev/zero >"$lab/shift"
    lab_environment=("LD_PRELOAD=$build/tests/unit/control/wall_shift.so" "WALL_SHIFT=$lab/shift")
    sed -i -e 's/^registrar:$/&\n  reg_event: true\n  reg_event_interval_ms: 300/' "$lab/bindery.yaml"
    lab_start && lab_subscribers
}

mapfile -t extra_cases < <("$python" "$here/clocks.py" --list)

extra_case()
{
    BINDERYCTL="$ctl -s $lab/admin.sock" WALL_SHIFT=$lab/shift in_lab "$python" "$here/clocks.py" "$1"
}

# A new control process takes its replay window from a clock that is a day ahead, and then it is set back.
case_control_starts_while_the_clock_is_ahead()
{
    "$python" -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("=q", 86400))' "$lab/shift"
    stop_process "$(pid_of control)"
    start control
    lab_wait
    until_true 5 "verification" phone register 1401
    head -c 8 /dev/zero | dd of="$lab/shift" conv=notrunc status=none
    until_true 5 "verification after it was set back" phone register 1402
    equal "$(phone register 1401)" 200 "the one that came before"
}
