"""Runs a program and tells what it cost: `one_run.py DESCRIPTOR PROGRAM [ARGUMENT...]`.

A process of its own, which imports next to nothing: a child's peak memory is at least that of whoever starts it.
"""

import os
import sys
import time

began = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - began
code = os.waitstatus_to_exitcode(status)
os.write(int(sys.argv[1]), f"{wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024} {code}".encode())
