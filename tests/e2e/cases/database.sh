# SPDX-License-Identifier: BSD-3-Clause
# The subscriber database locked or damaged while both processes run.

group_open()
{
    lab_open && lab_start && lab_subscribers
}

alarm_is()
{
    grep -q "^bindery_alarm{name=\"subscribers\"} $1$" <<<"$(ask show metrics)"
}

registers()
{
    phone register "$@"
}

# refused PATTERN COMMAND...: the command draws one error with PATTERN in it.
refused()
{
    local out pattern=$1
    shift
    if out=$(ask "$@" 2>&1); then fail "taken: $out"; fi
    [[ $out =~ $pattern ]] || fail "no word of $pattern: $out"
}

# Holds a lock; on release it has added a subscriber `late`, as another program may.
lock_database()
{
    "$python" - "$lab/subscribers.db" >"$lab/locked" 9<"$lab/release" <<'PYTHON' &
import hashlib, os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin exclusive")
print("locked", flush=True)
os.read(9, 1)
ha1 = hashlib.md5(b"late:example.com:secret-late").hexdigest()
db.execute("insert into subscriber (username, domain, realm, ha1) values ('late', 'example.com', 'example.com', ?)", (ha1,))
db.execute("commit")
PYTHON
    until_true 5 "the database is locked" test -s "$lab/locked"
}

case_a_locked_database_is_caught_up_with()
{
    local before
    before=$(grep -c 'alarm subscribers' "$lab/control.log" || true)
    mkfifo "$lab/release"
    exec 8<>"$lab/release"
    lock_database
    refused 'locked by another program' subscriber add anna@example.com first
    refused 'locked by another program' subscriber remove 1300@example.com
    alarm_is 1 || fail "no alarm"
    grep -q 'locked by another program' <<<"$(ask show info)"
    equal "$(phone register 1300)" 200 "who is in memory goes on"
    equal "$(phone register late || true)" 401 "who is not in memory"
    ask reload # reads what was committed: readers do not mind this lock
    equal "$(phone register 1301)" 200 "after a reload"
    echo >&8
    until_true 8 "the alarm ends" alarm_is 0
    equal "$(phone register late)" 200 "what came meanwhile"
    ask subscriber add anna@example.com first
    equal "$(phone register anna --password first)" 200 "a new one"
    equal "$(grep -c 'alarm subscribers' "$lab/control.log")" $((before + 2)) "lines in the log"
}

# Whatever is written to a file without a name is lost with the process.
case_a_replaced_database_is_noticed()
{
    printf 'username,domain,password\ncarla,example.com,first\n' >"$lab/one.csv"
    mv "$lab/subscribers.db" "$lab/former.db"
    cp "$lab/former.db" "$lab/subscribers.db"
    refused 'replaced or removed' subscriber import "$lab/one.csv"
    refused 'replaced or removed' reload
    refused 'replaced or removed' subscriber add carla@example.com first
    refused 'no subscriber carla' subscriber show carla@example.com
    alarm_is 1 || fail "no alarm"
    equal "$(phone register 1303)" 200 "who is in memory goes on"
    mv "$lab/former.db" "$lab/subscribers.db"
    until_true 5 "the alarm ends" alarm_is 0
    ask subscriber import "$lab/one.csv"
    equal "$(phone register carla --password first)" 200 "imported"
}

# What the log holds is moved to the file first, and a write makes everybody forget the pages they know.
damage_database()
{
    "$python" - "$lab/subscribers.db" <<'PYTHON'
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("update subscriber set modified = modified + 1 where username = '1000'")
db.execute("pragma wal_checkpoint(truncate)")
size = os.path.getsize(sys.argv[1])
with open(sys.argv[1], "r+b") as file:
    file.seek(4096)
    file.write(os.urandom(size - 4096))
PYTHON
}

case_a_damaged_database_is_an_alarm()
{
    "$python" -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("pragma wal_checkpoint(truncate)")' "$lab/subscribers.db"
    cp "$lab/subscribers.db" "$lab/good.db"
    damage_database
    refused 'damaged' reload
    refused 'damaged' subscriber show all
    refused '"error": ".*damaged' --json subscriber show all
    equal "$(json '["error"][0]' subscriber show all || true)" / "the document"
    alarm_is 1 || fail "no alarm"
    refused 'damaged' subscriber add berta@example.com first
    equal "$(phone register 1302)" 200 "who is in memory goes on"
    equal "$(phone register other --domain open.example)" 200 "an open domain"
    stop_process "$(pid_of control)" # as the alarm's text says
    rm -f "$lab"/subscribers.db-*
    cp "$lab/good.db" "$lab/subscribers.db"
    start control
    lab_wait
    alarm_is 0 || fail "the alarm goes on"
    until_true 5 "verification" registers 1302
    ask subscriber add berta@example.com first
    equal "$(phone register berta --password first)" 200 "a new one"
}
