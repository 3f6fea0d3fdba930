"""Entry point of `provision` and of `python -m provisioner`."""

from __future__ import annotations

import gc
import signal

# Objects that are made before the garbage collector looks; Python's own number is 700.
_MADE_BEFORE_A_LOOK = 50_000


def main() -> None:
    # Until the command handles it itself, Ctrl-C ends it as it ends other programs: without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Nearly all that is made lives as long as the command, and what has been made is gone through again and again.
    gc.set_threshold(_MADE_BEFORE_A_LOOK)
    from provisioner.cli.main import run

    run()


if __name__ == "__main__":
    main()
