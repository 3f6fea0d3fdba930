"""`provision destroy`: take an environment away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.completion import ENVIRONMENT, VOLUME
from provisioner.cli.options import (
    json_option,
    keep_going_option,
    lock_timeout_option,
    parallel_option,
    policy,
    target_argument,
    yes_option,
)
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener

QUESTION = "Delete these objects of {title} on {engine}?"


@click.command(
    "destroy",
    cls=Command,
    purpose=PLAN,
    streams_json=True,
    short_help="Remove what the environment owns; volumes only with --volumes.",
    examples=(
        ("provision destroy telecom/dev", "containers and networks go, volumes stay"),
        ("provision destroy telecom/dev --volumes", "the data goes too; protected volumes stay"),
        ("provision destroy telecom/dev --volume telecom_old", "also a volume that the file declares no more"),
        ("provision destroy telecom/dev --volumes --history", "the revisions too: no rollback after it"),
        ("provision destroy telecom/dev --check", "only show what would go"),
        ("provision destroy prod", "all plays of a list, the last one first"),
        ("provision destroy --environment telecom-dev", "by the name that ls shows: its file may be gone"),
    ),
)
@target_argument
@click.option(
    "--environment",
    metavar="NAME",
    type=ENVIRONMENT,
    help="The environment that `ls` shows by this name, without its file.",
)
@yes_option
@click.option(
    "--volumes",
    is_flag=True,
    help="Delete the volumes that the file declares too, and what is in them; never protected ones.",
)
@click.option(
    "--volume",
    "volume_names",
    metavar="NAME",
    type=VOLUME,
    multiple=True,
    help="Delete this very volume, also where the file declares it no more; repeatable.",
)
@click.option("--history", is_flag=True, help="With --volumes: delete the revisions too; no rollback after it.")
@click.option("-v", "ambiguous", is_flag=True, hidden=True)
@click.option("--check", is_flag=True, help="Stop after the plan.")
@keep_going_option
@parallel_option
@lock_timeout_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    environment: str | None,
    yes: bool,
    volumes: bool,
    volume_names: tuple[str, ...],
    history: bool,
    ambiguous: bool,
    check: bool,
    keep_going: bool,
    parallel: int,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Remove the containers and networks that the environment owns, and with --volumes its volumes.

    The revisions stay, so that a later apply goes on from them. Objects of other environments and of other people, and
    what the file calls external, are never touched. With --environment the last revision stands for the file.
    """
    from provisioner.cli.confirm import require_answer

    if ambiguous:
        raise UsageError(
            "destroy takes no -v: Compose's down -v deletes volumes, and elsewhere -v is --verbose",
            hint="--volumes deletes the volumes too, and what is in them; --verbose shows details",
        )
    if history and not volumes:
        raise UsageError("--history deletes the revisions, and goes with --volumes only")

    if not check:
        require_answer(yes=yes)
    permitted = policy(
        volumes=volumes, volume_names=volume_names, history=history, keep_going=keep_going, parallel=parallel,
        lock_timeout=lock_timeout,
    )  # fmt: skip
    if environment is not None:
        from provisioner.app.destroy import destroy_without_files
        from provisioner.cli.carry_out import carry_out

        request = settings.request_without_files(target, "--environment")
        return carry_out(
            settings,
            lambda approve, listener, interrupt: destroy_without_files(
                request, environment, permitted, approve=approve, listener=listener, interrupt=interrupt
            ),
            as_json=as_json,
            yes=yes,
            check=check,
            question=QUESTION,
        )
    plays = settings.plays(target)
    if plays is not None:
        if volume_names:
            raise UsageError("--volume names a volume of one environment", hint="name its playbook as TARGET")
        from provisioner.app.apply_plays import destroy_plays
        from provisioner.cli.plays import DESTROY_QUESTION, carry_out_plays

        return carry_out_plays(
            settings,
            plays.title,
            lambda approve, open_listener, ended, interrupt: destroy_plays(
                plays, permitted, approve=approve, open_listener=open_listener, ended=ended, interrupt=interrupt
            ),
            as_json=as_json,
            yes=yes,
            check=check,
            question=DESTROY_QUESTION,
        )
    request = settings.request(target)
    from provisioner.app.destroy import destroy
    from provisioner.cli.carry_out import carry_out

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return destroy(request, permitted, approve=approve, listener=listener, interrupt=interrupt)

    return carry_out(settings, act, as_json=as_json, yes=yes, check=check, question=QUESTION)
