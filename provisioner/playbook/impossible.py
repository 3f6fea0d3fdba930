"""What a check says of a value that no engine carries out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from provisioner.model.span import Span

_SHOWN = 80


class Impossible(NamedTuple):
    """What is wrong below an object: the keys that lead there, what to say, how to mend it."""

    keys: tuple[str, ...]
    span: Span
    message: str
    hint: str


def shown(value: object) -> str:
    """A value in a message, cut where it is very long."""
    text = str(value)
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}…'"
