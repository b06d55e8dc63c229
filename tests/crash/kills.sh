# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# SIGKILL to each process, at random moments and at named points. The arena stays, so nothing may be missing.

declare -A kills
restart_ms=()

kill_one()
{
    kill_now "$1" || return 1
    kills[$1]=$((kills[$1] + 1))
}

# Kills, lets a moment pass in which requests meet the gap, starts again.
kill_and_restart()
{
    local who began
    for who in "$@"; do kill_one "$who"; done
    nap_ms $((RANDOM % 150))
    began=${EPOCHREALTIME/[.,]/}
    for who in "$@"; do start "$who"; done
    if ((RANDOM % 5 == 0)); then
        nap_ms $((RANDOM % 400))
        for who in "$@"; do
            kill_one "$who"
            start "$who"
        done
    fi
    lab_wait || return 1
    restart_ms+=($(((${EPOCHREALTIME/[.,]/} - began) / 1000)))
    served || return 1
    nap_ms $((RANDOM % 500))
}

next_victims()
{
    if ((RANDOM % 10 == 0)); then
        echo dataplane control
    elif ((kills[dataplane] >= kills_each)); then
        echo control
    elif ((kills[control] >= kills_each || RANDOM % 2)); then
        echo dataplane
    else
        echo control
    fi
}

random_kills()
{
    while ((kills[dataplane] < kills_each || kills[control] < kills_each)); do
        kill_and_restart $(next_victims) || return 1
    done
}

# A judge that never complains would pass everything: one binding less, one more, one that is older. The one less is
# not one that ends soon: of those some phones ask for, and they may go.
judge_is_strict()
{
    local what
    for what in 'rows.remove(max(rows, key=lambda row: row["expires_s"]))' \
        'rows.append({**rows[0], "contact": "sip:nobody@198.18.0.9"})' \
        'rows[0]["cseq"] -= 1' 'rows[0]["expires_s"] += 3600'; do
        "$python" - "$lab/bindings.json" >"$lab/wrong.json" <<PYTHON || return 1
import json, sys
document = json.load(open(sys.argv[1]))
rows = document["bindings"]
$what
json.dump(document, sys.stdout)
PYTHON
        crowd try "$lab/wrong.json" now now || return 1
        [[ ${answer##* } == 1 ]] || fail "not one broken promise after $what: $answer" || return 1
    done
    : >"$lab/oracle.log"
}

# A figure to read, no judgement: the machine is shared.
print_restarts()
{
    local sorted
    echo "killed: dataplane ${kills[dataplane]} times, control ${kills[control]} times"
    mapfile -t sorted < <(printf '%s\n' "${restart_ms[@]}" | sort -n)
    ((${#sorted[@]})) || return 0
    echo "restart until served: median ${sorted[${#sorted[@]} / 2]} ms, worst ${sorted[-1]} ms"
}

part_kills()
{
    kills=([dataplane]=0 [control]=0)
    cases kills crash_open random_kills print_restarts all_kept judge_is_strict no_record_leaked on_disk_too serves_on
}

# --- named points ----------------------------------------------------------------------------------------

points_build=${BUILD_POINTS:-$root/build-points}

points_built()
{
    [[ -e $points_build/build.ninja ]] || meson setup "$points_build" "$root" -Dkill_points=true -Dlto=false || return 1
    ninja -C "$points_build" dataplane/bindery-dataplane control/bindery-control
}

# Each point that the code has.
code_points()
{
    grep -rhoE 'BD_RACE_POINT\("[^"]+"\)' "$root"/{dataplane,control,setup} | cut -d'"' -f2 | sort -u
}

either_died()
{
    process_gone "$(pid_of dataplane)" || process_gone "$(pid_of control)"
}

start_the_dead()
{
    local who
    for who in control dataplane; do process_alive "$(pid_of "$who")" || start "$who"; done
    lab_wait && served
}

# dies_at POINT:N PROCESS: it starts anew and dies at that passing. False: the point was not passed in time.
dies_at()
{
    local -n environment_of=lab_env_$2
    kill_now "$2"
    environment_of+=("BD_KILL_POINT=$1")
    start "$2"
    unset 'environment_of[-1]'
    (until_true "$point_wait_s" "$1" either_died) 2>/dev/null || return 1
    points_hit[${1%:*}]=yes points_killed=$((points_killed + 1))
}

# A successor that meets what the dead one has left half done dies as well, now and then.
at_point()
{
    if dies_at "$1:$((1 + RANDOM % 5))" "$2" && [[ $2 == dataplane ]]; then
        dies_at "rebuild: intent marked:1" dataplane || dies_at "rebuild: slot dropped:1" dataplane
    fi
    start_the_dead
}

each_code_point()
{
    local point round
    for ((round = 0; round < point_rounds; round++)); do
        while read -r point <&3; do
            case $point in
            rebuild:* | restore:*) ;;
            sweep:* | settle:*) at_point "$point" control || return 1 ;;
            *) at_point "$point" dataplane || return 1 ;;
            esac
        done 3< <(code_points)
    done
}

# Those that are passed all the time must have killed; the rest depends on what meets whom.
points_were_hit()
{
    local point
    for point in "insert: record written" "replace: record written" "insert: claimed" "refresh: state changed" \
        "sweep: noted" "settle: cleared"; do
        [[ ${points_hit[$point]:-} ]] || fail "never killed at '$point'" || return 1
    done
}

# After a power cut; the third start finds an arena that two others have filled in part.
killed_while_loading()
{
    settled && power_cut || return 1
    start control
    dies_at "restore: put:$((1 + RANDOM % 200))" dataplane || return 1
    dies_at "restore: loaded:1" dataplane || return 1
    start dataplane
    lab_wait && verdict now now && crowd resume && served
}

control_died()
{
    process_gone "$(pid_of control)"
}

# at_call OPERATION N kill|after: control dies at that call, in the midst of a snapshot.
at_call()
{
    rules control "$1 $2 $2 $3"
    timeout 20 "$ctl" -s "$lab/admin.sock" snapshot >/dev/null 2>&1 &
    until_true 20 "control dies: $*" control_died || return 1
    rules control
    start_the_dead
}

# Between append and fsync, around each rename and removal, and with each file of a snapshot half made.
each_disk_point()
{
    local round n what
    for ((round = 0; round < point_rounds; round++)); do
        for what in kill after; do
            at_call rename 1 $what && at_call syncdir $((1 + RANDOM % 2)) $what && at_call open $((1 + RANDOM % 3)) $what &&
                at_call unlink 1 $what || return 1
            for n in 1 2 $((3 + RANDOM % 6)); do
                at_call sync $n $what && at_call write $n $what || return 1
            done
        done
    done
}

print_points()
{
    local point
    echo "killed $points_killed times at ${#points_hit[@]} points of the code; never passed in time:"
    while read -r point; do [[ ${points_hit[$point]:-} ]] || echo "    $point"; done < <(code_points)
}

part_points()
{
    local -A points_hit=()
    local points_killed=0
    cases points points_built || return
    program[dataplane]=$points_build/dataplane/bindery-dataplane
    program[control]=$points_build/control/bindery-control
    cases points crash_open each_code_point print_points points_were_hit each_disk_point all_kept no_record_leaked \
        killed_while_loading all_kept on_disk_too
    program[dataplane]=$build/dataplane/bindery-dataplane
    program[control]=$build/control/bindery-control
}
