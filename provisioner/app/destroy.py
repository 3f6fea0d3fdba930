"""`destroy`: remove what the environment owns. Volumes only when asked, protected and external ones never."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from typing import TYPE_CHECKING

from provisioner.app.adopted_names import names_of_adopted, with_names
from provisioner.app.apply import ApplyResult, require_approved
from provisioner.app.intentions import forget_all
from provisioner.app.load import load_playbook
from provisioner.app.one_offs import one_off_tasks, one_offs, remove_one_offs, without_one_offs
from provisioner.app.plan_digest import digest_removal
from provisioner.app.platform import choose_platform
from provisioner.app.take_over import own_name
from provisioner.app.wiring import SystemClock, held_lease, open_engine
from provisioner.document import Document
from provisioner.errors import PlaybookInvalid, ProvisionError, UsageError
from provisioner.kinds.ownership import PROJECT
from provisioner.kinds.tool_labels import TASK_OF
from provisioner.ledger.adoptions import one_look
from provisioner.ledger.lease import left_behind
from provisioner.ledger.records import forget_ledger, read_ledger, record_destroyed
from provisioner.ledger.revisions import playbook_of
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.dataclass import dataclass
from provisioner.model.event import Notice
from provisioner.model.node import from_plain
from provisioner.model.operation import Remove
from provisioner.model.plan import Step
from provisioner.model.span import Problem, Span
from provisioner.model.state import DesiredState, Observed
from provisioner.platforms.lowering import InputVersions
from provisioner.playbook.bind import bind
from provisioner.reconcile.adoption import former_owner, labels_of, users_of
from provisioner.reconcile.diff import diff
from provisioner.reconcile.dispatch import Calls
from provisioner.reconcile.execute import execute
from provisioner.reconcile.observe import observe
from provisioner.reconcile.planning import plan
from provisioner.reconcile.retained import declared_volumes, retained_objects, volumes_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.ledger.records import Ledger
    from provisioner.model.plan import Plan, Policy
    from provisioner.model.playbook import Playbook
    from provisioner.model.report import Report
    from provisioner.model.state import Resource
    from provisioner.playbook.crossref import Mode
    from provisioner.ports import EngineReader, EngineWriter, Interrupt, Listener
    from provisioner.reconcile.execute import Call

_REASON = "the environment is destroyed"
_HISTORY = "history"


def destroy(
    request: Request,
    policy: Policy,
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
    grace: float | None = None,
) -> ApplyResult:
    """Plan the removal of everything that is owned, ask, carry out, look again, and keep in the ledger what stayed.

    `grace` is the time (seconds) between a container's stop signal and the kill, in the place of its own.
    PlanStale when what is owned has changed since the question was asked.
    """
    playbook = load_playbook(request, allow_unset=True)
    engine = open_engine(request, playbook.engine)
    return destroy_playbook(
        playbook, engine, policy, approve=approve, listener=listener, interrupt=interrupt, grace=grace
    )  # fmt: skip


def destroy_without_files(
    request: Request,
    project: str,
    policy: Policy,
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
) -> ApplyResult:
    """`destroy` of an environment by the name of its project, as `ls` shows it: its files may be gone.

    What its last revision declares takes the place of the file. UsageError where the engine knows no such environment.
    """
    engine = open_engine(request, None)
    playbook = _as_applied_last(request, engine, project)
    return destroy_playbook(playbook, engine, policy, approve=approve, listener=listener, interrupt=interrupt)


def _as_applied_last(request: Request, engine: EngineReader, project: str) -> Playbook:
    """The playbook of the last revision; without a readable one, a playbook that declares nothing."""
    ledger = read_ledger(engine, project)
    manager = engine.facts().swarm_manager
    kinds = ("container", "network", "volume", *(("service", "config", "secret") if manager else ()))
    owned = {kind for kind in kinds if engine.list(kind, {PROJECT: project})}
    if not owned and ledger.is_empty:
        raise UsageError(
            f"the engine knows no environment '{project}'",
            hint=f"`{request.command('ls')} -a` lists those that it knows",
        )
    last = ledger.last
    mode: Mode = last.mode if last else "swarm" if owned & {"service", "config", "secret"} else "containers"
    with suppress(PlaybookInvalid):
        if last is not None:
            playbook = playbook_of(last, project)
            return replace(playbook, engine=replace(playbook.engine, mode=mode))
    root = from_plain({"name": project, "services": {}, "engine": {"mode": mode}}, Span(project))
    return bind(Document(root, project, project, None, "", ()))


def destroy_playbook(
    playbook: Playbook,
    engine: EngineWriter,
    policy: Policy,
    *,
    approve: Callable[[Plan], bool],
    listener: Listener,
    interrupt: Interrupt,
    grace: float | None = None,
) -> ApplyResult:
    """`destroy` for a playbook that is there already."""
    look = one_look(engine, playbook.project)
    removal = plan_removal(playbook, look, policy)
    if policy.volume_names:
        # What is named by its key is meant as it is now: when it is gone, that may be the key of another.
        policy = replace(policy, volume_names=_named_volumes(playbook, removal, policy))
        removal = plan_removal(playbook, look, policy)
    salt = token_hex(16)
    approved = digest_removal(removal, salt)
    if not approve(removal) or removal.refusals:
        return ApplyResult(removal)
    report = None
    ran_once = bool(one_offs(look, playbook.project) or one_off_tasks(look, playbook.project))
    if removal.steps or ran_once or left_behind(look, playbook.project) or _is_unrecorded(look, playbook, removal):
        clock = SystemClock()
        platform = choose_platform(playbook, look)
        with held_lease(engine, playbook.project, platform, listener, policy.lock_timeout) as held:
            removal = plan_removal(playbook, one_look(engine, playbook.project), policy)
            require_approved(approved, digest_removal(removal, salt))
            with interrupt.deferred():
                # They hold networks and volumes.
                fenced = held.fence(engine)
                for name in remove_one_offs(fenced, playbook.project):
                    listener(Notice(f"{name}, which was run once, is removed"))
                with platform.acts.stopping_within(fenced, playbook.project, grace) as writer:
                    calls = _WithHistory(Calls(removal, writer, {}, clock), writer, playbook.project)
                    report = execute(
                        removal, calls, parallel=policy.parallel, clock=clock, listener=listener,
                        interrupted=interrupt, keep_going=policy.keep_going, purpose="Destroying",
                    )  # fmt: skip
                report = _looked_again(report, lambda: _record(fenced, playbook, platform, policy, removal))
    return ApplyResult(removal, report)


def _looked_again(report: Report, look: Callable[[], Plan]) -> Report:
    """The report with what is left, as far as that can be seen."""
    try:
        left = look()
    except ProvisionError as error:
        return replace(report, trouble=error)
    return report if report.failures or report.interrupted else replace(report, remaining=left.changes)


def plan_removal(
    playbook: Playbook, engine: EngineReader, policy: Policy, guards: Mapping[str, bool] | None = None
) -> Plan:
    """The plan that removes what the environment owns, dependents first. Protected volumes refuse it.

    Of volumes go those that the file declares, with `policy.volumes`, and those that `policy.volume_names` names.
    `guards` tells by a volume's name whether it was protected, where the ledger that said so is gone.
    """
    policy = replace(policy, prune=True, allow_empty=True)
    ledger = read_ledger(engine, playbook.project)
    engine = without_one_offs(engine, playbook.project)
    playbook = with_names(playbook, names_of_adopted(ledger.adopted))
    platform = choose_platform(playbook, engine)
    declared = platform.lower(playbook, InputVersions())
    nothing = DesiredState(playbook.project, {})
    last = ledger.last
    known, guards = last.containers if last else {}, {**(guards or {}), **ledger.guards}
    observed = observe(engine, nothing, known, guards, _named_in(playbook))
    volumes = declared_volumes(playbook)
    changes = [
        replace(change, reason=_REASON, desired=_declaration(change, declared, volumes))
        for change in diff(nothing, observed)
        if change.action is Action.DELETE
    ]
    retained = replace(retained_objects(playbook, [revision.document for revision in ledger.revisions]), inactive={})
    removal = plan(
        playbook.title, changes, nothing, observed, policy, order=declared.resources, gone=_REASON, retained=retained
    )
    removal = replace(removal, notes=(*removal.notes, *_elsewhere(playbook, ledger, removal)))
    if used := tuple(_used_by_others(engine, removal)):
        removal = replace(removal, refusals=(*removal.refusals, *used), steps=())
    return _with_history(removal, ledger) if policy.history and not removal.refusals else removal


def _named_in(playbook: Playbook) -> dict[str, Address]:
    """The addresses of the volumes that the file names, external ones too: their keys are no other's."""
    addresses = {
        undeployed.name: Address("volume", undeployed.key)
        for undeployed in playbook.undeployed
        if undeployed.section == "volumes"
    }
    return addresses | {volume.name: Address("volume", volume.key) for volume in playbook.volumes.values()}


def _elsewhere(playbook: Playbook, ledger: Ledger, removal: Plan) -> Iterator[Problem]:
    """Where data goes: the folder that the environment was last applied from, when it is another one.

    Two checkouts of one project are as much one environment as two projects that happen to have one name.
    """
    last = ledger.last
    going = any(c.observed is not None and c.observed.kind == "volume" for c in removal.changes)
    if going and last is not None and last.directory != playbook.directory:
        by = last.applied_by.partition(",")[0]
        yield Problem(
            f"it was last applied from another folder, {last.directory}, by {by}: its data would go",
            hint="look whether that is the same project; another one needs another `name:`",
        )


def _used_by_others(engine: EngineReader, removal: Plan) -> Iterator[Problem]:
    """The volumes that are to go and that containers of others mount: no engine removes them."""
    going = [c for c in removal.changes if c.observed is not None and c.observed.kind == "volume"]
    if not going:
        return
    project, listed = removal.desired.project, engine.containers()
    own = {seen.id for seen in (*removal.observed.resources.values(), *removal.observed.leftovers)}
    for change in going:
        name = change.observed.name if change.observed else ""
        others = [
            raw
            for raw in users_of("volume", name, listed)
            if not own & {raw["Id"], labels_of(raw).get(TASK_OF)} and not _is_ours(engine, project, labels_of(raw))
        ]
        if others:
            owners = ", ".join(f"{own_name(raw)} ({former_owner(labels_of(raw))})" for raw in others)
            yield Problem(
                f"the volume {name} is mounted by containers that are not of this environment: {owners}",
                span=change.span,
                path=str(change.address),
                hint="let go of it there first; without --volumes it stays",
            )


def _is_ours(engine: EngineReader, project: str, labels: Mapping[str, str]) -> bool:
    """Whether a container is this environment's, or that of a task whose service is: such as a one-off command's. What
    is left of a service that is gone is nobody's, and goes by itself.
    """
    if TASK_OF not in labels:
        return labels.get(PROJECT) == project
    service = engine.inspect("service", labels[TASK_OF])
    return service is None or labels_of(service).get(PROJECT) == project


def _declaration(change: Change, declared: DesiredState, volumes: Mapping[str, Resource]) -> Resource | None:
    """What the file says of an object; of a volume by its name, since a key can be given to another one."""
    if change.observed is not None and change.observed.kind == "volume":
        return volumes.get(change.observed.name)
    return declared.resources.get(change.address)


def _with_history(removal: Plan, ledger: Ledger) -> Plan:
    """The plan with the deletion of the ledger as its last step."""
    numbers = [revision.number for revision in ledger.revisions]
    if ledger.is_empty:
        return removal
    count = "1 revision" if len(numbers) == 1 else f"{len(numbers)} revisions"
    reason = (
        f"{count} ({numbers[0]} to {numbers[-1]}), no rollback after it"
        if numbers
        else "what was destroyed, failed or stopped"
    )
    address = Address(_HISTORY, "revisions")
    history = Observed(address, _HISTORY, _HISTORY, ledger.project, {})
    change = Change(address, Action.DELETE, reason, observed=history)
    step = Step(
        len(removal.steps) + 1, Remove(_HISTORY), address, reason,
        needs=tuple(earlier.id for earlier in removal.steps), object_id=_HISTORY,
    )  # fmt: skip
    return replace(removal, changes=(*removal.changes, change), steps=(*removal.steps, step))


@dataclass(frozen=True, slots=True)
class _WithHistory:
    """The calls of a removal, and the one that deletes the ledger."""

    calls: Call
    engine: EngineWriter
    project: str

    def __call__(
        self, step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> str:
        if step.kind != _HISTORY:
            return self.calls(step, made, progress, stopped)
        forget_ledger(self.engine, self.project)
        return ""


def _record(engine: EngineWriter, playbook: Playbook, platform: Platform, policy: Policy, removal: Plan) -> Plan:
    """Look again, and keep that the environment was destroyed and which volumes stayed, if there is any of both.

    Returns the plan for what is left.
    """
    look = one_look(engine, playbook.project)
    guards = {seen.name: seen.protected for seen in removal.observed.resources.values() if seen.kind == "volume"}
    left = plan_removal(playbook, look, policy, guards)
    ledger = read_ledger(look, playbook.project)
    # Without revisions too: whether a volume that stayed is protected, or missing later, is told by nothing else, and
    # one that went is not missing.
    if (removal.steps and (ledger.revisions or ledger.volumes or volumes_left(playbook, left.observed))) or (
        _is_unrecorded(look, playbook, removal)
    ):
        record_destroyed(engine, playbook, platform.mode, ledger, left.observed)
    forget_all(engine, playbook.project, platform.mode, ledger)
    return left


def _is_unrecorded(engine: EngineReader, playbook: Playbook, removal: Plan) -> bool:
    """Whether nothing is left of what the last revision made, and no destroy says so, as after one that was killed."""
    ledger = read_ledger(engine, playbook.project)
    standing = any(seen.kind != "volume" for seen in removal.observed.resources.values())
    return not removal.steps and not standing and ledger.last is not None and ledger.destroyed is None


def _named_volumes(playbook: Playbook, removal: Plan, policy: Policy) -> tuple[str, ...]:
    """The names on the engine of the volumes that were named, by name, key or address. UsageError for one that is not
    this environment's to delete, and for what may be either of two."""
    owned = {seen.name: str(address) for address, seen in removal.observed.resources.items() if seen.kind == "volume"}
    external = {volume.name: volume.key for volume in playbook.volumes.values() if volume.external}
    chosen = []
    for name in policy.volume_names:
        matches = [own for own, address in owned.items() if name in (own, address, address.partition(".")[2])]
        if external.keys() & {name, *matches} or (not matches and name in external.values()):
            raise UsageError(f"--volume {name}: the file calls it external, and it is never removed")
        if not matches:
            names = ", ".join(sorted(owned)) or "none"
            raise UsageError(f"--volume {name}: this environment has no such volume", hint=f"it has: {names}")
        if len(matches) > 1:
            meanings = " and ".join(f"{owned[match]} ({match})" for match in sorted(matches))
            raise UsageError(
                f"--volume {name} is the name of one volume and the key of another: {meanings}",
                hint=f"write which one is meant: {' or '.join(owned[match] for match in sorted(matches))}",
            )
        chosen += matches
    return tuple(chosen)
