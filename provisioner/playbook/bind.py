"""The canonical document → a Playbook, with every problem at once. Pure; knows nothing of engines or kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from provisioner.errors import PlaybookInvalid
from provisioner.model.address import Address
from provisioner.model.playbook import EngineChoice, Move, Playbook, Waiver
from provisioner.playbook.backups import bind_backup
from provisioner.playbook.checks import bind_checks
from provisioner.playbook.crossref import contradictions, mode_of
from provisioner.playbook.fields import Fields, Problems
from provisioner.playbook.objects import bind_objects
from provisioner.playbook.services import bind_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.document.sources import Document
    from provisioner.model.node import Node
    from provisioner.model.span import Problem

_MOVED = ("service", "network", "volume", "config", "secret")
_MODES = ("auto", "containers", "swarm")


def bind(document: Document) -> Playbook:
    """The bound playbook. Raises `PlaybookInvalid` with all problems that leave it without a meaning.

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
    services = bind_services(root.get("services"), project, problems)
    volumes = bind_objects(root.get("volumes"), "volumes", project, problems)
    playbook = Playbook(
        name=document.name,
        environment=document.environment,
        project=project,
        directory=str(document.directory),
        files=tuple(str(file) for file in document.files),
        root=root,
        engine=_engine(root, problems),
        services=services,
        networks=bind_objects(root.get("networks"), "networks", project, problems),
        volumes=volumes,
        configs=bind_objects(root.get("configs"), "configs", project, problems),
        secrets=bind_objects(root.get("secrets"), "secrets", project, problems),
        checks=bind_checks(root.get("verify"), services, document.inactive, document.profiles, problems),
        waivers=_waivers(root.get("lint"), problems),
        unused=document.unused,
        inactive=document.inactive,
        undeployed=document.undeployed,
        moved=_moves(root, problems),
        backup=bind_backup(root, str(document.directory), problems),
        unset=frozenset(problem.span for problem in document.unset if problem.span is not None),
    )
    return playbook, tuple(problems.found)


def _engine(root: Node, problems: Problems) -> EngineChoice:
    section = Fields(root, "", problems).mapping("engine")
    if section is None:
        return EngineChoice()
    section.only("mode", "context", "host", "compose_labels")
    context, host = section.text("context"), section.text("host")
    mode = section.choice("mode", _MODES) or "auto"
    labels = section.boolean("compose_labels") is not False
    return EngineChoice(cast("Literal['auto', 'containers', 'swarm']", mode), context, host, labels)


def _moves(root: Node, problems: Problems) -> tuple[Move, ...]:
    found: dict[Address, Move] = {}
    for index, item in enumerate(Fields(root, "", problems).items("moved")):
        path = f"moved.{index}"
        if not item.is_mapping:
            problems.expected("a mapping with from and to", item, path)
            continue
        entry = Fields(item, path, problems).only("from", "to")
        source, target = _movable(entry, "from", problems), _movable(entry, "to", problems)
        if source is None or target is None:
            continue
        if source.kind != target.kind or source == target:
            problems.add(f"{source} can not become {target}", item.span, path, "name two addresses of one kind")
        elif any(source == other.source or target == other.target for other in found.values()):
            problems.add(f"{source} or {target} is moved twice", item.span, path, "keep one of the two")
        else:
            found[source] = Move(source, target, item.span)
            if circle := _circle(found, source):
                way = " -> ".join(map(str, circle))
                problems.add(f"{way} is a circle", item.span, path, "an object has one address in the end")
    return tuple(found.values())


def _circle(moves: Mapping[Address, Move], start: Address) -> list[Address]:
    """The addresses from `start` to `start`; empty where moves do not come back there."""
    way = [start]
    while (move := moves.get(way[-1])) is not None and way[-1] not in way[:-1]:
        way.append(move.target)
    return way if len(way) > 1 and way[-1] == start else []


def _movable(entry: Fields, key: str, problems: Problems) -> Address | None:
    text = entry.text(key)
    address = Address.parse(text) if text else None
    if text and (address is None or address.index or address.kind not in _MOVED):
        problems.add(
            f"{text!r} is no address that can be moved", entry.node.mapping[key].span, entry.at(key),
            f"write KIND.NAME, with a kind of {', '.join(_MOVED)}",
        )  # fmt: skip
        return None
    return address


def _waivers(section: Node | None, problems: Problems) -> tuple[Waiver, ...]:
    if section is None or section.value is None:
        return ()
    if not section.is_mapping:
        problems.expected("a mapping", section, "lint")
        return ()
    fields = Fields(section, "lint", problems).only("ignore")
    waivers = []
    for index, item in enumerate(fields.items("ignore")):
        path = f"lint.ignore.{index}"
        if not item.is_mapping:
            problems.expected("a mapping with rule and reason", item, path)
            continue
        entry = Fields(item, path, problems).only("rule", "service", "reason")
        rule, reason, service = entry.text("rule"), entry.text("reason"), entry.text("service")
        if not rule:
            problems.add("has no 'rule'", item.span, path, "name the rule, such as P001")
        if not (reason or "").strip():
            problems.add("has no 'reason'", item.span, path, "say why the finding is accepted")
        if rule and reason:
            waivers.append(Waiver(rule, reason.strip(), service, item.span))
    return tuple(waivers)
