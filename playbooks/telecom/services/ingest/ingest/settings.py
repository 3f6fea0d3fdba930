"""The service's configuration, read once from the environment. It must not know what it is used for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """A variable is missing or has a value that can not be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`pool_size` connections are kept; a request waits `database_timeout` seconds for one."""

    port: int
    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_password: str = field(repr=False)
    pool_size: int
    database_timeout: float


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read every setting; raise SettingsError naming the variable that is wrong."""
    return Settings(
        port=_whole_number(environ, "PORT", "3000"),
        database_host=environ.get("DB_HOST", "postgres"),
        database_port=_whole_number(environ, "DB_PORT", "5432"),
        database_name=environ.get("DB_NAME", "telecom"),
        database_user=environ.get("DB_USER", "telecom"),
        database_password=_secret(environ, "DB_PASSWORD"),
        pool_size=_whole_number(environ, "DB_POOL_SIZE", "4"),
        database_timeout=_whole_number(environ, "DB_TIMEOUT_MS", "5000") / 1000,
    )


def _whole_number(environ: Mapping[str, str], name: str, default: str) -> int:
    text = environ.get(name) or default
    if not text.isdecimal() or int(text) == 0:
        raise SettingsError(f"{name} is {text!r}, expected a whole number above zero")
    return int(text)


def _secret(environ: Mapping[str, str], name: str) -> str:
    """Secrets come from files only: the environment of a container can be read by anyone who can inspect it."""
    path = Path(environ.get(f"{name}_FILE") or f"/run/secrets/{name.lower()}")
    try:
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; {name}_FILE names the file with the secret") from error
    if not value:
        raise SettingsError(f"{path} is empty, expected the secret {name}")
    return value
