"""What a restore would do, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.backup_text import amount
from provisioner.render.paint import PLAIN, Paint, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.backup import Manifest, Part
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


class Plan(Protocol):
    """What a restore would do."""

    @property
    def title(self) -> str: ...
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


def restore_plan_text(plan: Plan, manifest: Manifest, *, paint: Paint = PLAIN) -> str:
    """Which data go in, what they replace, and which services stand still meanwhile."""
    made = manifest.created_at[:19].replace("T", " ")
    lines = [f"{paint.bold(printable(plan.title))} from {printable(manifest.id)}, made {made} UTC"]
    if manifest.environment != plan.title:
        lines.append(paint.yellow(f"The archive is of {printable(manifest.environment)}, another environment."))
    if plan.resumed:
        lines.append("A restore that was interrupted is gone on with.")
    lines.append("")
    for volume in plan.volumes:
        before = "holds data" if volume.size < 0 else f"holds {amount(volume.size)}"
        now = (
            f"{before}, which are replaced; they are kept in {volume.name}.before-restore" if volume.holds else "empty"
        )
        into = (
            f"{volume.part.entries} files, {amount(volume.part.content_size)}" if volume.part else "empty, for a dump"
        )
        mark = paint.red("!") if volume.holds else paint.green("+")
        lines.append(f"{mark} volume.{volume.key}  {into}  (now {now})")
        if volume.supersedes:
            lines.append(f"  What an earlier restore has kept in {volume.name}.before-restore makes way for that.")
    lines += [f"{paint.green('+')} {part.address}  a dump of {amount(part.content_size)}" for part in plan.dumps]
    if plan.stopped:
        lines += ["", f"Stand still meanwhile, in this order: {', '.join(plan.stopped)}"]
    for problem in plan.refusals:
        lines.append(f"{paint.red('✘')} {problem}")
    if plan.refusals:
        lines.append("This restore is refused as it stands; nothing was changed.")
    return "\n".join(lines) + "\n"
