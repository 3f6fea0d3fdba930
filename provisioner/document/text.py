"""A file's text, after everything that can be wrong with a file before one looks into it."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.model.span import Span

if TYPE_CHECKING:
    from provisioner.document.findings import Findings
    from provisioner.document.findings import Path as Place

LARGEST = 1024 * 1024
STDIN = "-"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def load(path: str, shown: str, findings: Findings, asked: Span | None = None, place: Place = ()) -> str | None:
    """The text of the file at `path`, or None when it can not be read, which is then a finding.

    `shown` is how messages name the file; `asked` is where another file names it, if one does, under the key `place`.
    """
    raw = _bytes(path, shown, findings, asked, place)
    return None if raw is None else decode(raw, shown, findings)


def decode(raw: bytes, shown: str, findings: Findings) -> str | None:
    """`raw` as text: UTF-8 with or without a byte order mark, no control characters."""
    if len(raw) > LARGEST:
        findings.error(f"the file is larger than {LARGEST // 1024} KiB", Span(shown), hint="split it with include")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        guess = ", it looks like UTF-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        findings.error(
            f"not UTF-8: byte 0x{raw[error.start]:02x} at offset {error.start}{guess}",
            Span(shown, line, column),
            hint="save the file as UTF-8",
        )
        return None
    forbidden = False
    for match in _FORBIDDEN.finditer(text):
        forbidden = True
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
        what = "NUL" if match[0] == "\0" else f"control character U+{ord(match[0]):04X}"
        findings.error(f"{what} in the file", Span(shown, line, column), hint="remove it")
        break
    return None if forbidden else text


def _bytes(path: str, shown: str, findings: Findings, asked: Span | None, place: Place) -> bytes | None:
    if path == STDIN:
        return sys.stdin.buffer.read(LARGEST + 1)
    where = asked or Span(shown)
    name = f"'{shown}'" if asked else "the file"
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            findings.error(f"{name} is a directory", where, place, "name a file")
            return None
        if not stat.S_ISREG(status.st_mode):
            findings.error(f"{name} is not a regular file", where, place, "name a regular file")
            return None
        with Path(path).open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        if Path(path).is_symlink():
            findings.error(f"{name} is a symbolic link to nothing", where, place)
        else:
            optional = place[-1:] == ("env_file",)
            hint = "create it, or write {path: …, required: false} where it may be missing" if optional else None
            findings.error(f"{name} does not exist", where, place, hint)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        findings.error(f"{name} can not be read: {reason}", where, place)
    return None
