"""The health check of a service without a port: is its process there, and does its loop still turn?

python -m common.health [SECONDS]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

HEARTBEAT = "/tmp/heartbeat"
# A turn may wait this long for a database that is away.
_LIMIT = 30.0


def main() -> int:
    """0 when the last turn is recent, 1 when it is old or has not been."""
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else _LIMIT
    heartbeat = Path(os.environ.get("HEARTBEAT_FILE") or HEARTBEAT)
    try:
        age = time.time() - heartbeat.stat().st_mtime
    except FileNotFoundError:
        print(f"{heartbeat} does not exist yet")  # noqa: T201
        return 1
    print(f"last turn {age:.1f} s ago, at most {limit:.1f} s expected")  # noqa: T201
    return 0 if age <= limit else 1


if __name__ == "__main__":
    sys.exit(main())
