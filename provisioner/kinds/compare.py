"""The one comparison of two specs of a kind: every field, both sides complete. Knows no kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.model.change import FieldChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from provisioner.kinds.fields import Field
    from provisioner.model.node import JSON
    from provisioner.model.positions import Positions
    from provisioner.model.span import Span
    from provisioner.model.state import Spec

_SECRET_NAME = re.compile(r"(?i)pass(word|wd|phrase)?(?![a-z])|secret|token|credential|private|api_?key|access_?key")
_URL_PASSWORD = re.compile(r"://[^/@\s:]*:[^/@\s]+@")


def compare(
    fields: Sequence[Field],
    desired: Spec,
    observed: Spec,
    spans: Positions | None = None,
    declared: frozenset[str] = frozenset(),
) -> tuple[FieldChange, ...]:
    """What must change on the observed side, in the order of the fields. Equal specs give nothing.

    `declared` are the paths that were declared when the object was made; see `declared_fields`.
    """
    changes: list[FieldChange] = []
    for field in fields:
        after, before = desired.get(field.key, field.default), observed.get(field.key, field.default)
        if field.align:
            after, before = field.align(desired, observed, declared)
        if after == before:
            continue
        if field.chosen:
            before = _declared_part(field.key, before, None if after == field.default else after, declared)
            if before is None and after == field.default:
                continue
        changes.extend(
            FieldChange(
                path=path,
                before=old,
                after=new,
                impact=field.impact_of(path, new) if field.impact_of else field.impact,
                sensitive=looks_secret(path, old) or looks_secret(path, new),
                unit=field.unit,
                span=_position(field, path, spans) if spans else None,
            )
            for path, old, new in _differences(field.key, before, after, keyed=field.keyed)
        )
    return tuple(changes)


def _position(field: Field, path: str, spans: Positions) -> Span | None:
    """Where a field, or a part of it, is declared: under the first of its sources that is."""
    below = path.removeprefix(field.key)
    sources = [source for source in field.sources or (field.key,) if spans.has(source)]
    return next((spans.get(source + below) for source in sources), None)


def declared_fields(fields: Sequence[Field], spec: Spec) -> list[str]:
    """What a spec declares that an engine would choose otherwise, as paths.

    They are recorded on the object, as they can not be read back.
    """
    chosen = [field for field in fields if field.chosen and spec[field.key] != field.default]
    paths = {path for field in chosen for path in _leaves(field.key, spec[field.key])}
    paths.update(path for field in fields if field.declares for path in field.declares(spec[field.key]))
    return sorted(paths)


def paths_that_run(fields: Sequence[Field], declared: Iterable[str], differences: Iterable[FieldChange]) -> list[str]:
    """Those of the declared paths at which nothing differs. What an engine chooses is one thing (a driver with its
    options), unless it is a mapping with keys of the user's own, such as limits."""
    differing = [difference.path for difference in differences]
    whole = [field.key for field in fields if field.chosen and field.default != {}]
    differing += [key for key in whole if any(_overlap(key, path) for path in differing)]
    return sorted(path for path in declared if not any(_overlap(path, other) for other in differing))


def _overlap(path: str, other: str) -> bool:
    """Whether one of two dotted paths is the other, or within it."""
    return f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}.")


def _leaves(path: str, value: JSON) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}", item)
    else:
        yield path


def _declared_part(path: str, before: JSON, after: JSON, declared: frozenset[str]) -> JSON:
    """What the engine has of a chosen value, without the parts that it chose itself; None where nothing is left."""
    if isinstance(before, dict) and isinstance(after, dict | None):
        wanted = after or {}
        parts = {
            key: _declared_part(f"{path}.{key}", value, wanted.get(key), declared) for key, value in before.items()
        }
        left: JSON = {key: value for key, value in parts.items() if value is not None}
        return left if left or after is not None else None
    return before if after is not None or path in declared else None


def looks_secret(path: str, value: JSON) -> bool:
    """Whether a plain value is better not shown: its name speaks of a secret, or a URL carries a password."""
    if not isinstance(value, str):
        return False
    name = path.rpartition(".")[2]
    if _URL_PASSWORD.search(value):
        return True
    return bool(_SECRET_NAME.search(name)) and not name.upper().endswith("_FILE")


def _differences(path: str, before: JSON, after: JSON, *, keyed: bool) -> Iterator[tuple[str, JSON, JSON]]:
    if before == after:
        return
    if keyed and isinstance(before, dict | None) and isinstance(after, dict | None) and (before or after):
        old, new = before or {}, after or {}
        for key in sorted(old.keys() | new.keys()):
            both = isinstance(old.get(key), dict) and isinstance(new.get(key), dict)
            yield from _differences(f"{path}.{key}", old.get(key), new.get(key), keyed=both)
        return
    yield path, before, after
