# SPDX-License-Identifier: BSD-3-Clause
# The same appliance on an existing interface (af_packet), two workers, packet buffers outside hugepages.

group_open()
{
    lab_workers=2 lab_hugepages=false lab_open veth && lab_start && lab_subscribers
}

case_registers_over_a_veth()
{
    equal "$(phone register 1300 --algorithm SHA-256)" 200 "IPv4"
    equal "$(phone register 1301 --server 2001:db8::1)" 200 "IPv6"
    equal "$(json '["bindings"].__len__()' show bindings all)" 2 "bindings"
}

case_answers_over_a_veth()
{
    in_lab sipsak -s sip:198.18.0.1
}
