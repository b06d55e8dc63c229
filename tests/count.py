#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts cmocka's cases in Meson's testlog.json; the last line is "N passed, M failed".

A program that cmocka does not run (no counts in its output) is one case. A skipped case is none.
"""
import json
import re
import sys


def number(mark, text):
    return sum(int(n) for n in re.findall(rf"\[\s*{mark}\s*\]\s*(?:\S+: )?(\d+) test\(s\)", text))


def main():
    passed = failed = 0
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            text = test.get("stdout", "") + test.get("stderr", "")
            cases = number("PASSED", text) if "[  PASSED  ]" in text else None
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                cases = 1 if cases is None else cases
                passed += cases
                print(f"ok    {test['name']} ({cases} cases, {test['duration']:.2f} s)")
            elif test["result"] == "SKIP":
                print(f"skip  {test['name']}")
            else:
                passed += cases or 0
                failed += number("FAILED", text) or 1
                print(f"FAIL  {test['name']}: {test['result']}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
