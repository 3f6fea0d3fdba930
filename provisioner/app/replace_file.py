"""Write a text file so that a power cut leaves the old text or the new one. Knows nothing of what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from provisioner.errors import ProvisionError


def replace_file(file: Path, text: str) -> None:
    """`file` holds `text`, as UTF-8 and with its line breaks as they are. OSError where that can not be done.

    Of a symbolic link the file that it leads to is written; the link stays.
    """
    file = Path(os.path.realpath(file))
    fresh = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            fresh.chmod(file.stat().st_mode & 0o777)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)


def write_output(directory: str, output: str, text: str) -> None:
    """Write what a command made to the file that `-o` names, relative to a folder; folders on the way are made.

    ProvisionError where it can not be written.
    """
    file = Path(directory, output)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, text)
    except OSError as error:
        raise ProvisionError(f"{output} can not be written: {error.strerror}") from error
