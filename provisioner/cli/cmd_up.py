"""`provision up`: apply, as Compose users type it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.cli.options import (
    image_options,
    image_wishes,
    insecure_transport_option,
    json_option,
    lock_timeout_option,
    parallel_option,
    policy,
    scales,
    wait_timeout_option,
)
from provisioner.cli.staying import Staying
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener


@click.command(
    "up",
    cls=Command,
    purpose=PLAN,
    streams_json=True,
    short_help="Apply without a question, as Compose users type it.",
    examples=(
        ("provision up -d", "everything that the playbook declares"),
        ("provision up -d --build telecom/dev ingest", "one service, built anew, with what it needs"),
        ("provision up -d --force-recreate --no-deps web", "a new container for one service, and nothing else"),
        ("provision up --exit-code-from tests", "until the tests end, with their exit code; then everything stops"),
    ),
    see="It is apply: it shows what it does, waits until everything is ready, proves it, and returns; logs -f follows "
    "what the services say. With --abort-on-container-exit it stays, shows what they say, and waits for nothing else. "
    "Where data would be lost it refuses, and names apply.",
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
@click.option("-d", "--detach", is_flag=True, help="Compose's word for what it does anyway: it returns.")
@image_options
@click.option("--force-recreate", is_flag=True, help="Make new containers also of what does not differ.")
@click.option("--always-recreate-deps", is_flag=True, help="And of what they need.")
@click.option("--no-deps", is_flag=True, help="Only the named services, not what they need.")
@click.option("--remove-orphans", is_flag=True, help="Also remove what the playbook no longer declares.")
@click.option("--scale", "scale", metavar="SERVICE=N", multiple=True, help="Run N replicas; repeatable.")
@click.option("-t", "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Time to stop before a kill.")
@click.option("--abort-on-container-exit", "abort", flag_value="exit", help="Stay until one ends, then stop all.")
@click.option("--abort-on-container-failure", "abort", flag_value="failure", help="The same, until one fails.")
@click.option(
    "--exit-code-from",
    "code_of",
    metavar="SERVICE",
    default="",
    type=SERVICE,
    help="Exit with the code of this one; implies --abort-on-container-exit.",
)
@click.option("--attach", "attached", metavar="SERVICE", multiple=True, type=SERVICE, help="Show lines only of these.")
@click.option("--no-attach", "muted", metavar="SERVICE", multiple=True, type=SERVICE, help="Show no lines of these.")
@click.option("--no-log-prefix", is_flag=True, help="Do not begin lines with the service's address.")
@click.option("--timestamps", is_flag=True, help="Begin each line with its time.")
@click.option("--wait", is_flag=True, help="Compose's word for what it does anyway: it waits.")
@click.option("-y", "--yes", is_flag=True, hidden=True, help="It does not ask.")
@click.option("--no-verify", is_flag=True, help="Do not run the playbook's checks afterwards.")
@wait_timeout_option
@parallel_option
@lock_timeout_option
@insecure_transport_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    /,
    arguments: tuple[str, ...],
    detach: bool,
    build_first: bool,
    no_build: bool,
    pull_policy: str,
    quiet_pull: bool,
    quiet_build: bool,
    force_recreate: bool,
    always_recreate_deps: bool,
    no_deps: bool,
    remove_orphans: bool,
    scale: tuple[str, ...],
    timeout: float | None,
    wait: bool,
    yes: bool,
    no_verify: bool,
    wait_timeout: float | None,
    parallel: int,
    lock_timeout: float,
    insecure_transport: bool,
    as_json: bool,
    **staying: Any,
) -> int:
    """Bring the environment, or some services with what they need, to what the playbook declares; nothing is asked."""
    target, services = settings.split(arguments)
    if no_deps and not services:
        raise UsageError("--no-deps is of services that are named", hint="provision up --no-deps SERVICE")
    if remove_orphans and services:
        raise UsageError("--remove-orphans is of the whole environment, and services are named")
    permitted = policy(
        prune=remove_orphans, wait_timeout=wait_timeout or 0.0, parallel=parallel, lock_timeout=lock_timeout,
        insecure_transport=insecure_transport,
    )  # fmt: skip
    replicas = scales(scale)
    request = settings.request(target)
    stays = Staying(**staying)
    stays.require_sense(detached=detach or wait, as_json=as_json)
    from provisioner.app.up import UpOptions, up
    from provisioner.cli.carry_out import carry_out
    from provisioner.cli.progress_listener import hushed_verbs

    hushed = hushed_verbs(quiet_pull, quiet_build)
    options = UpOptions(
        services, alone=no_deps, images=image_wishes(build_first, no_build, pull_policy), recreate=force_recreate,
        recreate_needed=always_recreate_deps, grace=timeout, verify=not no_verify,
    )  # fmt: skip

    if stays.until_end:
        return stays.up(settings, request, permitted, replicas, options, hushed)

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return up(request, permitted, replicas, options, approve=approve, listener=listener, interrupt=interrupt)

    return carry_out(settings, act, as_json=as_json, yes=True, question="", hushed=hushed)
