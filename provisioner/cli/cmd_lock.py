"""`provision lock`: who is applying, and what to do with a lease that nobody holds any more."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import OPERATE, Command
from provisioner.cli.group import Group
from provisioner.cli.options import json_option, target_argument, yes_option

if TYPE_CHECKING:
    from provisioner.app.lock import Lock
    from provisioner.cli.settings import Settings
    from provisioner.model.node import JSON


@click.command(
    "status",
    cls=Command,
    purpose=OPERATE,
    short_help="Who is applying to an environment, since when.",
    examples=(
        ("provision lock status telecom/prod", "the holder, and whether it lives"),
        ("provision lock status --json", "for programs"),
    ),
)
@target_argument
@json_option
@click.pass_obj
def status(settings: Settings, target: str | None, as_json: bool) -> int:
    """Show who holds the lease of this environment, since when, and whether that one still lives."""
    from provisioner.app.lock import look_at_lock
    from provisioner.cli.look import look_at

    return look_at(
        settings, target, look_at_lock, text=partial(_text, released=False),
        document=partial(_document, released=False) if as_json else None,
    )  # fmt: skip


@click.command(
    "release",
    cls=Command,
    purpose=OPERATE,
    short_help="Take away a lease whose holder is gone.",
    examples=(
        ("provision lock release telecom/prod", "asks; refused while the holder lives"),
        ("provision lock release --yes --force", "from a holder that lives: it stops before its next change"),
    ),
    see="The next apply takes over the lease of a holder that is gone by itself, after 20 seconds without a heartbeat.",
)
@target_argument
@yes_option
@click.option("--force", is_flag=True, help="Also from a holder that lives.")
@json_option
@click.pass_obj
def release(settings: Settings, target: str | None, yes: bool, force: bool, as_json: bool) -> int:
    """Take the lease of this environment away. Refused (exit 75) while its holder lives, unless --force is given."""
    from provisioner.cli.confirm import confirmed, require_answer

    require_answer(yes=yes)
    request = settings.request(target)
    from provisioner.app.lock import look_at_lock

    lock = look_at_lock(request)
    if not force:
        lock.require_free()
    if lock.standing is not None:
        lives = "which lives and stops before its next change" if lock.alive else "which is gone"
        question = f"Take the lease of {lock.title} from {lock.holder}, {lives}?"
        if not yes and not confirmed(settings, question):
            return 1
        lock.release()
    released = lock.standing is not None
    if as_json:
        settings.out().write_json(_document(lock, released=released))
    else:
        settings.out().write(_text(lock, released=released))
    return 0


def _document(lock: Lock, *, released: bool) -> dict[str, JSON]:
    return {
        "format_version": 1,
        "target": lock.title,
        "held": lock.standing is not None and not released,
        "released": released,
        "holder": lock.holder or None,
        "since": lock.since or None,
        "last_heartbeat": (lock.standing.beaten_at if lock.standing else "") or None,
        "alive": lock.alive if lock.standing else None,
    }


def _text(lock: Lock, *, released: bool) -> str:
    if lock.standing is None:
        return f"{lock.title}: nobody holds the lease\n"
    if released:
        return f"{lock.title}: the lease of {lock.holder} was taken away\n"
    beaten = f", last heartbeat {lock.standing.beaten_at}" if lock.standing.beaten_at else ""
    state = "lives" if lock.alive else "is gone: the next apply takes the lease over"
    return f"{lock.title}: held by {lock.holder} since {lock.since}{beaten}; that process {state}\n"


command = Group(
    "lock",
    members=(status, release),
    purpose=OPERATE,
    short_help="Who is applying, and a lease that nobody holds any more.",
    help="One apply at a time works on an environment: it holds a lease on the engine itself.",
)
