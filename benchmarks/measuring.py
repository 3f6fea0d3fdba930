"""One run of a program, or of a piece of work here, and what it cost; and what several runs say together."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class RunFailed(Exception):
    """A program that was to be measured ended badly; its last words."""


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds, seconds of the processor, peak memory (MB), and requests where they were counted."""

    wall: float
    cpu: float = 0.0
    memory: float = 0.0
    requests: int | None = None


@dataclass(frozen=True)
class Spread:
    """The median of some numbers, the least and the most."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        digits = 2 if self.median < 10 else 1
        return f"{self.median:.{digits}f} ({self.least:.{digits}f} to {self.most:.{digits}f})"


def spread(numbers: Sequence[float]) -> Spread:
    return Spread(statistics.median(numbers), min(numbers), max(numbers))


def run_program(line: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Cost:
    """Run a program to its end. RunFailed where it does not end well."""
    began = time.perf_counter()
    process = subprocess.Popen(
        line, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    output, said = process.stdout, list[bytes]()
    assert output is not None
    reader = threading.Thread(target=lambda: said.append(output.read()))
    reader.start()
    # Of this very process, not of all that ever ran.
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    reader.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = said[0].decode(errors="replace")[-2000:]
        raise RunFailed(f"{' '.join(line)} ended with {process.returncode}:\n{last}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def run_here(work: Callable[[], object]) -> Cost:
    """Do a piece of work in this process."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - began, time.process_time() - used)
