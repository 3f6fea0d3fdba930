"""Host ports for tests."""

from __future__ import annotations

import os
import random
import socket

# Below those that kernel and engine give out by themselves; each worker of a run has its own of them.
_FIRST, _EACH, _WORKERS = 11_000, 2_000, 4
_given: set[int] = set()


def unused_port() -> int:
    """A TCP port on loopback that nobody listens on; another one each time."""
    first = _FIRST + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _WORKERS * _EACH
    while True:
        port = random.randrange(first, first + _EACH)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
