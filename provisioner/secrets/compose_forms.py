"""Compose's own forms, `file:` and `environment:`, as tiers of their own: the bytes as they are."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable
from provisioner.model.secret import LARGEST_SECRET, Found, Missing, Resolution, SecretRef, SecretValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True)
class FileForm:
    """`file: PATH`. Reads one byte more than is allowed at most, so that a device can not fill the memory."""

    tier: str = field(default="file", init=False)
    remote: bool = field(default=False, init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        return {ref: _read(ref.key, Path(ref.file or "")) for ref in refs}

    def warnings(self) -> Sequence[str]:
        return ()


@dataclass(slots=True)
class EnvironmentForm:
    """`environment: NAME`, from the variables that the playbook is interpolated with."""

    variables: Mapping[str, str] = field(repr=False)
    tier: str = field(default="environment", init=False)
    remote: bool = field(default=False, init=False)

    def fetch(self, refs: Sequence[SecretRef]) -> Mapping[SecretRef, Resolution]:
        return {ref: self._value(ref.environment or "") for ref in refs}

    def warnings(self) -> Sequence[str]:
        return ()

    def _value(self, name: str) -> Resolution:
        if name not in self.variables:
            return Missing((f"environment: {name} is not set",))
        return Found(SecretValue(os.fsencode(self.variables[name])), "", self.tier)


def _read(key: str, path: Path) -> Resolution:
    try:
        if path.exists() and not path.is_file():
            raise SecretUnavailable(f"secret {key}: {path} is not a regular file")
        with path.open("rb") as stream:
            return Found(SecretValue(stream.read(LARGEST_SECRET + 1)), "", "file")
    except (FileNotFoundError, NotADirectoryError):
        return Missing((f"file: there is no {path}",))
    except OSError as error:
        why = os.strerror(error.errno or 0)
    raise SecretUnavailable(f"secret {key}: {path} can not be read: {why}")
