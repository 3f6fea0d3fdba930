"""`provision adopt`: take over what already runs, as it runs."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import PLAN, Command
from provisioner.cli.options import json_option, lock_timeout_option, policy, target_argument, yes_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.adopt_plan import AdoptionChoice
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.model.address import Address
    from provisioner.model.adoption import Adopted, AdoptionPlan, Release

QUESTION = "Adopt these objects into {title}?"
FINISH = "Keep what was adopted into {title} as a revision?"


@click.command(
    "adopt",
    cls=Command,
    purpose=PLAN,
    short_help="Take over what already runs: a Compose project, a stack, containers.",
    examples=(
        ("provision adopt", "in the folder of a running Compose project: show what it takes over, ask, do it"),
        ("provision adopt --check", "only show it"),
        ("provision adopt --map volume.data=old_volume", "an object that has another name"),
        ("provision adopt --release", "forget it all again; nothing is touched"),
        ("provision adopt --release volume.data", "forget one object"),
    ),
    see="Nothing is restarted, copied or removed. Afterwards `provision plan` is empty where the file says what runs.",
)
@target_argument
@yes_option
@click.option("--check", is_flag=True, help="Stop after the plan.")
@click.option("--target", "addresses", metavar="ADDRESS", multiple=True,
              help="Only this object, such as service.api, and what it needs; repeatable.")  # fmt: skip
@click.option("--map", "maps", metavar="ADDRESS=NAME", multiple=True,
              help="The object that stands for ADDRESS, where it has another name; repeatable.")  # fmt: skip
@click.option("--force", "forced", metavar="PROJECT", multiple=True,
              help="Take objects of this other Compose project or stack, too; repeatable.")  # fmt: skip
@click.option("--release", "releases", is_flag=True,
              help="Forget adopted objects, or with an ADDRESS as TARGET those; they stay as they are.")  # fmt: skip
@lock_timeout_option
@json_option
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    yes: bool,
    check: bool,
    addresses: tuple[str, ...],
    maps: tuple[str, ...],
    forced: tuple[str, ...],
    releases: bool,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Take over what runs under the names that the playbook gives: it becomes this environment's, as it is.

    The plan says of each object whether it is adopted as it is, or what the next apply would change, field by field.
    Who owns an object is kept in the ledger on the engine; of a Swarm's services in their labels.
    """
    from provisioner.cli.confirm import require_answer

    if not check:
        require_answer(yes=yes)
    if releases:
        if maps or forced:
            raise UsageError("--release forgets what was adopted, and takes no --map and no --force")
        target, named = _released(target, addresses)
        return _release(settings, settings.request(target), named, yes, check, as_json, lock_timeout)
    from provisioner.app.adopt_plan import AdoptionChoice

    choice = AdoptionChoice(
        targets=policy(addresses).targets,
        maps=_maps(maps),
        forced=frozenset(forced),
        lock_timeout=lock_timeout,
        asks=not yes,
    )
    request = settings.request(target)
    if check:
        from provisioner.app.adopt import look

        plan = look(request, choice)
        _show(settings, plan, as_json=as_json, again=_again(settings, target, addresses, maps, forced))
        return 1 if plan.refusals else 0
    return _adopt(settings, request, choice, yes=yes, as_json=as_json)


def _adopt(settings: Settings, request: Request, choice: AdoptionChoice, *, yes: bool, as_json: bool) -> int:
    from provisioner.app.adopt import adopt
    from provisioner.cli.confirm import confirmed
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener

    declined = False

    def approve(plan: AdoptionPlan) -> bool:
        nonlocal declined
        if not as_json:
            _show(settings, plan, as_json=False, again=[])
        if yes or plan.refusals or plan.changes_nothing:
            return True
        declined = not confirmed(settings, (QUESTION if plan.adopts else FINISH).format(title=plan.title))
        return not declined

    with interruptible() as interrupt, progress_listener(settings, as_json=as_json) as listener:
        result = adopt(request, choice, approve=approve, listener=listener, interrupt=interrupt)
    out = settings.out()
    if as_json:
        from provisioner.render.adoption_json import adopted_json

        code = 1 if declined else result.exit_code
        document = adopted_json(result.plan, done=result.done, revision=result.revision, exit_code=code)
        out.write(json.dumps(document, ensure_ascii=False) + "\n")
    elif result.done:
        out.write(f"{result.plan.title}: adopted={_count(result.plan.adopts)} restarted=0\n")
    return 1 if declined else result.exit_code


def _release(
    settings: Settings,
    request: Request,
    named: Sequence[Address],
    yes: bool,
    check: bool,
    as_json: bool,
    lock_timeout: float,
) -> int:
    from provisioner.app.adopt import release as release_objects
    from provisioner.cli.confirm import confirmed
    from provisioner.cli.interrupt import interruptible
    from provisioner.cli.progress_listener import progress_listener
    from provisioner.render.adoption_text import release_text

    out = settings.out()
    declined = False

    def approve(release: Release) -> bool:
        nonlocal declined
        if not as_json:
            out.write_folded(release_text(release, paint=out.paint))
        if check or yes:
            return True
        declined = not confirmed(settings, f"Forget these objects of {release.title}?")
        return not declined

    with interruptible() as interrupt, progress_listener(settings, as_json=as_json) as listener:
        release, done = release_objects(
            request, named, approve=approve, listener=listener, interrupt=interrupt, lock_timeout=lock_timeout,
            check=check,
        )  # fmt: skip
    if as_json:
        from provisioner.render.adoption_json import release_json

        out.write(json.dumps(release_json(release, done=done), ensure_ascii=False) + "\n")
    elif not release.released:
        out.write_folded(release_text(release, paint=out.paint))
    elif done:
        out.write(f"{release.title}: released={_count(release.released)}\n")
    return 1 if declined else 0


def _count(objects: Sequence[Adopted]) -> int:
    """How many objects that is; images come with their containers."""
    return sum(1 for adopted in objects if adopted.kind != "image")


def _show(settings: Settings, plan: AdoptionPlan, *, as_json: bool, again: Sequence[str]) -> None:
    out = settings.out()
    if as_json:
        from provisioner.render.adoption_json import adoption_json

        out.write_json(adoption_json(plan))
        return
    from provisioner.render.adoption_text import adoption_text

    command = shlex.join(again) if again and not settings.quiet else ""
    out.write_folded(adoption_text(plan, paint=out.paint, next_command=command))


def _again(
    settings: Settings, target: str | None, addresses: Sequence[str], maps: Sequence[str], forced: Sequence[str]
) -> list[str]:
    """The command that carries out what was shown."""
    words = ["provision", "adopt", *settings.typed(target)]
    for option, values in (("--target", addresses), ("--map", maps), ("--force", forced)):
        words += [word for value in values for word in (option, value)]
    return words


def _maps(texts: Sequence[str]) -> dict[Address, str]:
    from provisioner.model.address import Address

    maps: dict[Address, str] = {}
    for text in texts:
        left, separator, name = text.partition("=")
        address = Address.parse(left)
        if address is None or not separator or not name:
            raise UsageError(f"--map '{text}' is not ADDRESS=NAME", hint="for example: --map volume.data=old_volume")
        if address in maps:
            raise UsageError(f"--map names {address} twice: {maps[address]} and {name}")
        maps[address] = name
    return maps


def _released(target: str | None, addresses: Sequence[str]) -> tuple[str | None, tuple[Address, ...]]:
    """The TARGET and the addresses of a release: a TARGET that is an address is one of them."""
    from provisioner.cli.settings import ADDRESSED
    from provisioner.model.address import Address

    named = list(policy(addresses).targets)
    if target and (address := Address.parse(target)) is not None and "/" not in target and address.kind in ADDRESSED:
        return None, (*named, address)
    return target, tuple(named)
