"""How long the names of objects may be on an engine: found in the file, before anything is made. Pure.

Swarm: networks and services 63 characters, configs and secrets 64. Every engine: volumes 255, which are folders of
their name; an engine 20.10 takes names of 400 characters for containers and for networks outside a Swarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.kinds.container_mounts import ROOTS
from provisioner.kinds.swarm_file import LONGEST_NAME
from provisioner.model.span import Problem, Verdict, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.playbook import Declared, Playbook

LONGEST_VOLUME = 255
# What stands after a service's name in that of a volume with its files: a dot, the kind, a dot, twelve digits.
_SUFFIX = max(len(kind) for kind in ROOTS) + 14


# The longest names by kind of object.
ON_ENGINE = {"volume": LONGEST_VOLUME}
ON_SWARM = {**ON_ENGINE, "network": 63, "config": LONGEST_NAME, "secret": LONGEST_NAME}


def name_problems(playbook: Playbook, limits: Mapping[str, int]) -> Iterator[Verdict]:
    """Every object whose name is longer than its kind's can be, at its place."""
    for kind, limit in limits.items():
        declared: dict[str, Declared] = dict(getattr(playbook, f"{kind}s"))
        for key, declaration in declared.items():
            # Those of a Swarm's own configs and secrets are made short where they are made.
            if len(declaration.name) > limit and (kind in ("volume", "network") or declaration.external):
                yield Verdict(True, _problem(declaration.name, limit, declaration, f"{kind}s.{key}"))


def file_volume_problems(playbook: Playbook) -> Iterator[Verdict]:
    """Every service whose name is too long for the volume with its configs or secrets."""
    for name, service in playbook.services.items():
        carries = any(service.body.get(kind) is not None for kind in ROOTS)
        longest = f"{playbook.project}_{name}"
        if carries and len(longest) + _SUFFIX > LONGEST_VOLUME:
            text = f"the volume with its configs or secrets has a name longer than {LONGEST_VOLUME} characters"
            span = service.span or service.body.span
            yield refusal(text, span, f"services.{name}", "shorten the service's name")


def _problem(name: str, limit: int, declared: Declared, path: str) -> Problem:
    shown = name if len(name) <= 80 else f"{name[:60]}…"
    text = f"its name on the engine, {shown}, has {len(name)} characters, and can have {limit}"
    return Problem(text, declared.body.span, path, "give it a shorter `name:`, or shorten the project's name")
