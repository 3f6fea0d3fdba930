"""Files that are written together: all of them, or none."""

from __future__ import annotations

import contextlib
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.replace_file import replace_file
from provisioner.errors import not_written
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class WrittenFiles:
    """What was changed in the file system: files with the text that stood in them before, and folders."""

    before: dict[Path, str | None] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)

    def take_back(self) -> None:
        """Leave files and folders as they were; of what can not be, the new text stays whole."""
        for file, text in self.before.items():
            with contextlib.suppress(OSError):
                if text is None:
                    file.unlink(missing_ok=True)
                else:
                    replace_file(file, text)
        for folder in reversed(self.folders):
            # Somebody else may have put something there meanwhile.
            with contextlib.suppress(OSError):
                folder.rmdir()


def write_together(directory: str, texts: Mapping[str, str]) -> WrittenFiles:
    """Write files by their names in a folder; folders on the way are made. What is needed for the way back.

    ProvisionError where one can not be written: then all is as it was.
    """
    written = WrittenFiles()
    for name, text in texts.items():
        file = Path(directory, name)
        try:
            for folder in reversed([folder for folder in file.parents if not folder.exists()]):
                folder.mkdir()
                written.folders.append(folder)
            before = file.read_bytes().decode(errors="surrogateescape") if file.exists() else None
            replace_file(file, text)
            written.before[file] = before
        except OSError as error:
            written.take_back()
            raise not_written(name, error) from error
    return written
