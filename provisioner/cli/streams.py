"""Standard output and standard error. A reader that went away (`| head`) never stops a command half way."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from provisioner.render.paint import Paint

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stream:
    """Writes text until the reader goes away; from then on `closed` is true and writing does nothing."""

    def __init__(self, stream: TextIO, *, no_color: bool, environment: Mapping[str, str]) -> None:
        self._stream = stream
        self.closed = False
        self.terminal = stream.isatty() and environment.get("TERM") != "dumb"
        self.paint = Paint(color=self.terminal and not no_color and not environment.get("NO_COLOR"))

    def write(self, text: str) -> None:
        """Write and flush."""
        if self.closed:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self.closed = True
            self.discard()

    def discard(self) -> None:
        """Let what is left in the buffer go nowhere, so that the interpreter's last flush is quiet too."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        except (OSError, ValueError):
            return
        finally:
            os.close(nowhere)

    def width(self) -> int:
        """Columns of the terminal."""
        return shutil.get_terminal_size().columns


def prepare() -> None:
    """Characters that the locale can not write are escaped instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
