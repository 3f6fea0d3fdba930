"""`stop` and `start`: services that rest, and that go on. Who stopped them is kept, and plans say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.owned import owned_containers, owned_services
from provisioner.app.service_work import ServiceWork
from provisioner.backup.previous_data import require_settled
from provisioner.ledger.records import intention, read_ledger, record_intentions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.request import Request
    from provisioner.model.report import StepResult
    from provisioner.ports import Interrupt, Listener


def stop(
    request: Request, services: Sequence[str], *, grace: float | None, listener: Listener, interrupt: Interrupt | None
) -> Sequence[StepResult]:
    """Stop the named services, or all, those first that others do not need; keep that it was on purpose.

    Their `pre_stop` commands run before. `grace` is the time (seconds) between the stop signal and the kill.
    """
    work = ServiceWork(request, services, listener, interrupt)
    work.require_known()
    with work.held_lease():
        ledger = read_ledger(work.engine, work.playbook.project)
        # It is kept before anything stops: a stop that is interrupted was meant all the same.
        kept = ledger.intentions.with_stopped(_services_on_engine(work), intention())
        if not kept.same(ledger.intentions):
            record_intentions(work.engine, work.playbook.project, work.platform.mode, kept)
        stop_services(work, grace)
    return work.results


def stop_services(work: ServiceWork, grace: float | None) -> None:
    """Stop what runs of the chosen services, those first that others do not need."""
    acts = work.platform.acts
    with acts.stopping_within(work.engine, work.playbook.project, grace) as engine:
        for level in reversed(work.levels(_services_on_engine(work))):
            work.all(acts.stops(work, level, engine))


def start(
    request: Request,
    services: Sequence[str],
    *,
    wait_until_ready: bool,
    timeout: float,
    listener: Listener,
    interrupt: Interrupt,
) -> Sequence[StepResult]:
    """Start the named services, or all, those first that others need; nothing is made or changed.

    What others need healthy is waited for, and with `wait_until_ready` everything, for at most `timeout` seconds each.
    """
    work = ServiceWork(request, services, listener, interrupt)
    with work.held_lease():
        require_settled(work.engine, work.playbook.project)
        work.require_known()
        ledger = read_ledger(work.engine, work.playbook.project)
        kept = ledger.intentions.without_stopped(work.chosen)
        scaled = {name: why.replicas for name, why in ledger.intentions.scaled.items()}
        for level in work.levels():
            starts = work.platform.acts.starts
            work.all(starts(work, level, scaled=scaled, timeout=timeout, wait_for_all=wait_until_ready))
            if any(result.error for result in work.results):
                break
        if not kept.same(ledger.intentions):
            record_intentions(work.engine, work.playbook.project, work.platform.mode, kept)
    return work.results


def _services_on_engine(work: ServiceWork) -> list[str]:
    """The chosen services of which something is on the engine."""
    project = work.playbook.project
    present = {container.address.name for container in owned_containers(work.engine, project, work.chosen)}
    present |= {address.name for _, address in owned_services(work.engine, project, work.chosen)}
    return [name for name in work.chosen if name in present]
