"""An engine that is changed only while a lease is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from provisioner.ports import EngineWriter

if TYPE_CHECKING:
    from collections.abc import Callable

# Every method by which an engine is changed: those of EngineWriter beside those of EngineReader.
_CHANGES = frozenset(name for name in vars(EngineWriter) if not name.startswith("_"))


def fenced(engine: EngineWriter, require: Callable[[], None]) -> EngineWriter:
    """The engine, with `require` called before each change; what it raises stops the change."""
    return cast("EngineWriter", _Fenced(engine, require))


def require_held(engine: EngineWriter) -> None:
    """Raise what a change would raise where the engine is fenced and the lease is lost; else nothing happens."""
    if isinstance(engine, _Fenced):
        engine.require()


class _Fenced:
    def __init__(self, engine: EngineWriter, require: Callable[[], None]) -> None:
        self._engine = engine
        self.require = require

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._engine, name)
        if name not in _CHANGES:
            return attribute

        def call(*arguments: Any, **named: Any) -> Any:
            self.require()
            return attribute(*arguments, **named)

        return call
