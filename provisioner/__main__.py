"""Entry point of `provision` and of `python -m provisioner`."""

from __future__ import annotations

import signal


def main() -> None:
    # Until the command handles it itself, Ctrl-C ends it as it ends other programs: without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from provisioner.cli.main import run

    run()


if __name__ == "__main__":
    main()
