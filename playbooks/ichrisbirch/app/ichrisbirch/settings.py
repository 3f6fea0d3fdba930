"""The configuration of all services, read from the environment. Secrets are files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENTS = ("development", "testing", "production")


class SettingsError(Exception):
    """A variable is missing or has a value that can not be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`scheduler_interval` is the time between two runs of the scheduler's job, in seconds."""

    environment: str
    version: str
    log_level: str
    postgres_host: str
    postgres_port: int
    postgres_db: str
    postgres_username: str
    postgres_password: str = field(repr=False)
    redis_host: str
    redis_port: int
    redis_password: str = field(repr=False)
    fastapi_host: str
    fastapi_port: int
    scheduler_interval: int

    @property
    def api_url(self) -> str:
        return f"http://{self.fastapi_host}:{self.fastapi_port}"


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every setting; raise SettingsError naming the variable that is wrong."""
    given = os.environ if environ is None else environ
    environment = given.get("ENVIRONMENT", "development")
    if environment not in ENVIRONMENTS:
        raise SettingsError(f"ENVIRONMENT is {environment!r}, expected one of {', '.join(ENVIRONMENTS)}")
    return Settings(
        environment=environment,
        version=given.get("APP_VERSION", ""),
        log_level=given.get("LOG_LEVEL") or "info",
        postgres_host=given.get("POSTGRES_HOST", "postgres"),
        postgres_port=_whole_number(given, "POSTGRES_PORT", "5432"),
        postgres_db=given.get("POSTGRES_DB", "ichrisbirch"),
        postgres_username=given.get("POSTGRES_USERNAME", "postgres"),
        postgres_password=secret(given, "POSTGRES_PASSWORD"),
        redis_host=given.get("REDIS_HOST", "redis"),
        redis_port=_whole_number(given, "REDIS_PORT", "6379"),
        redis_password=secret(given, "REDIS_PASSWORD"),
        fastapi_host=given.get("FASTAPI_HOST", "api"),
        fastapi_port=_whole_number(given, "FASTAPI_PORT", "8000"),
        scheduler_interval=_whole_number(given, "SCHEDULER_INTERVAL_SECONDS", "10"),
    )


def secret(environ: Mapping[str, str], name: str) -> str:
    """The text of the file that NAME_FILE names, else of /run/secrets/name; empty where there is none."""
    path = Path(environ.get(f"{name}_FILE") or f"/run/secrets/{name.lower()}")
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; {name}_FILE names the file with the secret") from error


def _whole_number(environ: Mapping[str, str], name: str, default: str) -> int:
    text = environ.get(name) or default
    if not text.isdecimal() or int(text) == 0:
        raise SettingsError(f"{name} is {text!r}, expected a whole number above zero")
    return int(text)
