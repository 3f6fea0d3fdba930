"""The generator's configuration, read once from the environment. It must not know what it is used for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingsError(Exception):
    """A variable has a value that can not be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Intervals and timeouts in seconds; `outbox_size` counts the events that wait while ingest is away."""

    ingest_url: str
    interval: float
    elements: int
    cells_per_element: int
    seed: int
    request_timeout: float
    longest_backoff: float
    outbox_size: int
    heartbeat: Path

    @property
    def heartbeat_limit(self) -> float:
        """A loop whose last sign of life is older than this hangs."""
        return 2 * self.request_timeout + self.interval + self.longest_backoff


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Read every setting; raise SettingsError naming the variable that is wrong."""
    url = environ.get("INGEST_URL") or "http://ingest:3000/v1/events/pm"
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"INGEST_URL is {url!r}, expected an http:// or https:// address")
    return Settings(
        ingest_url=url,
        interval=_whole_number(environ, "EMIT_INTERVAL_MS", "5000") / 1000,
        elements=_whole_number(environ, "ELEMENTS", "3"),
        cells_per_element=_whole_number(environ, "CELLS_PER_ELEMENT", "2"),
        seed=_whole_number(environ, "SEED", "1"),
        request_timeout=_whole_number(environ, "REQUEST_TIMEOUT_MS", "5000") / 1000,
        longest_backoff=_whole_number(environ, "BACKOFF_MAX_MS", "10000") / 1000,
        outbox_size=_whole_number(environ, "OUTBOX_SIZE", "5000"),
        heartbeat=Path(environ.get("HEARTBEAT_FILE") or "/tmp/heartbeat"),
    )


def _whole_number(environ: Mapping[str, str], name: str, default: str) -> int:
    text = environ.get(name) or default
    if not text.isdecimal() or int(text) == 0:
        raise SettingsError(f"{name} is {text!r}, expected a whole number above zero")
    return int(text)
