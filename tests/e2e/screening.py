#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What screening does to phones that say what they are told (phone.py); run by cases/screening.sh.

   screening.py agent SOURCE USER_AGENT [TIMEOUT_S]  registers by that name in open.example; prints the status
   screening.py from SENDER                          the same with that From
   screening.py twice                                registers, and refreshes; prints both statuses
   screening.py storm SECONDS                        see there
"""
import sys
import threading
import time

from phone import Phone, Silence


def register(phone, agent="Phone 1.0", timeout=1.0, **fields):
    headers = [f"User-Agent: {agent}", f"Contact: <{phone.contact}>", "Expires: 600"]
    try:
        return phone.exchange(phone.build(uri="sip:open.example", headers=headers, **fields), timeout).code
    except Silence:
        return 0


def new_phone(user, source="198.18.0.2"):
    return Phone(user, domain="open.example", local=source)


def storm(seconds):
    """While rules change: an honest phone is always served, and one that a rule of each set means is always
    refused, by whichever set is in force: the one of old answers 403, the other 603, none of them a mixture.
    Prints how many of each there were."""
    end = time.monotonic() + seconds
    seen = {200: 0, 403: 0, 603: 0}
    wrong = []

    def run(name, agent, allowed):
        phone = new_phone(name)
        while time.monotonic() < end and not wrong:
            code = register(phone, agent, 5)
            if code in allowed:
                seen[code] += 1
            else:
                wrong.append((name, code))

    threads = [threading.Thread(target=run, args=arguments) for arguments in
               (("honest1", "Phone 1.0", [200]), ("honest2", "Phone 2.0", [200]),
                ("refused", "Old and new", [403, 603]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, f"wrong answers: {wrong}"
    print(seen[200], seen[403], seen[603])


def main():
    what, *args = sys.argv[1:]
    if what == "agent":
        print(register(new_phone("agent", args[0]), args[1], float(args[2]) if len(args) > 2 else 1.0))
    elif what == "from":
        print(register(new_phone("sender"), sender=args[0]))
    elif what == "twice":
        phone = new_phone("twice")
        print(register(phone), register(phone))
    else:
        storm(float(args[0]))


if __name__ == "__main__":
    main()
