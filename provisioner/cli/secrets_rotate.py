"""`provision secrets rotate NAME`: a new value, planned, applied and proven in one go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SECRET, TARGET, words
from provisioner.cli.options import (
    insecure_transport_option,
    json_option,
    lock_timeout_option,
    wait_timeout_option,
    yes_option,
)
from provisioner.cli.secret_input import named, read_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.app.apply import ApplyResult
    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan
    from provisioner.ports import Interrupt, Listener

QUESTION = "Rotate it on {title} on {engine} like this?"


@click.command(
    "rotate",
    cls=Command,
    purpose=OPERATE,
    streams_json=True,
    short_help="A new value, brought to everybody who uses the secret.",
    examples=(
        ("provision secrets rotate telecom/dev jwt_secret", "a generated one: makes the value, shows the plan, asks"),
        ("provision secrets rotate jwt_secret --yes - < new.txt", "the new value from standard input"),
        ("provision secrets rotate jwt_secret --no-apply", "only keep the new value; the next apply brings it"),
    ),
    see="The new value is kept once the plan is agreed to, before anything else changes; each service then gets one "
    "update, those that others depend on first, and has to prove itself. Whatever else differs from the playbook is "
    "left as it is, and named. What ends in between is finished by `provision apply`.",
)
@click.argument("arguments", metavar="[TARGET] NAME [-]", nargs=-1, type=words(TARGET, SECRET, repeats=False))
@yes_option
@click.option("--no-apply", is_flag=True, help="Only keep the new value.")
@click.option("--exact", is_flag=True, help="Keep the line end at the end of standard input.")
@wait_timeout_option
@lock_timeout_option
@click.option("--no-verify", is_flag=True, help="Do not run the playbook's checks afterwards.")
@insecure_transport_option
@json_option
@click.pass_obj
def rotate(
    settings: Settings,
    arguments: tuple[str, ...],
    yes: bool,
    no_apply: bool,
    exact: bool,
    wait_timeout: float | None,
    lock_timeout: float,
    no_verify: bool,
    insecure_transport: bool,
    as_json: bool,
) -> int:
    """Give a secret a new value and bring it to every service that uses it.

    A generated secret gets a new random value; for another one the value is typed, or read from standard input with -.
    Values that lie in AWS are rotated there; `provision apply` then finds the new version.
    """
    from provisioner.cli.confirm import require_answer

    target, name, through = named(settings, arguments)
    if not no_apply:
        require_answer(yes=yes)
    request = settings.request(target)
    from provisioner.app.secrets import concerned, is_generated, keep_secret, may_come_from_here, new_value

    given = None
    if through or not is_generated(request, name):
        may_come_from_here(request, name)
        given = read_value(name, through_stdin=through, exact=exact)
    value = new_value(request, name, given)
    if no_apply:
        kept = keep_secret(request, name, value, in_keyring=None)
        if not settings.quiet:
            settings.out().write(f"{name} has a new value in {kept.place}. provision apply brings it to its users.\n")
        return 0
    from provisioner.app.apply_request import apply
    from provisioner.app.external_inputs import collect_inputs
    from provisioner.cli.carry_out import carry_out
    from provisioner.model.plan import Policy

    gathering = partial(collect_inputs, new_values={name: value})
    permitted = Policy(
        targets=concerned(request, name),
        alone=True,
        wait_timeout=wait_timeout or 0.0,
        lock_timeout=lock_timeout,
        insecure_transport=insecure_transport,
    )

    def act(approve: Callable[[Plan], bool], listener: Listener, interrupt: Interrupt) -> ApplyResult:
        return apply(
            request, permitted, {}, approve=approve, listener=listener,
            verify=not no_verify, interrupt=interrupt, gathering=gathering,
        )  # fmt: skip

    return carry_out(settings, act, as_json=as_json, yes=yes, question=QUESTION)
