"""`provision wait`: until the containers of services have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.completion import SERVICE, TARGET, words
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings
    from provisioner.model.address import Address


@click.command(
    "wait",
    cls=Command,
    purpose=OPERATE,
    short_help="Wait until containers of services have ended.",
    examples=(
        ("provision wait import", "the exit code is the container's"),
        ("provision wait --down-project shop/ci tests", "and take the environment away then"),
    ),
    see="apply waits until services are ready; this waits for their end.",
)
@click.argument("arguments", metavar="[TARGET] SERVICE...", nargs=-1, type=words(TARGET, SERVICE))
@click.option("--down-project", is_flag=True, help="Then destroy the environment; volumes stay.")
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...], down_project: bool) -> int:
    """Wait until the running containers of services have ended; the exit code is that of the last one."""
    target, services = settings.split(arguments)
    if not services:
        raise UsageError("provision wait: SERVICE missing", hint="provision wait [TARGET] SERVICE...")
    request = settings.request(target)
    from provisioner.app.wait_end import wait_for_end
    from provisioner.cli.interrupt import interruptible

    out = settings.out()

    def tell(address: Address, identity: str, code: int) -> None:
        out.write(f'container "{identity}" exited with status code {code}\n')

    with interruptible() as interrupt:
        code = wait_for_end(request, services, tell, interrupt)
    if down_project:
        from provisioner.cli.take_down import take_down

        gone = take_down(settings, request)
        return code or gone
    return code
