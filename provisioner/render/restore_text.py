"""What a restore would do, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.backup_text import amount, files
from provisioner.render.paint import PLAIN, Paint, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.backup import Part
    from provisioner.model.span import Problem


class Volume(Protocol):
    """A volume that a restore makes anew."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def part(self) -> Part | None: ...
    @property
    def holds(self) -> bool: ...
    @property
    def size(self) -> int: ...
    @property
    def supersedes(self) -> bool: ...


class Origin(Protocol):
    """Where data come from; `made_at` is empty for an archive that is still to be made."""

    @property
    def name(self) -> str: ...
    @property
    def environment(self) -> str: ...
    @property
    def made_at(self) -> str: ...


class Plan(Protocol):
    """What a restore would do."""

    @property
    def title(self) -> str: ...
    @property
    def origin(self) -> Origin: ...
    @property
    def volumes(self) -> Sequence[Volume]: ...
    @property
    def dumps(self) -> Sequence[Part]: ...
    @property
    def stopped(self) -> Sequence[str]: ...
    @property
    def refusals(self) -> Sequence[Problem]: ...
    @property
    def resumed(self) -> bool: ...
    @property
    def masks(self) -> Sequence[str]: ...
    @property
    def unmasked(self) -> Sequence[str]: ...
    @property
    def again(self) -> Sequence[str]: ...
    @property
    def once_again(self) -> Sequence[str]: ...
    @property
    def beyond_masks(self) -> Sequence[str]: ...


class Former(Protocol):
    """A volume that is put back as it was before a restore, which began at `since`; `kept` has the data, if any."""

    @property
    def address(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def kept(self) -> str: ...


class Undo(Protocol):
    """What `restore --undo` would do."""

    @property
    def title(self) -> str: ...
    @property
    def volumes(self) -> Sequence[Former]: ...
    @property
    def stay(self) -> Sequence[Former]: ...
    @property
    def refusals(self) -> Sequence[Problem]: ...


def undo_plan_text(plan: Undo, *, paint: Paint = PLAIN) -> str:
    """Which volumes get back what they held before which restore, and what stays kept."""
    lines = [f"{paint.bold(printable(plan.title))}: the data of before a restore", ""]
    for former in plan.volumes:
        before = f"what {former.kept} has" if former.kept else "empty again"
        lines.append(
            f"{paint.red('!')} {printable(former.address)}  {before}, as it was before the restore{_at(former.since)}"
        )
    if not plan.volumes:
        lines.append("No volume was replaced, so that none is put back.")
    for former in plan.stay:
        lines.append(f"  {printable(former.address)}  stays; {former.kept} is of before the restore{_at(former.since)}")
    for problem in plan.refusals:
        lines.append(f"{paint.red('✘')} {problem}")
    if plan.refusals:
        lines.append("This is refused as it stands; nothing was changed.")
    return "\n".join(lines) + "\n"


def _content(part: Part, *, ready: bool) -> str:
    """What a part holds; of an archive that is still to be made as far as that is known."""
    what = "a dump" if part.kind == "dump" else files(part.entries) if ready else "its files"
    if part.content_size < 0:
        return f"{what} (how large is known once it is made)"
    return f"{what}{' of' if part.kind == 'dump' else ','} {amount(part.content_size)}"


def _at(since: str) -> str:
    return f" of {since[:19].replace('T', ' ')} UTC" if since else ""


def _masked(plan: Plan, paint: Paint, *, ready: bool) -> list[str]:
    """What becomes of data that not everybody may see; an archive that is `ready` is masked or not already."""
    if not plan.masks:
        nothing = "Nothing is masked: no service has `backup.mask`, so that the data come as they are."
        return [] if ready else [paint.yellow(nothing)]
    lines = [f"Masked before anybody can reach the data, in this order: {', '.join(plan.masks)}"]
    if plan.beyond_masks:
        said = f"As they are, since no service with `backup.mask` has them: {', '.join(plan.beyond_masks)}"
        lines.append(paint.yellow(said))
    return lines


def restore_plan_text(plan: Plan, *, paint: Paint = PLAIN) -> str:
    """Which data go in, what they replace, and which services stand still meanwhile."""
    origin, ready = plan.origin, bool(plan.origin.made_at)
    made = origin.made_at[:19].replace("T", " ")
    lines = [
        f"{paint.bold(printable(plan.title))} from {printable(origin.name)}{f', made {made} UTC' if ready else ''}"
    ]
    if ready and origin.environment != plan.title:
        lines.append(paint.yellow(f"The archive is of {printable(origin.environment)}, another environment."))
    if plan.unmasked:
        lines.append(
            paint.yellow(
                f"Its data are not masked: a restore does not run the `backup.mask` of {', '.join(plan.unmasked)}. "
                "`provision clone` masks."
            )
        )
    if plan.resumed:
        lines.append("A restore that was interrupted is gone on with.")
    lines.append("")
    for volume in plan.volumes:
        before = "holds data" if volume.size < 0 else f"holds {amount(volume.size)}"
        now = (
            f"{before}, which are replaced; they are kept in {volume.name}.before-restore" if volume.holds else "empty"
        )
        into = _content(volume.part, ready=ready) if volume.part else "empty, for a dump"
        mark = paint.red("!") if volume.holds else paint.green("+")
        lines.append(f"{mark} volume.{volume.key}  {into}  (now {now})")
        if volume.supersedes and not plan.refusals:
            kept = f"what {volume.name}.before-restore has of before an earlier restore"
            lines.append(paint.red(f"  For that {kept} is deleted, even where this one fails."))
    for part in plan.dumps:
        lines.append(f"{paint.green('+')} {part.address}  {_content(part, ready=ready)}")
    if plan.stopped:
        lines += ["", f"Stand still meanwhile, in this order: {', '.join(plan.stopped)}"]
    if plan.again:
        lines.append(f"Jobs that run again on the data that come: {', '.join(plan.again)}")
    if plan.once_again:
        lines.append(
            paint.red(
                f"`run: once` does not hold for {', '.join(plan.once_again)}: that a job has run is known from its "
                "container, which goes with the volume that it has."
            )
        )
    lines += _masked(plan, paint, ready=ready)
    for problem in plan.refusals:
        lines.append(f"{paint.red('✘')} {problem}")
    if plan.refusals:
        lines.append("This restore is refused as it stands; nothing was changed.")
    return "\n".join(lines) + "\n"
