# SPDX-License-Identifier: BSD-3-Clause
# RFC 4475 and RFC 5118 over the wire, to an appliance whose one domain is open and serves every name, so
# that neither challenge nor 404 hides what comes behind it.

group_open()
{
    lab_watch=yes
    lab_open || return
    sed -i -e '/^domains:/,/^auth:/{/^auth:/!d}' "$lab/bindery.yaml" &&
        sed -i -e 's/^registrar:/&\n  default_domain: example.com/' \
            -e 's/^auth:/domains:\n  - {name: example.com, auth: open, aliases: [198.18.0.1]}\n&/' \
            "$lab/bindery.yaml" &&
        lab_start
}

group_close()
{
    lab_watch_is_clean
}

torture()
{
    in_lab "$python" "$here/torture.py" "$@"
}

case_every_message_draws_its_status()
{
    torture statuses
}

case_mutations_leave_it_serving()
{
    local pid mutations=100
    pid=$(pid_of dataplane)
    [[ -z ${long:-} ]] || mutations=2000
    torture mutations "$mutations"
    process_alive "$pid" || fail "bindery-dataplane has died"
    equal "$(json '["dataplane"]["pid"]' show info)" "$pid" "the process"
}
