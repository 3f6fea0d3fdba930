"""When a job has succeeded last. By itself: the health check runs it every few seconds, and imports nothing else.

python -m ichrisbirch.heartbeat SECONDS
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

_FILE = Path("/tmp/scheduler-heartbeat")


def beat() -> None:
    """A job has succeeded."""
    _FILE.write_text(str(time.time()), encoding="utf-8")


def is_well(longest: float) -> bool:
    """Whether a job succeeded within the last `longest` seconds."""
    try:
        return time.time() - float(_FILE.read_text(encoding="utf-8")) < longest
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(0 if is_well(float(sys.argv[1])) else 1)
