"""The container's health check: is the loop alive? It is, also while ingest is away."""

from __future__ import annotations

import os
import sys
import time

from pmgen.settings import from_environment


def main() -> int:
    """0 when the last sign of life is recent, 1 when it is old or missing."""
    settings = from_environment(os.environ)
    try:
        age = time.time() - settings.heartbeat.stat().st_mtime
    except FileNotFoundError:
        print(f"{settings.heartbeat} does not exist yet")  # noqa: T201
        return 1
    print(f"last sign of life {age:.1f} s ago, at most {settings.heartbeat_limit:.1f} s expected")  # noqa: T201
    return 0 if age <= settings.heartbeat_limit else 1


if __name__ == "__main__":
    sys.exit(main())
