"""A field of a kind: how it is read from a playbook, written to the Engine API, read back, and what a change costs.

From these rows come the comparison, the encoding, the support matrix and the generated tests. Knows no kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provisioner.model.change import Impact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The engine's own JSON, and a playbook's canonical body: shapes are theirs, so they stay loosely typed here.
Raw = dict[str, Any]
EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})


def get_path(raw: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path, or None where a part of it is missing."""
    value: Any = raw
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def set_path(raw: Raw, path: str, value: Any) -> None:
    """Set the value under a dotted path, making the mappings on the way."""
    *parents, last = path.split(".")
    for part in parents:
        raw = raw.setdefault(part, {})
    raw[last] = value


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `key` is its Compose key and its path in differences.

    `keyed` compares a mapping entry by entry. `chosen` marks a value that the engine picks when nobody declares it:
    it is compared only when it is declared, or was declared when the object was made. `since` is the first
    Engine API version that has it. `explicit` marks a field of which zero, false, "" and [] are values like others;
    of any other field they mean the default, wherever the value comes from.
    """

    key: str
    impact: Impact
    summary: str
    api: str
    parse: Callable[[Raw], Any]
    encode: Callable[[Raw, Any], None]
    decode: Callable[[Raw], Any]
    default: Any = None
    unit: str = ""
    keyed: bool = False
    chosen: bool = False
    explicit: bool = False
    since: tuple[int, int] = (1, 24)
    impacts: Mapping[str, Impact] = field(default_factory=dict)

    def is_unset(self, value: Any) -> bool:
        """Whether a value says no more than that the field is not set."""
        return is_unset(value, self.default, explicit=self.explicit)

    def canonical(self, value: Any) -> Any:
        """The value as it is compared: the default for one that sets nothing."""
        return self.default if self.is_unset(value) else value


def is_unset(value: Any, default: Any, *, explicit: bool) -> bool:
    """Whether a value means a field's default: see `Field.explicit`.

    Where the default itself is not empty (true, a name), false and zero are values.
    """
    if explicit:
        return value is None
    return value in EMPTY if default in EMPTY else value in (None, "")


def plain(
    key: str,
    api: str,
    summary: str,
    *,
    impact: Impact = Impact.REPLACE,
    default: Any = None,
    source: str | None = None,
    into: Callable[[Any], Any] | None = None,
    out: Callable[[Any], Any] | None = None,
    read: Callable[[Any], Any] | None = None,
    unit: str = "",
    keyed: bool = False,
    chosen: bool = False,
    explicit: bool = False,
    since: tuple[int, int] = (1, 24),
) -> Field:
    """A field that is one value in the playbook and one in the Engine API.

    `source` is its dotted path in the canonical body (default: the key), `read` turns the canonical value into the
    spec's, `into` the spec's into the engine's, `out` the engine's into the spec's. Empty values mean the default,
    unless the field is `explicit`: then false and zero are values like others.
    """
    path = source or key

    def parse(body: Raw) -> Any:
        value = get_path(body, path)
        value = read(value) if read and value is not None else value
        return default if is_unset(value, default, explicit=explicit) else value

    def encode(raw: Raw, value: Any) -> None:
        if value != default:
            set_path(raw, api, into(value) if into else value)

    def decode(raw: Raw) -> Any:
        value = get_path(raw, api)
        if is_unset(value, default, explicit=explicit):
            return default
        return out(value) if out else value

    return Field(
        key=key, impact=impact, summary=summary, api=api, parse=parse, encode=encode, decode=decode,
        default=default, unit=unit, keyed=keyed, chosen=chosen, explicit=explicit, since=since,
    )  # fmt: skip
