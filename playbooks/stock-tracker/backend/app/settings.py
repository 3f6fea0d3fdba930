"""The backend's configuration, read once from the environment. It must not know what it is used for."""

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
    """`stream_interval` is the time between two prices of a symbol, in seconds."""

    port: int
    database_url: str = field(repr=False)
    cors_origins: tuple[str, ...]
    symbols: tuple[str, ...]
    stream_interval: float


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read every setting; raise SettingsError naming the variable that is wrong."""
    symbols = _words(environ, "SYMBOLS", "FPT,HPG,MWG,VCB,VNM")
    for symbol in symbols:
        if not (3 <= len(symbol) <= 8 and symbol.isascii() and symbol.isalpha() and symbol.isupper()):
            raise SettingsError(f"SYMBOLS has {symbol!r}, expected 3 to 8 capital letters")
    return Settings(
        port=_whole_number(environ, "PORT", "8000"),
        database_url=_secret(environ, "DATABASE_URL"),
        cors_origins=_words(environ, "CORS_ORIGINS", "http://localhost"),
        symbols=symbols,
        stream_interval=_whole_number(environ, "STREAM_INTERVAL_MS", "1000") / 1000,
    )


def _words(environ: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in (environ.get(name) or default).split(",") if word.strip())
    if not words:
        raise SettingsError(f"{name} is empty, expected words separated by commas")
    return words


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
