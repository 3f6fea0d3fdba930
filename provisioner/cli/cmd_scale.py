"""`provision scale`: other numbers of replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import SERVICE_EQUALS, TARGET, words
from provisioner.cli.options import json_option, lock_timeout_option, policy, scales, wait_timeout_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener


@click.command(
    "scale",
    cls=Command,
    purpose=PLAN,
    streams_json=True,
    short_help="Run other numbers of replicas, until the file says another.",
    examples=(
        ("provision scale api=3 worker=5", "and they stay: plan says that it is on purpose"),
        ("provision scale telecom/dev api=1", "the number of the file again"),
    ),
    see="apply --scale is for one apply; what scale says is kept with the revisions until the file declares another "
    "number than it did then, or until it is scaled to the number of the file.",
)
@click.argument("arguments", metavar="[TARGET] SERVICE=N...", nargs=-1, type=words(TARGET, SERVICE_EQUALS))
@click.option("--no-deps", is_flag=True, help="Leave what they need as it is.")
@wait_timeout_option
@lock_timeout_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    arguments: tuple[str, ...],
    no_deps: bool,
    wait_timeout: float | None,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Run so many replicas of services from now on."""
    texts = list(arguments)
    target = texts.pop(0) if texts and "=" not in texts[0] else None
    if not texts:
        raise UsageError("provision scale: SERVICE=N missing", hint="provision scale [TARGET] SERVICE=N...")
    replicas = scales(texts)
    permitted = policy(wait_timeout=wait_timeout or 0.0, lock_timeout=lock_timeout)
    request = settings.request(target)
    from provisioner.app.scale import scale
    from provisioner.cli.carry_out import carry_out

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return scale(
            request, permitted, replicas, dependencies=not no_deps, approve=approve, listener=listener,
            interrupt=interrupt,
        )  # fmt: skip

    return carry_out(settings, act, as_json=as_json, yes=True, question="")
