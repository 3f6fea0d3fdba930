"""Containers that are stopped within a time that the command line says (`--timeout`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provisioner.ports import EngineWriter


class WithGrace:
    """An engine that stops every container within the same time (seconds)."""

    def __init__(self, engine: EngineWriter, grace: float) -> None:
        self._engine = engine
        self._grace = grace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def stop(self, container_id: str, *, grace: float | None = None) -> None:
        self._engine.stop(container_id, grace=self._grace)
