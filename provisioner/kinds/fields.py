"""A field of a kind: how it is read from a playbook, written to the Engine API, read back, and what a change costs.

From these rows come the comparison, the encoding, the support matrix and the generated tests. Knows no kind.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.model.change import Impact
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from provisioner.kinds.context import DecodeContext, EncodeContext, ParseContext
    from provisioner.model.edges import ComposeBody, EngineBody, EngineJson
    from provisioner.model.state import ImageFacts, Spec

EMPTY: tuple[Any, ...] = (None, "", 0, False, [], {})


def get_path(raw: EngineJson, path: str) -> Any:
    """The value under a dotted path, or None where a part of it is missing."""
    value: Any = raw
    for part in _parts(path):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


@cache
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def is_empty(value: Any) -> bool:
    """Whether a value is one of `EMPTY`."""
    return not value and value in EMPTY


def set_path(raw: EngineBody, path: str, value: Any) -> None:
    """Set the value under a dotted path, making the mappings on the way."""
    *parents, last = path.split(".")
    for part in parents:
        raw = raw.setdefault(part, {})
    raw[last] = value


@dataclass(frozen=True, slots=True)
class Refused:
    """A Swarm service can not have it: a playbook that declares it is refused. `instead` says what to do."""

    instead: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """It has no effect on a Swarm, and a plan says so, with the reason."""

    why: str


@dataclass(frozen=True, slots=True)
class PartOf:
    """A Swarm service has it within another field, which is called `key`."""

    key: str


@dataclass(frozen=True, slots=True)
class OnSwarm:
    """A Swarm service has it at `api` of its ServiceSpec.

    `into` turns the container's value into the engine's, `out` the engine's into the container's. What is said quite
    differently there has its own `parse`, `encode` and `decode`, and its own `default`. `since` is the first Engine API
    version whose Swarm has it; an older one leaves it out without a word.
    """

    api: str
    into: Callable[[Any], Any] | None = None
    out: Callable[[Any], Any] | None = None
    parse: Callable[[ComposeBody, ParseContext], Any] | None = None
    encode: Callable[[EngineBody, Any, EncodeContext], None] | None = None
    decode: Callable[[EngineBody, DecodeContext], Any] | None = None
    default: Any = None
    since: tuple[int, int] = (1, 24)


@dataclass(frozen=True, slots=True)
class Same:
    """Objects of this kind are the same in both modes."""


SAME = Same()
SwarmAnswer = OnSwarm | PartOf | Refused | Ignored | Same


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `key` is its Compose key and its path in differences.

    `swarm` says what a Swarm makes of it; there is no field of which that is not said. `sources` are the dotted paths
    in the canonical body from which it is read, where that is not just its key.
    `keyed` compares a mapping entry by entry. `chosen` marks a value that the engine picks when nobody declares it:
    it is compared only when it is declared, or was declared when the object was made. `since` is the first
    Engine API version that has it. `explicit` marks a field of which zero, false, "" and [] are values like others;
    of any other field they mean the default, wherever the value comes from, and are not written.

    How it is compared where it is not as simple as that: `beyond_image` gives its value without what the image gives
    anyway (spec, image, and whether the spec is that of a live object); `align` both values, the desired one and the
    observed one, without what only one side can know (desired spec, observed spec, paths that were declared when the
    object was made); `impact_of` what one change costs (its path, and the value after it); `declares` the paths that
    are recorded on the object beside those of chosen fields, as they can not be read back.
    """

    key: str
    impact: Impact
    summary: str
    api: str
    parse: Callable[[ComposeBody, ParseContext], Any]
    encode: Callable[[EngineBody, Any, EncodeContext], None]
    decode: Callable[[EngineBody, DecodeContext], Any]
    swarm: SwarmAnswer
    sources: tuple[str, ...] = ()
    default: Any = None
    unit: str = ""
    keyed: bool = False
    chosen: bool = False
    explicit: bool = False
    since: tuple[int, int] = (1, 24)
    beyond_image: Callable[[Spec, ImageFacts, bool], Any] | None = None
    align: Callable[[Spec, Spec, frozenset[str]], tuple[Any, Any]] | None = None
    impact_of: Callable[[str, Any], Impact] | None = None
    declares: Callable[[Any], Iterable[str]] | None = None

    def is_unset(self, value: Any) -> bool:
        """Whether a value says no more than that the field is not set.

        Where the default itself is not empty (true, a name), false and zero are values.
        """
        if value is None or self.explicit:
            return value is None
        return is_empty(value) if is_empty(self.default) else value in (None, "")

    def canonical(self, value: Any) -> Any:
        """The value as it is compared: the default for one that sets nothing."""
        return self.default if self.is_unset(value) else value


def parse_fields(fields: Sequence[Field], body: ComposeBody, context: ParseContext) -> Spec:
    """The spec that a canonical body declares: every field is there."""
    return {field.key: field.canonical(field.parse(body, context)) for field in fields}


def encode_fields(fields: Sequence[Field], raw: EngineBody, spec: Spec, context: EncodeContext) -> None:
    """Write what a spec sets into a body of the Engine API."""
    for field in fields:
        if not field.is_unset(spec[field.key]):
            field.encode(raw, spec[field.key], context)


def decode_fields(fields: Sequence[Field], raw: EngineBody, context: DecodeContext) -> Spec:
    """The spec of an object from its inspection: every field is there."""
    return {field.key: field.canonical(field.decode(raw, context)) for field in fields}


def custom(
    key: str,
    api: str,
    summary: str,
    parse: Callable[[ComposeBody], Any],
    encode: Callable[[EngineBody, Any], None],
    decode: Callable[[EngineBody], Any],
    *,
    impact: Impact = Impact.REPLACE,
    **more: Any,
) -> Field:
    """A field with its own way to be read and written, which needs nothing beside the value."""
    return Field(
        key=key, impact=impact, summary=summary, api=api, parse=lambda body, _: parse(body),
        encode=lambda raw, value, _: encode(raw, value), decode=lambda raw, _: decode(raw), **more,
    )  # fmt: skip


def on_swarm(
    api: str,
    encode: Callable[[EngineBody, Any], None],
    decode: Callable[[EngineBody], Any],
    parse: Callable[[ComposeBody], Any] | None = None,
    default: Any = None,
) -> OnSwarm:
    """What a Swarm service has in its own form, which needs nothing beside the value."""
    return OnSwarm(
        api, parse=(lambda body, _: parse(body)) if parse else None, default=default,
        encode=lambda raw, value, _: encode(raw, value), decode=lambda raw, _: decode(raw),
    )  # fmt: skip


def plain(
    key: str,
    api: str,
    summary: str,
    *,
    swarm: SwarmAnswer,
    default: Any = None,
    sources: tuple[str, ...] = (),
    into: Callable[[Any], Any] | None = None,
    out: Callable[[Any], Any] | None = None,
    read: Callable[[Any], Any] | None = None,
    **more: Any,
) -> Field:
    """A field that is one value in the playbook and one in the Engine API.

    `sources` are its dotted paths in the canonical body, of which the first that is there holds (default: the key).
    `read` turns the canonical value into the spec's, `into` the spec's into the engine's, `out` the engine's into the
    spec's.
    """
    paths = sources or (key,)

    def parse(body: ComposeBody) -> Any:
        value = next((given for path in paths if (given := get_path(body, path)) is not None), None)
        return read(value) if read and value is not None else value

    def encode(raw: EngineBody, value: Any) -> None:
        if value != default:
            set_path(raw, api, into(value) if into else value)

    def decode(raw: EngineBody) -> Any:
        value = get_path(raw, api)
        return out(value) if out and value is not None else value

    return custom(key, api, summary, parse, encode, decode, swarm=swarm, default=default, sources=sources, **more)


def service_field(field: Field) -> Field | None:
    """The field of a Swarm service that a container's field becomes; None where it has no field of its own there.

    A service's tasks are replaced by the Swarm itself, so that every change of it is one in place.
    """
    own = field.swarm
    if not isinstance(own, OnSwarm):
        return None
    default = field.default if own.parse is None or own.default is None else own.default

    def encode(raw: EngineBody, value: Any, _: EncodeContext) -> None:
        set_path(raw, own.api, own.into(value) if own.into else value)

    def decode(raw: EngineBody, _: DecodeContext) -> Any:
        value = get_path(raw, own.api)
        return own.out(value) if own.out and value is not None else value

    return Field(
        key=field.key, impact=Impact.IN_PLACE, summary=field.summary, api=own.api, default=default, unit=field.unit,
        keyed=field.keyed or isinstance(default, dict), explicit=field.explicit, parse=own.parse or field.parse,
        encode=own.encode or encode, decode=own.decode or decode, swarm=SAME, since=own.since, sources=field.sources,
    )  # fmt: skip
