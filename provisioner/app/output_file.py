"""The file that `-o` names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.load import load_document
from provisioner.app.replace_file import replace_file
from provisioner.errors import UsageError, not_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.request import Request


def write_output(
    directory: str, output: str, text: str, requests: Sequence[Request] = (), lists: Sequence[str] = ()
) -> None:
    """Write what a command made to the file that `-o` names, relative to a folder; folders on the way are made.

    UsageError where one of `requests`, those that the text was made from, reads that file, or where it is one of the
    `lists` of plays that name them: it would be lost.
    UsageError too for `-` and for a folder, which are no files. ProvisionError where it can not be written.
    """
    if output == "-":
        raise UsageError("-o names a file", hint="leave it out: then it is written to standard output")
    file = Path(directory, output)
    if file.is_dir():
        raise UsageError(f"{output} is a folder", hint="name a file after -o")
    try:
        if requests and file.is_file() and any(path.samefile(file) for path in _read(requests, lists)):
            raise UsageError(f"{output} is one of the files that this is made from", hint="name another file after -o")
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, text)
    except OSError as error:
        raise not_written(output, error) from error


def _read(requests: Sequence[Request], lists: Sequence[str]) -> list[Path]:
    """The files that requests are read from, with those that these extend and include."""
    named = {
        Path(request.directory, name)
        for request in requests
        for name in (*lists, *request.files, *load_document(request).files)
    }
    return [file for file in named if file.exists()]
