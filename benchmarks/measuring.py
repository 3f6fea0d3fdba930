"""One run of a program, or of a piece of work here, and what it cost; and what several runs say together."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ONE_RUN = str(Path(__file__).with_name("one_run.py"))


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
    told, tells = os.pipe()
    done = subprocess.run(
        [sys.executable, "-I", "-S", _ONE_RUN, str(tells), *line], cwd=folder,
        # A program in Python is to find its code compiled, as where it is installed.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **variables},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=(tells,), check=False,
    )  # fmt: skip
    os.close(tells)
    numbers = os.read(told, 200).decode().split()
    os.close(told)
    if not numbers or int(numbers[3]):
        last = done.stdout.decode(errors="replace")[-2000:]
        raise RunFailed(f"{' '.join(line)} ended with {numbers[3] if numbers else 'nothing'}:\n{last}")
    return Cost(*map(float, numbers[:3]))


def run_here(work: Callable[[], object]) -> Cost:
    """Do a piece of work in this process."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - began, time.process_time() - used)
