"""The events of commands that an engine runs in containers as their health checks, apart from those of people."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from provisioner.model.edges import EngineJson
    from provisioner.ports import EngineReader

_SHELL = ("/bin/sh", "-c")


class HealthExecs:
    """Tells them by the command, which is in the action of an event (`exec_create: COMMAND`), and by the id of their
    ends, which have none. Asks for each container once.
    """

    def __init__(self) -> None:
        self._commands: dict[str, str] = {}
        self._running: set[str] = set()

    def has(self, raw: EngineJson, engine: EngineReader) -> bool:
        """Whether an event is of the health check that its container has."""
        word, _, command = str(raw.get("Action")).partition(":")
        if raw.get("Type") != "container" or not word.startswith("exec_"):
            return False
        actor = raw.get("Actor") or {}
        identity = str((actor.get("Attributes") or {}).get("execID") or "")
        if not command:
            known = identity in self._running
            self._running.discard(identity)
            return known
        check = self._command(str(actor.get("ID") or ""), engine)
        if not check or command.strip() != check:
            return False
        self._running.add(identity)
        return True

    def _command(self, container: str, engine: EngineReader) -> str:
        """The command of a container's health check as events write it; empty where none is known."""
        if container not in self._commands:
            raw: EngineJson = {}
            with suppress(ProvisionError):
                raw = engine.inspect("container", container) or {}
            config = raw.get("Config") or {}
            kind, *words = (config.get("Healthcheck") or {}).get("Test") or [""]
            shell = (config.get("Shell") or _SHELL) if kind == "CMD-SHELL" else ()
            self._commands[container] = " ".join((*shell, *words)).strip()
        return self._commands[container]
