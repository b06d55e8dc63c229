# SPDX-License-Identifier: BSD-3-Clause
# The domain "*": every host under its own name and realm.

group_open()
{
    lab_more_domains='  - {name: "*", algorithms: [MD5]}'
    lab_open && lab_start && lab_subscribers || return
    ask subscriber add 7@any.example secret-7
    ask subscriber add 7@two.example secret-8
}

status_of()
{
    in_lab "$python" "$here/phone.py" register "$@" 2>&1 | tail -1 || true
}

case_each_host_has_its_own_subscribers()
{
    local status
    status=$(status_of 7 --domain any.example --password secret-7)
    [[ $status == *200* ]] || fail "any.example: $status"
    status=$(status_of 7 --domain two.example --password secret-7)
    [[ $status == *401* ]] || fail "two.example with the other's password: $status"
    status=$(status_of 7 --domain two.example --password secret-8)
    [[ $status == *200* ]] || fail "two.example: $status"
    prints 7@any.example ask show bindings 7@ANY.example
    prints 7@any.example ask show bindings any.example
}

case_named_domains_come_first()
{
    local status
    status=$(status_of 1500)
    [[ $status == *200* ]] || fail "example.com: $status"
}
