"""`wait` and `attach`: until containers end, and joined to one of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import TYPE_CHECKING

from provisioner.app.owned import owned_containers, running_replica, tasks_elsewhere
from provisioner.app.service_work import load_with
from provisioner.app.wiring import open_engine
from provisioner.errors import EngineRefused, Interrupted, ProvisionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.request import Request
    from provisioner.model.address import Address
    from provisioner.ports import Interrupt

# How long what has closed its streams may take to end (seconds): where it may have been detached from instead, by keys
# on a terminal or by the end of the input, and where only its end closes them, of which a busy engine hears later.
_ENDS_OR_DETACHED = 2.0
_ENDS = 30.0


def wait_for_end(
    request: Request, services: Sequence[str], tell: Callable[[Address, str, int], object], interrupt: Interrupt
) -> int:
    """Wait until every running container of the services has ended, telling each one's id and exit code.

    The exit code of the one that ended last. ProvisionError where none runs.
    """
    playbook = load_with(request, services)
    engine = open_engine(request, playbook.engine)
    containers = [container for container in owned_containers(engine, playbook.project, services) if container.running]
    away = tasks_elsewhere(engine, playbook.project, services)
    if away:
        hosts = ", ".join(sorted({task.host for tasks in away.values() for task in tasks}))
        raise ProvisionError(f"tasks run on {hosts}, where this engine can not wait for them", hint="provision verify")
    if not containers:
        raise ProvisionError("no container of these services runs", hint="provision status")
    last = 0
    with interrupt.deferred(), ThreadPoolExecutor(len(containers)) as pool:
        waits = {
            pool.submit(engine.wait_for_end, container.id, interrupt.is_set): container for container in containers
        }
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
    forward: Callable[[], str] | None,
    detach_keys: str,
    interrupt: Interrupt,
) -> int:
    """Join a running container with this process's standard streams; its exit code, 0 where it was detached from.

    The first signal, whose name `forward` knows, goes to the container; any other one, or each without `forward`, ends
    the attachment. UsageError for `detach_keys` where there is no terminal: the engine looks for them only there.
    """
    playbook = load_with(request, [service])
    engine = open_engine(request, playbook.engine)
    replica = running_replica(engine, playbook, service, index)
    config = replica.raw["Config"]
    if detach_keys and not config.get("Tty"):
        raise UsageError(
            f"--detach-keys: {replica.address} has no terminal, so that no keys leave it",
            hint="--no-sig-proxy, and Ctrl-C leaves it; `tty: true` gives a service a terminal",
        )
    forwarded = False

    def stopped() -> bool:
        nonlocal forwarded
        if interrupt.is_set() and forward is not None and not forwarded:
            forwarded = True
            # It may have ended by now.
            with suppress(EngineRefused):
                engine.kill(replica.id, forward())
        return interrupt.is_set() and not forwarded

    over = threading.Event()
    with interrupt.deferred(), ThreadPoolExecutor(1) as pool:
        # From before it is joined: one that is removed can be asked for nothing.
        end = pool.submit(engine.wait_for_end, replica.id, over.is_set)
        try:
            ended = engine.attach(
                replica.id, tty=bool(config.get("Tty")), stdin=stdin and bool(config.get("OpenStdin")),
                # Where input may come again, its end ends nothing in there, and the engine answers it by closing the
                # output (daemon/stream/attach.go).
                ends_input=bool(config.get("StdinOnce")), detach_keys=detach_keys, stopped=stopped,
            )  # fmt: skip
            if not ended:
                raise Interrupted("interrupted; the container runs on")
            # The streams of what has ended are closed a moment before it counts as ended.
            code = end.result(_ENDS_OR_DETACHED if config.get("Tty") or config.get("OpenStdin") else _ENDS)
        except TimeoutError:
            # What was detached from runs on.
            return 0
        finally:
            over.set()
    if code is None:
        raise ProvisionError(f"{replica.address} went away, and how it ended is not known")
    return code
