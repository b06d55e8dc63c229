# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Files that are cut, flipped, lost or old: what is whole is loaded, what is not is told with its place, and the bad
# file is kept aside.

# damage CUT|FLIP FILE BYTE
damage()
{
    "$python" - "$@" <<'PYTHON'
import sys
what, name, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(name, "r+b") as file:
    if what == "cut":
        file.truncate(at)
    else:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1 << at % 8]))
PYTHON
}

newest()
{
    ls "$lab/journal" | grep -E "^$1-[0-9]+$" | sort -t- -k2n | tail -n 1
}

# before_damage: whole files at rest, and both processes gone. A snapshot and a journal with records behind it.
before_damage()
{
    timeout 20 "$ctl" -s "$lab/admin.sock" snapshot >/dev/null && served 300 && crowd rest && settled || return 1
    verdict now now || return 1
    rows_before=$there
    kill_now dataplane control
    remove_arena
    rm -f "$lab"/journal/*.bad-*
    rm -rf "$lab/whole" && cp -a "$lab/journal" "$lab/whole"
    dataplane_lines=$(wc -l <"$lab/dataplane.log")
}

told()
{
    tail -n "+$((dataplane_lines + 1))" "$lab/dataplane.log" | grep -q "$@"
}

# loads LEAST: it starts; whatever is there was so at some moment, and at least LEAST bindings are.
loads()
{
    disk_adopt
    start control
    start dataplane
    lab_wait && verdict_real || return 1
    ((there >= $1)) || fail "$there of $rows_before bindings are there, wanted $1"
}

# Until a snapshot replaced it, and then by its second name.
kept_aside()
{
    local file
    for file in "$lab"/journal/"$1".bad-*; do
        [[ -e $file ]] || fail "$1 is not kept" || return 1
        cmp "$file" "$lab/damaged" || return 1
    done
}

goes_on_after_damage()
{
    crowd resume && served 200 && crowd rest && settled && power_cut && power_back now
}

# one_damage cut|flip journal|snapshot: at a random byte. A hole costs at most what is behind it.
one_damage()
{
    local file size at least=1
    before_damage || return 1
    file=$(newest "$2") size=0
    size=$(stat -c %s "$lab/journal/$file")
    at=$((((RANDOM << 15) + RANDOM) % size))
    damage "$1" "$lab/journal/$file" "$at"
    cp "$lab/journal/$file" "$lab/damaged"
    [[ $1 != flip ]] || least=$((rows_before * 9 / 10))
    loads "$least" || fail "$1 $file at $at of $size" || return 1
    if [[ $1 == flip || $2 == snapshot ]]; then
        told "$file" || fail "$1 $file at $at of $size: not told" || return 1
        kept_aside "$file" || fail "$1 $file at $at of $size" || return 1
    fi
    goes_on_after_damage
}

each_damage()
{
    local round what file
    for ((round = 0; round < damages; round++)); do
        for what in cut flip; do
            for file in journal snapshot; do one_damage $what $file || return 1; done
        done
    done
}

# Without its snapshot a journal gives what changed since; that something is missing is told.
lost_snapshot()
{
    before_damage || return 1
    rm "$lab/journal/$(newest snapshot)"
    loads 1 && told 'damaged places' && goes_on_after_damage
}

# A journal in the middle is gone: its successor names it.
lost_journal()
{
    local first
    before_damage || return 1
    # One more journal, by a start that ends before its snapshot replaces the first.
    rules control "rename 1 - EIO"
    start control
    start dataplane
    lab_wait && crowd resume && served 200 && crowd rest || return 1
    settle_from=${EPOCHREALTIME/[.,]/}
    until_true 20 "the journal has it" settled_since_any || return 1
    kill_now dataplane control
    rules control
    remove_arena
    show_names=$(ls "$lab/journal")
    first=$(ls "$lab/journal" | grep -E '^journal-[0-9]+$' | sort -t- -k2n | head -n 1)
    rm "$lab/journal/$first"
    dataplane_lines=$(wc -l <"$lab/dataplane.log")
    loads 1 && told 'a file before it is missing' && goes_on_after_damage
}

settled_since_any()
{
    local lag now=${EPOCHREALTIME/[.,]/}
    lag=$(json '["journal"]["lag_ms"]' show info)
    (((now - settle_from) / 1000 > lag))
}

# A directory as a restored backup has it: a snapshot that its successors do not go on from.
old_snapshot()
{
    local old
    before_damage || return 1
    old=$(newest snapshot)
    cp "$lab/journal/$old" "$lab/old"
    start control
    start dataplane
    lab_wait && crowd resume && served 300 && before_damage || return 1
    rm "$lab/journal/$(newest snapshot)"
    cp "$lab/old" "$lab/journal/$old"
    loads 1 && told 'a file before it is missing' && goes_on_after_damage
}

# One file under the name of another is somebody's mistake, and which was meant nobody knows: refused, with the remedy.
renamed_snapshot()
{
    local name
    before_damage || return 1
    name=$(newest snapshot)
    mv "$lab/journal/$name" "$lab/journal/snapshot-$((${name#snapshot-} + 1))"
    start control
    start dataplane
    until_true 20 "the dataplane refuses to start" dataplane_died || return 1
    told 'was made as snapshot .*; rename it' || return 1
    kill_now control
    remove_arena
    rm -rf "$lab"/journal/*
    cp -a "$lab"/whole/* "$lab/journal"
    disk_adopt
    start control
    start dataplane
    lab_wait && verdict now now && crowd resume && served
}

part_damage()
{
    local lab_durability=async rows_before dataplane_lines
    cases damage crash_open each_damage lost_snapshot lost_journal old_snapshot renamed_snapshot all_kept serves_on
}
