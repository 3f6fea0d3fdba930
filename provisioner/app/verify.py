"""`verify`: run the playbook's acceptance checks against the running environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.app.load import load_playbook
from provisioner.app.owned import owned_containers, tasks_elsewhere
from provisioner.app.wiring import SystemClock, open_engine
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.request import Request
    from provisioner.model.playbook import Check, Playbook
    from provisioner.model.verification import CheckResult
    from provisioner.ports import EngineReader, EngineWriter


def verify(request: Request, names: Sequence[str]) -> tuple[CheckResult, ...]:
    """The results of the named checks, or of all. UsageError for a name that no check has."""
    playbook = load_playbook(request, allow_unset=True)
    known = [check.name for check in playbook.checks]
    for name in names:
        if name not in known:
            raise UsageError(f"no check is named {name!r}", hint=f"there are: {', '.join(known) or 'none'}")
    checks = tuple(check for check in playbook.checks if not names or check.name in names)
    return run_checks(playbook, open_engine(request, playbook.engine), checks) if checks else ()


def run_checks(playbook: Playbook, engine: EngineWriter, checks: Sequence[Check]) -> tuple[CheckResult, ...]:
    """Run checks one after the other, as they stand in the playbook."""
    from provisioner.verify.kind import CheckContext
    from provisioner.verify.run import run

    world = CheckContext(
        engine=engine,
        containers=lambda service: running_containers(engine, playbook.project, service),
        clock=SystemClock(),
        elsewhere=lambda service: tasks_elsewhere(engine, playbook.project, [service]).get(service, ()),
    )
    return tuple(run(check, world) for check in checks)


def running_containers(engine: EngineReader, project: str, service: str) -> list[str]:
    """The ids of a service's running containers, first replica first."""
    return [container.id for container in owned_containers(engine, project, [service]) if container.running]
