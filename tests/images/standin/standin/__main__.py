"""Play the role that the image was built for, and say so."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

from standin.web import serve

ROLES = ("grafana", "loki", "promtail")


def main() -> int:
    """Serve until SIGTERM; 1 when files or variables can not be used, with the reason."""
    role = os.environ.get("STANDIN_ROLE", "")
    if role not in ROLES:
        print(f"STANDIN_ROLE is {role!r}, expected one of {', '.join(ROLES)}", file=sys.stderr)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        port, application = import_module(f"standin.{role}").build(sys.argv[1:], os.environ)
    except (OSError, ValueError, KeyError) as error:
        print(f"stand-in for {role}: can not start: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"this is a STAND-IN for {role}, not {role}; listening on port {port}", flush=True)
    serve(port, application)
    return 0


if __name__ == "__main__":
    sys.exit(main())
