"""The only place that chooses adapters: the engine, the secret tiers, the clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from provisioner.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.ledger.lease import Lease
    from provisioner.model.playbook import EngineChoice, Playbook
    from provisioner.ports import EngineReader, EngineWriter, Listener
    from provisioner.secrets.tier_context import TierContext


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def open_engine(
    request: Request, choice: EngineChoice | None, *, manages: bool = True, planned: str = ""
) -> DockerEngine:
    """The engine that the command line, the playbook and the environment choose. Unreachable when none answers, or
    when the playbook runs on a Swarm and this one is no manager: unless `manages` is false, for what needs any engine.

    Adopted objects are shown with the labels that the ledger keeps for them. `planned` is a project that a plan is
    about to be made of: what that needs is asked for at once.
    """
    from provisioner.engines.connect import choose_endpoint
    from provisioner.engines.engine_http import EngineHttp

    endpoint = choose_endpoint(
        host=request.host,
        context=request.context,
        playbook_host=choice.host if choice else None,
        playbook_context=choice.context if choice else None,
        environment=request.shell,
    )
    wire = EngineHttp(endpoint, _timeout(request))
    # It raises where nothing answers, before the rest is loaded: what goes on without an engine needs none of it.
    _ = wire.version
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.ledger.first_look import begin_look

    engine = DockerEngine(wire)
    begun = {planned: begin_look(engine, planned)} if planned else {}
    from provisioner.ledger.adoptions import with_adoptions

    if manages and choice is not None and choice.mode == "swarm":
        from provisioner.platforms.choice import require_manager

        require_manager(choice, swarm_manager=engine.facts().swarm_manager)
    # Everything that the adapter has beside the protocol is there, too.
    return cast("DockerEngine", with_adoptions(engine, begun))


def _timeout(request: Request) -> float | None:
    """The longest time (seconds) that one request to the engine may take: PROVISION_ENGINE_TIMEOUT."""
    text = request.shell.get("PROVISION_ENGINE_TIMEOUT")
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"PROVISION_ENGINE_TIMEOUT: {text!r} is not a number of seconds", hint="unset it, or give 60")
    return seconds


def held_lease(
    engine: EngineWriter, project: str, platform: Platform, listener: Listener, timeout: float = 0.0
) -> AbstractContextManager[Lease]:
    """The lease of an environment for a block, which is waited for as long as `timeout` says (seconds). LeaseHeld where
    another has it; the listener is told that it is waited for."""
    from provisioner.ledger.lease import lease
    from provisioner.model.event import Notice

    return lease(
        engine, project, platform.mode, clock=SystemClock(), timeout=timeout,
        waiting=lambda text: listener(Notice(text)),
    )  # fmt: skip


def tier_context(request: Request, playbook: Playbook, engine: EngineReader | None) -> TierContext:
    """What the secret tiers may look at."""
    from provisioner.secrets.tier_context import TierContext

    named = {str(name.value) for secret in playbook.secrets.values() if (name := secret.body.get("environment"))}
    given = {name: value for name, value in playbook.in_reach.items() if name in named}
    variables = {**given, **request.shell, **request.overrides}
    return TierContext(
        Path(playbook.directory), playbook.project, variables, engine, environment=playbook.environment or ""
    )
