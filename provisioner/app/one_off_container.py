"""`run` on a plain engine: a container of its own, which this terminal is joined to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from provisioner.engines.terminal import terminal_size
from provisioner.errors import Interrupted, ProvisionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.app.one_off import MadeOnce, RunOptions
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.playbook.one_off import OneOff
    from provisioner.ports import EngineOperator, Interrupt, Listener

SEPARATOR = "-"
# From here on the output is the container's.
IS_SHOWN = False


def possible(run: OneOff, options: RunOptions, listener: Listener) -> OneOff:
    """The run as it can be had: as it is."""
    return run


def carry_out(made: MadeOnce, listener: Listener, interrupt: Interrupt) -> int:
    """Make the container, join it and return its exit code; 0 at once where it is detached.

    ProvisionError where it goes away before it ends. Interrupted, it is removed.
    """
    engine, run, options = made.engine, made.run, made.options
    maker = cast("DockerEngine", _Making(engine, _how_it_is_made(run, options)))
    with interrupt.deferred():
        identity = made.create(maker)
        code: int | None = None
        try:
            if options.detach:
                engine.start(identity)
                code = 0
                made.tell(identity)
                return 0
            engine.attach(
                identity, tty=run.tty, stdin=run.stdin, begin=lambda: engine.start(identity), stopped=interrupt.is_set
            )
            code = engine.wait_for_end(identity, interrupt.is_set)
        finally:
            if interrupt.is_set() or code is None or (options.remove and not options.detach):
                engine.force_remove(identity, volumes=True)
    if interrupt.is_set():
        raise Interrupted("interrupted; the container of this run is removed")
    if code is None:
        raise ProvisionError("the container of this run went away before it ended")
    return code


def _how_it_is_made(run: OneOff, options: RunOptions) -> Mapping[str, Any]:
    """What a container of `run` is made with that no service's is (Engine API, ContainerCreate).

    The input of one that somebody is joined to ends when that one's does. Nobody is there to remove what is detached.
    """
    if options.detach:
        return {"HostConfig": {"AutoRemove": options.remove}}
    size = terminal_size() if run.tty else None
    said = {"AttachStdin": run.stdin, "StdinOnce": run.stdin, "AttachStdout": True, "AttachStderr": True}
    # From API 1.42 on it is there before the command; earlier engines are told once it runs.
    return said | ({"HostConfig": {"ConsoleSize": list(size)}} if size else {})


class _Making:
    """An engine that makes containers with something more said of them."""

    def __init__(self, engine: EngineOperator, said: Mapping[str, Any]) -> None:
        self._engine = engine
        self._said = said

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def create(self, kind: str, name: str, body: Mapping[str, Any]) -> str:
        if kind != "container":
            return self._engine.create(kind, name, body)
        host = {**(body.get("HostConfig") or {}), **(self._said.get("HostConfig") or {})}
        return self._engine.create(kind, name, {**body, **self._said, "HostConfig": host})
