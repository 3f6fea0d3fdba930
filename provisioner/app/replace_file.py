"""Write a text file so that a power cut leaves the old text or the new one. Knows nothing of what is in it."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(file: Path, text: str) -> None:
    """`file` holds `text`, as UTF-8 and with its line breaks as they are. OSError where that can not be done.

    Of a symbolic link the file that it leads to is written; the link stays. What is no regular file, such as a pipe or
    /dev/stdout, takes the text as it comes.
    """
    if file.exists() and not file.is_file():
        with file.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        return
    file = Path(os.path.realpath(file))
    replacement = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        with replacement.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            replacement.chmod(file.stat().st_mode & 0o777)
        replacement.replace(file)
    finally:
        replacement.unlink(missing_ok=True)
