# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The last core for the worker alone, as far as a running kernel gives it: what `isolcpus` and `irqaffinity`
# would do at boot. For bash; sourced by run.sh.
#
#   isolate_open    moves interrupts, kernel threads and unbound kernel work to the other cores, and lifts the
#                   limit on real-time threads (kernels before 6.12 take 5 % of each second from them; later
#                   ones only for tasks that waited for 0.95 s, whatever is set)
#   isolate_close   puts back what was there
#
# Kernel threads that belong to the core stay. What the kernel does not let go is left where it is.

isolated=''

# The kernel's threads that may run anywhere.
movable_threads()
{
    local task every
    every=$(</sys/devices/system/cpu/online)
    for task in $(pgrep -P 2); do
        [[ $(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$task/status" 2>/dev/null) != "$every" ]] || echo "$task"
    done
}

# keep_and_write FILE VALUE: what stood there goes to $isolated. Some files refuse: an interrupt whose
# driver places it.
keep_and_write()
{
    local was
    was=$(cat "$1" 2>/dev/null) && { echo "$2" >"$1"; } 2>/dev/null && echo "write $1 $was" >>"$isolated"
}

isolate_open()
{
    ((last_core > 0)) || return 0
    local others=0-$((last_core - 1)) task file
    isolated=$work/isolated
    : >"$isolated"
    keep_and_write /proc/sys/kernel/sched_rt_runtime_us -1
    keep_and_write /sys/devices/virtual/workqueue/cpumask "$(printf %x $(((1 << last_core) - 1)))"
    for file in /proc/irq/*/smp_affinity_list; do
        keep_and_write "$file" "$others"
    done
    for task in $(movable_threads); do
        taskset -pc "$others" "$task" >/dev/null 2>&1 && echo "thread $task" >>"$isolated"
    done
}

isolate_close()
{
    local kind what was
    [[ -n $isolated ]] || return 0
    while read -r kind what was; do
        case $kind in
        write) { echo "$was" >"$what"; } 2>/dev/null ;;
        thread) taskset -pc "0-$last_core" "$what" >/dev/null 2>&1 ;;
        esac
    done <"$isolated"
    isolated=''
}
