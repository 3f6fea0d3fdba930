"""Configuration from the environment. It must not know what it is used for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """A variable is missing or has a value that can not be used."""


def text(environ: Mapping[str, str], name: str, default: str = "") -> str:
    """A variable, or its default where it is unset or empty; SettingsError where there is neither."""
    value = environ.get(name) or default
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    """A number above zero."""
    value = environ.get(name) or str(default)
    if not value.isdecimal() or int(value) == 0:
        raise SettingsError(f"{name} is {value!r}, expected a whole number above zero")
    return int(value)


def secret(environ: Mapping[str, str], name: str) -> str:
    """The content of the file that NAME_FILE names, else of /run/secrets/<name>; else the variable itself.

    A file is better: everybody who may inspect a container reads its environment.
    """
    named = environ.get(f"{name}_FILE")
    path = Path(named or f"/run/secrets/{name.lower()}")
    if not named and not path.exists():
        return text(environ, name)
    try:
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; {name}_FILE names the file with the secret") from error
    if not value:
        raise SettingsError(f"{path} is empty, expected the secret {name}")
    return value
