# SPDX-License-Identifier: BSD-3-Clause
# The cases of protocol.py against one lab.

group_open()
{
    lab_watch=yes
    lab_open && lab_start && lab_subscribers
}

group_close()
{
    lab_watch_is_clean
}

mapfile -t extra_cases < <("$python" "$here/protocol.py" --list)

extra_case()
{
    BINDERYCTL="$ctl -s $lab/admin.sock" in_lab "$python" "$here/protocol.py" "$1"
}
