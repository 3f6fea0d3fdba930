"""`wait` and `attach`: until containers end, and joined to one of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from provisioner.app.owned import owned_containers, running_replica, tasks_elsewhere
from provisioner.app.service_work import load_with
from provisioner.app.wiring import open_engine
from provisioner.errors import Interrupted, ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.ports import Interrupt


def wait_for_end(
    request: Request, services: Sequence[str], tell: Callable[[Address, str, int], object], interrupt: Interrupt
) -> int:
    """Wait until every running container of the services has ended, telling each one's id and exit code.

    The exit code of the one that ended last. ProvisionError where none runs.
    """
    playbook = load_with(request, services)
    engine = open_engine(request, playbook.engine)
    containers = [one for one in owned_containers(engine, playbook.project, services) if one.running]
    away = tasks_elsewhere(engine, playbook.project, services)
    if away:
        hosts = ", ".join(sorted({one.host for tasks in away.values() for one in tasks}))
        raise ProvisionError(f"tasks run on {hosts}, where this engine can not wait for them", hint="provision verify")
    if not containers:
        raise ProvisionError("no container of these services runs", hint="provision status")
    last = 0
    with interrupt.deferred(), ThreadPoolExecutor(len(containers)) as pool:
        waits = {pool.submit(engine.wait_for_end, one.id, interrupt.is_set): one for one in containers}
        for done in as_completed(waits):
            code = done.result()
            if code is not None:
                tell(waits[done].address, waits[done].id, code)
                last = code
    if interrupt.is_set():
        raise Interrupted("interrupted; what was waited for goes on")
    return last


def attach(
    request: Request,
    service: str,
    *,
    index: int,
    stdin: bool,
    forward_signals: bool,
    detach_keys: str,
    interrupt: Interrupt,
) -> int:
    """Join a running container with this process's standard streams; its exit code.

    An interrupt goes to the container where `forward_signals`, and ends the attachment otherwise.
    """
    playbook = load_with(request, [service])
    engine = open_engine(request, playbook.engine)
    replica = running_replica(engine, playbook, service, index)
    config = replica.raw["Config"]
    with interrupt.deferred():
        ended = engine.attach(
            replica.id, tty=bool(config.get("Tty")), stdin=stdin and bool(config.get("OpenStdin")),
            detach_keys=detach_keys, stopped=interrupt.is_set,
        )  # fmt: skip
        if interrupt.is_set():
            if forward_signals:
                engine.kill(replica.id, "SIGINT")
            raise Interrupted("interrupted")
        raw = engine.inspect("container", replica.id)
        if not ended or (raw is not None and raw["State"]["Status"] == "running"):
            return 0
        return engine.wait_for_end(replica.id, interrupt.is_set) or 0
