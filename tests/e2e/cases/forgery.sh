# SPDX-License-Identifier: BSD-3-Clause
# Getting in without the password (forgery.py): each attempt ends in the verdict that is meant for it, and none gets in.

group_open()
{
    lab_open
    sed -i 's|^limits: {|&reply_factor: 4, |' "$lab/bindery.yaml"
    lab_start
    lab_subscribers
}

# "VERDICT COUNT" of all.
verdicts()
{
    json '' show stats | "$python" -c "
import ast, collections, sys
total = collections.Counter()
for row in ast.literal_eval(sys.stdin.read())['verdicts']:
    total[row['verdict']] += row['total']
for verdict, count in total.items():
    print(verdict, count)"
}

# VERDICT FILE
count_in()
{
    awk -v verdict="$1" '$1 == verdict { print $2 }' "$2"
}

case_none_gets_in()
{
    local verdict
    in_lab "$python" "$here/forgery.py" >"$lab/tried"
    verdicts >"$lab/counted"
    for verdict in bad_nonce replayed forbidden wrong_credentials stale; do
        (($(count_in "$verdict" "$lab/tried") > 0)) || fail "$verdict was not tried"
        equal "$(count_in "$verdict" "$lab/counted")" "$(count_in "$verdict" "$lab/tried")" "$verdict"
    done
}

# A minimal REGISTER draws no challenges that are many times its size.
case_small_requests_draw_little()
{
    in_lab "$python" - <<'PYTHON'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("198.18.0.1", 5060))
s.settimeout(4)
small = (b"REGISTER sip:198.18.0.1 SIP/2.0\r\nv:SIP/2.0/UDP h;rport\r\nf:<sip:1@198.18.0.1>;tag=1\r\n"
         b"t:<sip:1@198.18.0.1>\r\ni:1\r\nCSeq:1 REGISTER\r\n\r\n")
s.send(small)
reply = s.recv(9000)
assert reply.startswith(b"SIP/2.0 500 ") and len(reply) < 3 * len(small), reply
PYTHON
    verdicts >"$lab/counted"
    equal "$(count_in amplifies "$lab/counted")" 1 amplifies
}
