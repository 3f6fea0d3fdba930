"""`clone`: the data of one environment into another, masked there before anybody can reach them.

A backup of the one, a restore into the other. What the other had is kept beside; a mask that fails, like everything
that fails, puts it back. Unmasked data are only ever in services that publish no port and share no network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.app.backup import open_saving, take_backup
from provisioner.app.backup_sources import find_sources, start_order
from provisioner.app.load import load_document, load_playbook
from provisioner.app.restore import RestoreResult, finished, held_for, opened
from provisioner.app.restore_plan import Origin, origin_of, plan_restore
from provisioner.app.restore_steps import Course, Work
from provisioner.app.restore_work import Restoration
from provisioner.backup.archive import find_archive
from provisioner.backup.retention import CLONED
from provisioner.backup.volumes import recover
from provisioner.errors import ProvisionError, UsageError
from provisioner.model.backup import Part
from provisioner.model.event import Notice
from provisioner.model.node import from_plain
from provisioner.model.span import Problem, Span
from provisioner.playbook.bind import bind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.backup import Saving
    from provisioner.app.backup_sources import Sources
    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.app.restore import Options
    from provisioner.app.restore_plan import RestorePlan
    from provisioner.document import Document
    from provisioner.model.backup import Manifest
    from provisioner.model.playbook import Playbook
    from provisioner.ports import Interrupt, Listener


def clone(
    source: Request,
    target: Request,
    options: Options,
    *,
    approve: Callable[[RestorePlan], bool],
    command: str,
    listener: Listener,
    interrupt: Interrupt,
) -> RestoreResult:
    """Look, ask, back the source up, restore that into the target, mask it there, let everything start, verify.

    `command` is what finishes it where it is killed. ProvisionError, and the target has its own data, where it fails.
    """
    load_playbook(target, feasible=True)
    of_source, of_target = open_saving(source), open_saving(target, places_needed=False)
    _require_two(of_source, of_target)
    if of_source.playbook.backup.recipients and not options.identity:
        raise ProvisionError(
            f"archives of {of_source.playbook.title} are encrypted", hint="name the key file: --identity FILE"
        )
    masks = _masks(of_target.playbook)
    with held_for(of_target, options, listener) as held:
        recover(of_target.engine, of_target.project)
        sources = find_sources(of_source.playbook, of_source.engine, of_source.platform, ())
        origin = Origin(f"the data of {of_source.playbook.title}", of_source.playbook.title, "", command)
        replaces, prune = options.replace, options.prune
        planned = _planned(sources, of_source.engine.volume_sizes())
        plan = plan_restore(of_target, origin, planned, replace=replaces, prune=prune, masks=masks)
        problems = _problems(of_source, of_target, plan)
        plan = replace(plan, refusals=(*plan.refusals, *problems))
        if not approve(plan) or plan.refusals:
            return RestoreResult(plan)
        manifest = _backup(of_source, options, of_target.playbook.title, listener, interrupt)
        archive = find_archive(of_source.places, of_source.project, manifest.id)
        identities = opened(archive, options.identity, listener)
        agreed = replace(origin_of(archive), command=command)
        plan = plan_restore(of_target, agreed, manifest.parts, replace=replaces, prune=prune, masks=masks)
        if plan.refusals:
            return RestoreResult(plan)
        with interrupt.deferred():
            work = Work(target, of_target, held, listener, interrupt)
            closed = Course(closed_playbook(load_document(target), of_target.platform)) if masks else None
            return finished(Restoration(work, plan, archive, identities, closed=closed), options)


def closed_playbook(document: Document, platform: Platform) -> Playbook:
    """The playbook with services that nobody outside can reach: without ports, and without networks of others."""
    tree: Any = document.root.plain()
    networks: Mapping[str, Any] = tree.get("networks") or {}
    foreign = {key for key, body in networks.items() if (body or {}).get("external")}
    for service in (tree.get("services") or {}).values():
        service.pop("ports", None)
        joined = service.get("networks") or {}
        own = {key: attachment for key, attachment in joined.items() if key not in foreign}
        if joined and not own:
            service.pop("networks")
            # A task without networks has none; a container gets the engine's own unless it says so.
            if platform.joins_default:
                service["network_mode"] = "none"
        elif joined:
            service["networks"] = own
    return bind(replace(document, root=from_plain(tree, Span("the closed services"))))


def _masks(playbook: Playbook) -> tuple[str, ...]:
    """The services whose data are masked, those that others need first."""
    services = playbook.services
    return tuple(name for name in start_order(playbook) if (said := services[name].backup) is not None and said.mask)


def _planned(sources: Sources, sizes: Mapping[str, int]) -> Sequence[Part]:
    """What an archive of these would hold, as far as that is known before it is made: the sizes of volumes, where the
    engine tells them, else -1."""
    dumps = [_part("dump", f"service.{dump.service}", -1, dump.backup.replaces) for dump in sources.dumps]
    volumes = [_part("volume", f"volume.{volume.key}", sizes.get(volume.name, -1)) for volume in sources.volumes]
    return (*dumps, *volumes)


def _part(kind: Any, address: str, size: int, replaces: tuple[str, ...] = ()) -> Part:
    return Part(kind, address, "", size, "", size, "", "", "", replaces=replaces)


def _backup(of_source: Saving, options: Options, title: str, listener: Listener, interrupt: Interrupt) -> Manifest:
    def report(part: Part) -> None:
        listener(Notice(f"read {part.address} of {of_source.playbook.title}"))

    with held_for(of_source, options, listener) as held:
        return take_backup(of_source, held, (), on_item=report, reason=f"{CLONED}{title}", interrupt=interrupt)


def _require_two(of_source: Saving, of_target: Saving) -> None:
    """UsageError where both are one environment."""
    same = of_source.engine.facts().engine_id == of_target.engine.facts().engine_id
    if same and of_source.project == of_target.project:
        raise UsageError(
            f"{of_source.playbook.title} and {of_target.playbook.title} are one environment, {of_source.project}",
            hint="clone into an environment with another name",
        )


def _problems(of_source: Saving, of_target: Saving, plan: RestorePlan) -> list[Problem]:
    """What forbids this clone: data that both have, masks that are missing, services that everybody reaches."""
    problems = []
    if of_source.engine.facts().engine_id == of_target.engine.facts().engine_id:
        shared = {volume.name for volume in plan.volumes} & {
            volume.name for volume in of_source.playbook.volumes.values()
        }
        for name in sorted(shared):
            text = f"the volume {name} is that of {of_source.playbook.title} too, and would be replaced there"
            problems.append(Problem(text, hint="give it a name of its own"))
    for name in sorted({*_masks(of_source.playbook)} - {*plan.masks}):
        text = f"service.{name} of {of_source.playbook.title} has a `backup.mask`, and that of {plan.title} has none"
        said = of_source.playbook.services[name].backup
        problems.append(Problem(text, said.span if said else None, hint="say there too how its data are masked"))
    if plan.masks:
        for name, service in of_target.playbook.services.items():
            mode = service.body.get("network_mode")
            if mode is not None and mode.value == "host":
                text = (
                    f"services.{name}.network_mode: in the host's network it can be reached before its data are masked"
                )
                problems.append(Problem(text, mode.span, hint="give it a network of its own"))
    return problems
