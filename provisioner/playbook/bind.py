"""The canonical document → a Playbook, with every problem at once. Pure; knows nothing of engines or kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from provisioner.errors import PlaybookInvalid
from provisioner.model.address import Address
from provisioner.model.node import items_of
from provisioner.model.playbook import EngineChoice, Move, Playbook, Waiver
from provisioner.playbook.backups import bind_backup
from provisioner.playbook.checks import bind_checks
from provisioner.playbook.crossref import contradictions, mode_of
from provisioner.playbook.fields import Problems, flag_of, text_of
from provisioner.playbook.objects import bind_objects
from provisioner.playbook.services import bind_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.document.sources import Document
    from provisioner.model.node import Node
    from provisioner.model.span import Problem

_MOVED = ("service", "network", "volume", "config", "secret")


def bind(document: Document) -> Playbook:
    """The bound playbook. Raises `PlaybookInvalid` with all problems that leave it without a meaning, TypeError or
    ValueError for a document that is not as the document layer makes them.

    What is well formed and can not be carried out is found by `contradictions`; it is told too when there are others.
    """
    playbook, problems = bind_in_spite(document)
    if problems:
        raise PlaybookInvalid([*problems, *contradictions(playbook, mode_of(playbook))])
    return playbook


def bind_in_spite(document: Document) -> tuple[Playbook, tuple[Problem, ...]]:
    """The bound playbook with all problems that leave it without a meaning; with some, it is good for finding more."""
    problems = Problems()
    root, project = document.root, document.project
    playbook = Playbook(
        name=document.name,
        environment=document.environment,
        project=project,
        directory=str(document.directory),
        files=tuple(str(file) for file in document.files),
        documents=document.documents,
        in_reach={use.name: use.value for use in document.variables if use.value is not None},
        root=root,
        engine=_engine(root.get("engine")),
        services=bind_services(root, project),
        networks=bind_objects(root, "networks", project),
        volumes=bind_objects(root, "volumes", project),
        configs=bind_objects(root, "configs", project),
        secrets=bind_objects(root, "secrets", project),
        checks=tuple(bind_checks(root, document.inactive, document.profiles)),
        waivers=tuple(
            Waiver(
                text_of(item, "rule") or "",
                (text_of(item, "reason") or "").strip(),
                text_of(item, "service"),
                item.span,
            )
            for item in items_of(root.get("lint", "ignore"))
        ),
        unused=document.unused,
        inactive=document.inactive,
        undeployed=document.undeployed,
        moved=_moves(root, problems),
        backup=bind_backup(root, str(document.directory)),
        unset=frozenset(problem.span for problem in document.unset if problem.span is not None),
    )
    return playbook, tuple(problems.entries)


def _engine(section: Node | None) -> EngineChoice:
    mode = cast("Literal['auto', 'containers', 'swarm']", text_of(section, "mode") or "auto")
    labels = flag_of(section, "compose_labels") is not False
    return EngineChoice(mode, text_of(section, "context"), text_of(section, "host"), labels)


def _moves(root: Node, problems: Problems) -> tuple[Move, ...]:
    moves: dict[Address, Move] = {}
    for index, item in enumerate(items_of(root.get("moved"))):
        path = f"moved.{index}"
        source, target = _movable(item, "from", path, problems), _movable(item, "to", path, problems)
        if source is None or target is None:
            continue
        if source.kind != target.kind or source == target:
            problems.add(f"{source} can not become {target}", item.span, path, "name two addresses of one kind")
        elif any(source == other.source or target == other.target for other in moves.values()):
            problems.add(f"{source} or {target} is moved twice", item.span, path, "keep one of the two")
        else:
            moves[source] = Move(source, target, item.span)
            if circle := _circle(moves, source):
                way = " -> ".join(map(str, circle))
                problems.add(f"{way} is a circle", item.span, path, "an object has one address in the end")
    return tuple(moves.values())


def _circle(moves: Mapping[Address, Move], start: Address) -> list[Address]:
    """The addresses from `start` to `start`; empty where moves do not come back there."""
    way = [start]
    while (move := moves.get(way[-1])) is not None and way[-1] not in way[:-1]:
        way.append(move.target)
    return way if len(way) > 1 and way[-1] == start else []


def _movable(entry: Node, key: str, path: str, problems: Problems) -> Address | None:
    text = text_of(entry, key)
    address = Address.parse(text) if text else None
    if text and (address is None or address.index or address.kind not in _MOVED):
        problems.add(
            f"{text!r} is no address that can be moved", entry.mapping[key].span, f"{path}.{key}",
            f"write KIND.NAME, with a kind of {', '.join(_MOVED)}",
        )  # fmt: skip
        return None
    return address
