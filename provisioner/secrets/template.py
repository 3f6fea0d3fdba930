"""Secrets put together from others: "postgres://${secret:db_user}:${secret:db_password}@postgres/app".

Only `${secret:NAME}` means something; every other character, `$` too, is taken as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import SecretUnavailable
from provisioner.model.secret import REFERENCE, Found, Held, Missing, Resolution, SecretRef, SecretValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TIER = "template"


def ingredients(template: str) -> tuple[str, ...]:
    """The secrets that a template names, each once, in order."""
    return tuple(dict.fromkeys(match["name"] for match in REFERENCE.finditer(template)))


def cycle(templates: Mapping[str, str]) -> tuple[str, ...]:
    """Secrets whose templates need each other, as a path back to its start; empty when there are none."""
    done: set[str] = set()
    for start in templates:
        path = _walk(start, templates, (), done)
        if path:
            return path
    return ()


def compose(refs: Iterable[SecretRef], resolutions: Mapping[str, Resolution]) -> Mapping[str, Resolution]:
    """The templates' own resolutions; `resolutions` has those of all other secrets, and there is no cycle.

    A missing ingredient makes a template missing. `SecretUnavailable` for one that only the engine holds.
    """
    answers = dict(resolutions)
    waiting = [ref for ref in refs if ref.template is not None]
    while waiting:
        ready = [ref for ref in waiting if all(name in answers for name in ingredients(ref.template or ""))]
        if not ready:
            raise ValueError("templates that need each other")
        for ref in ready:
            answers[ref.key] = _composed(ref, answers)
        waiting = [ref for ref in waiting if ref.key not in answers]
    return answers


def _composed(ref: SecretRef, answers: Mapping[str, Resolution]) -> Resolution:
    template = ref.template or ""
    missing = [name for name in ingredients(template) if isinstance(answers[name], Missing)]
    if missing:
        return Missing((f"template: needs {', '.join(missing)}",))
    held = [name for name in ingredients(template) if isinstance(answers[name], Held)]
    if held:
        raise SecretUnavailable(
            f"secret {ref.key}: its template needs the value of {', '.join(held)}, which the engine holds and never "
            "gives out",
            hint="take it from another tier, or let the service read the parts",
        )
    parts: list[bytes] = []
    last = 0
    for match in REFERENCE.finditer(template):
        part = answers[match["name"]]
        parts.append(template[last : match.start()].encode())
        if isinstance(part, Found):
            parts.append(part.value.reveal())
        last = match.end()
    parts.append(template[last:].encode())
    return Found(SecretValue(b"".join(parts)), "", TIER)


def _walk(name: str, templates: Mapping[str, str], path: tuple[str, ...], done: set[str]) -> tuple[str, ...]:
    if name in path:
        return (*path[path.index(name) :], name)
    if name in done or name not in templates:
        return ()
    for ingredient in ingredients(templates[name]):
        circle = _walk(ingredient, templates, (*path, name), done)
        if circle:
            return circle
    done.add(name)
    return ()
