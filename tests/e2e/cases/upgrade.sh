# SPDX-License-Identifier: BSD-3-Clause
# deploy/upgrade.sh, with hooks in the place of systemd: the same programs again, programs that do not serve, and
# programs that want another arena.

group_open()
{
    lab_open || return
    mkdir "$lab/bin" "$lab/new" "$lab/next"
    cp "${program[@]}" "$ctl" "$lab/bin"
    cp "${program[@]}" "$ctl" "$lab/new"
    local who
    for who in control dataplane; do cp "$build/tests/unit/control/next/next-$who" "$lab/next/bindery-$who"; done
    cp "$ctl" "$lab/next"
    program=([dataplane]=$lab/bin/bindery-dataplane [control]=$lab/bin/bindery-control)
    cat >"$lab/hooks" <<HOOKS
stop_process()
{
    local pid=\$(cat $lab/\$1.pid)
    kill -TERM "\$pid"
    while [[ \$(cut -d ' ' -f 3 /proc/\$pid/stat 2>/dev/null) == [!Z] ]]; do sleep 0.01; done
}

start_process()
{
    nsenter --net=/run/netns/$ns -- "$lab/bin/bindery-\$1" -c $lab/bindery.yaml </dev/null >>$lab/\$1.log 2>&1 &
    echo \$! >$lab/\$1.pid
}
HOOKS
    lab_start && lab_subscribers
}

upgrade()
{
    UPGRADE_WITHIN_S=${within_s:-10} "$root/deploy/upgrade.sh" --config "$lab/bindery.yaml" --socket "$lab/admin.sock" \
        --sbin "$lab/bin" --bin "$lab/bin" --hooks "$lab/hooks" "$@"
}

# AoR, Contact and CSeq of all bindings but those that the tests refresh meanwhile.
all_bindings()
{
    ask --json show bindings all | "$python" -c 'import json, sys
for b in sorted((b["aor"], b["contact"], b["cseq"]) for b in json.load(sys.stdin)["bindings"]): print(*b)' |
        grep -v -e ^gap -e ^1699@
}

some_bindings()
{
    local user
    for user in {1600..1609}; do phone register "$user" >/dev/null; done
    all_bindings
}

# Refreshes all the time while COMMAND runs; the longest gap is gap_ms then.
with_load()
{
    local rc=0 load
    rm -f "$lab/stop"
    in_lab "$python" "$here/gap.py" 2000 "$lab/stop" >"$lab/gap" &
    load=$!
    until_true 5 "phones are served" phone query gap1 --domain open.example
    "$@" || rc=$?
    until_true 5 "phones are served after it" phone register gap2 --domain open.example
    touch "$lab/stop"
    wait "$load"
    cat "$lab/gap"
    read -r _ gap_ms _ <"$lab/gap"
    return "$rc"
}

case_in_place_loses_nothing()
{
    local before pids try gaps=()
    before=$(some_bindings)
    pids="$(pid_of control) $(pid_of dataplane)"
    upgrade --check "$lab/new"
    equal "$(pid_of control) $(pid_of dataplane)" "$pids" "a check changes nothing"
    # A machine that stands still for a while makes one of them long, not all.
    for try in 1 2 3 4 5; do
        with_load upgrade "$lab/new"
        equal "$(all_bindings)" "$before" "bindings after upgrade $try"
        gaps+=("$gap_ms")
        ((gap_ms >= 1000)) || break
    done
    ((gap_ms < 1000)) || fail "no replies for ${gaps[*]} ms"
    [[ $(pid_of control) != "${pids% *}" && $(pid_of dataplane) != "${pids#* }" ]] || fail "a process is the same"
    until_true 5 "verification" phone register 1699
}

# bad FOLDER WHO: programs of which one passes the questions that are asked before, and does not serve.
bad()
{
    rm -rf "$lab/bad"
    cp -r "$lab/$1" "$lab/bad"
    printf '#!/bin/bash\n[[ $# == 2 ]] || exec %s "$@"\nexit 1\n' "$lab/$1/bindery-$2" >"$lab/bad/bindery-$2"
}

# taken_back FOLDER WHO TEXT
taken_back()
{
    local before out
    before=$(some_bindings)
    bad "$1" "$2"
    if out=$(within_s=3 upgrade "$lab/bad" 2>&1); then fail "it says it has worked: $out"; fi
    [[ $out == *"$3"* ]] || fail "says nothing of it: $out"
    lab_wait
    cmp "$lab/bin/bindery-$2" "$lab/new/bindery-$2"
    equal "$(all_bindings)" "$before" "bindings"
    until_true 5 "verification" phone register 1699
}

case_programs_that_do_not_serve_are_taken_back()
{
    taken_back new control 'the old one comes back'
    taken_back new dataplane 'the old one comes back'
}

case_programs_that_do_not_serve_are_taken_back_by_the_journal()
{
    taken_back next dataplane 'the old ones come back'
}

case_another_layout_is_told_before_anything_is_touched()
{
    local out rc=0 pids
    pids="$(pid_of control) $(pid_of dataplane)"
    out=$(upgrade --check "$lab/next" 2>&1) || rc=$?
    echo "$out"
    equal "$rc" 3 "exit status"
    [[ $out == *'has layout '*'this version uses 99'* ]] || fail "does not tell the layouts"
    equal "$(pid_of control) $(pid_of dataplane)" "$pids" "a check changes nothing"
    [[ $(phone register 1600) == 200 ]] || fail "served no more"
}

# There and back again, and to an arena of another size: no binding is lost on the way.
case_by_snapshot_loses_nothing()
{
    local before to max
    before=$(some_bindings)
    while read -r to max; do
        lab_bindings_max=$max lab_config >"$lab/bindery.yaml"
        with_load upgrade "$lab/$to"
        equal "$(all_bindings)" "$before" "bindings after $to"
        equal "$(json '["bindings_max"]' show info)" "$max" "bindings_max"
        equal "$(json '["draining"]' show info)" False "draining"
        until_true 5 "verification" phone register 1699
        equal "$(phone register newcomer --domain open.example)" 200 "a new one"
        before=$(all_bindings)
    done <<<$'next 20000\nnew 30000\nnew 20000'
}
