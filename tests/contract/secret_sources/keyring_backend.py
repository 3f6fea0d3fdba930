"""Keyring backends for tests: one that lives in memory, one that never answers, one that is locked."""

from __future__ import annotations

import threading
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class Memory(KeyringBackend):
    priority = 1.0
    items: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.items.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.items[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.items[service, username]


class Trimming(Memory):
    """Keeps something else than it was given."""

    def set_password(self, service: str, username: str, password: str) -> None:
        self.items[service, username] = password.strip()


class Silent(Memory):
    """Waits for somebody who never comes."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        raise AssertionError


class Locked(Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"canary-text of {username}")
