# SPDX-License-Identifier: BSD-3-Clause
# Kamailio of Debian 12 (usrloc and registrar, memory only) beside Bindery in one namespace.

group_open()
{
    lab_open || return
    sed -i 's/^domains:/&\n  - {name: peer.example, auth: open, min_expires: 60, max_contacts: 4}/' \
        "$lab/bindery.yaml" && lab_start
}

start_kamailio()
{
    mkdir -p "$lab/kamailio"
    nsenter --net="/run/netns/$ns" -- kamailio -DD -E -m 64 -Y "$lab/kamailio" \
        -f "$here/peers/kamailio.cfg" >"$lab/kamailio.log" 2>&1 &
    kamailio_pid=$!
    trap 'stop_process "$kamailio_pid"; tail -n 20 "$lab/kamailio.log"' EXIT
    until_true 10 "kamailio answers" kamailio_answers
}

# It answers OPTIONS with 405.
kamailio_answers()
{
    [[ $(PHONE_TIMEOUT_S=0.2 phone options probe --server 198.18.0.3) == 405 ]]
}

case_same_requests_same_bindings()
{
    start_kamailio
    in_lab "$python" "$here/peers/kamailio.py" "${sequences:-2000}"
}
