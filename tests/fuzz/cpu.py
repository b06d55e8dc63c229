#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""cpu.py FILE COMMAND...: runs it, writes the CPU seconds that it and all it left behind have taken to FILE.

AFL++ does not wait for its own children, so the shell's `time` does not see them: here orphans become ours.
"""
import ctypes
import os
import resource
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
signal.signal(signal.SIGINT, lambda *_: None)  # ends the command, which is counted nevertheless
status = subprocess.call(sys.argv[2:])
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], 'w', encoding='ascii') as file:
    file.write(f'{used.ru_utime + used.ru_stime:.0f}\n')
sys.exit(status if status >= 0 else 128 - status)
