"""Compose's own form `file: PATH`, as a tier of its own: the file's bytes as they are."""

from __future__ import annotations

import os
import stat
from dataclasses import field
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable
from provisioner.model.dataclass import dataclass
from provisioner.model.secret import LARGEST_SECRET, Found, Missing, Resolution, SecretRef, SecretValue
from provisioner.secrets.tier_context import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(slots=True)
class FileForm:
    """Paths are absolute, or relative to `directory`. `SecretUnavailable` for what is there and can not be taken."""

    directory: Path
    tier: str = field(default="file", init=False)
    remote: bool = field(default=False, init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        return {ref: self._read(ref) for ref in refs}

    def warnings(self) -> Sequence[str]:
        return ()

    def _read(self, ref: SecretRef) -> Resolution:
        path = self.directory / (ref.file or "")
        try:
            # A FIFO must not make us wait; where it comes from is not our business, so links are followed.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    why = "is not a regular file"
                elif status.st_size > LARGEST_SECRET:
                    why = f"has {status.st_size} bytes; a secret has at most {LARGEST_SECRET}"
                else:
                    return Found(SecretValue(_content(descriptor)), "", self.tier)
            finally:
                os.close(descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return Missing((f"file: there is no {path}",))
        except OSError as error:
            why = f"can not be read: {os.strerror(error.errno or 0)}"
        raise SecretUnavailable(f"secret {ref.key}: {path} {why}")


def _content(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, LARGEST_SECRET + 1):
        parts.append(part)
    return b"".join(parts)


SOURCE = Tier("file", lambda context: FileForm(context.directory))
