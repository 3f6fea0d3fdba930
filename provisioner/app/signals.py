"""`kill`, `pause`, `unpause`: acts on the containers of services that this engine runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from provisioner.app.owned import owned_containers, tasks_elsewhere
from provisioner.app.service_work import ServiceAct, ServiceWork
from provisioner.errors import ProvisionError, UsageError
from provisioner.ledger.records import intention, read_ledger, record_intentions
from provisioner.model.event import Notice
from provisioner.model.plan import Verb
from provisioner.model.state import UP

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.owned import OwnedContainer
    from provisioner.app.request import Request
    from provisioner.ledger.intentions import Intentions
    from provisioner.model.report import StepResult
    from provisioner.ports import EngineOperator, Interrupt, Listener

# The state in which each act finds something to do.
_STATES = {Verb.KILL: UP, Verb.PAUSE: ("running",), Verb.UNPAUSE: ("paused",)}


def kill(
    request: Request, services: Sequence[str], signal: str, *, listener: Listener, interrupt: Interrupt
) -> Sequence[StepResult]:
    """Send a signal to every running container of the named services, or of all. UsageError for no signal's name."""
    name = signal.upper().removeprefix("SIG")
    if not name.isalnum():
        raise UsageError(f"--signal '{signal}' is no signal", hint="for example: SIGTERM, HUP, 9")
    sent = name if name.isdecimal() else f"SIG{name}"
    return _each(
        request, services, Verb.KILL, lambda engine, container: engine.kill(container, sent), listener, interrupt
    )


def pause(
    request: Request, services: Sequence[str], *, listener: Listener, interrupt: Interrupt
) -> Sequence[StepResult]:
    """Freeze the running containers of the named services, or of all; keep that it was on purpose."""
    return _each(
        request, services, Verb.PAUSE, lambda engine, container: engine.pause(container), listener, interrupt,
        lambda kept, names: kept.with_paused(names, intention()),
    )  # fmt: skip


def unpause(
    request: Request, services: Sequence[str], *, listener: Listener, interrupt: Interrupt
) -> Sequence[StepResult]:
    """Let the paused containers of the named services, or of all, go on."""
    return _each(
        request, services, Verb.UNPAUSE, lambda engine, container: engine.unpause(container), listener, interrupt,
        lambda kept, names: kept.without_paused(names),
    )  # fmt: skip


def _each(
    request: Request,
    services: Sequence[str],
    verb: Verb,
    do: Callable[[EngineOperator, str], None],
    listener: Listener,
    interrupt: Interrupt,
    keep: Callable[[Intentions, Sequence[str]], Intentions] = lambda kept, names: kept,
) -> Sequence[StepResult]:
    work = ServiceWork(request, services, listener, interrupt)
    work.require_known()
    containers = owned_containers(work.engine, work.playbook.project, work.chosen)
    ready = [container for container in containers if container.raw["State"]["Status"] in _STATES[verb]]
    away = tasks_elsewhere(work.engine, work.playbook.project, work.chosen)
    for name, tasks in away.items():
        hosts = ", ".join(sorted({task.host for task in tasks}))
        listener(Notice(f"service.{name} runs on {hosts} too, where this engine reaches nothing"))
    if services and not ready and not away:
        states = ", ".join(f"{container.address} is {container.raw['State']['Status']}" for container in containers)
        raise ProvisionError(f"nothing to {verb.value}" + (f": {states}" if states else ""), hint="provision status")

    def act(container: OwnedContainer, progress: Callable[[str], None]) -> None:
        do(work.engine, container.id)

    work.all([ServiceAct(each.address, verb, "container", partial(act, each)) for each in ready])
    _keep(work, keep, sorted({result.step.address.name for result in work.results if result.error is None}))
    return work.results


def _keep(work: ServiceWork, keep: Callable[[Intentions, Sequence[str]], Intentions], names: Sequence[str]) -> None:
    """Keep what was meant with these services. A Swarm knows of no pause: for it the task of one runs."""
    if work.platform.keeps_running or not names:
        return
    known = read_ledger(work.engine, work.playbook.project).intentions
    if keep(known, names).same(known):
        return
    with work.held_lease():
        now = read_ledger(work.engine, work.playbook.project).intentions
        record_intentions(work.engine, work.playbook.project, work.platform.mode, keep(now, names))
