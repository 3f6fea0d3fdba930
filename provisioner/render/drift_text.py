"""What differs on the engine from what was last applied, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.changes_text import changes_text
from provisioner.render.history_text import Revision, moment
from provisioner.render.paint import PLAIN, Paint, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.change import Change
    from provisioner.model.span import Problem
    from provisioner.model.state import Facts


class Destroyed(Protocol):
    """That the environment was taken away."""

    @property
    def at(self) -> str: ...
    @property
    def by(self) -> str: ...


class Drift(Protocol):
    """The differences, and what else was seen."""

    @property
    def title(self) -> str: ...
    @property
    def facts(self) -> Facts: ...
    @property
    def revision(self) -> Revision: ...
    @property
    def changes(self) -> Sequence[Change]: ...
    @property
    def notes(self) -> Sequence[Problem]: ...
    @property
    def looked_at(self) -> int: ...
    @property
    def destroyed(self) -> Destroyed | None: ...
    @property
    def standing(self) -> bool: ...


def drift_text(drift: Drift, *, paint: Paint = PLAIN, next_command: str = "") -> str:
    """The differences: what is there now, and what was applied; ends with a newline."""
    revision = drift.revision
    since = f"revision {revision.number}, applied {moment(revision.applied_at)} by {printable(revision.applied_by)}"
    if drift.destroyed is not None:
        when, who = moment(drift.destroyed.at), printable(drift.destroyed.by)
        since = f"what the destroy left, {when} by {who} (after {since})"
    sections = [f"{paint.bold(drift.title)}: compared with {since}\n"]
    if drift.changes:
        sections.append(
            f"{paint.dim('what is there now → what was applied')}\n{changes_text(drift.changes, paint=paint)}"
        )
    if drift.notes:
        lines = "".join(f"  {printable(str(note))}\n" for note in drift.notes)
        sections.append(f"{paint.yellow('Notes:')}\n{lines}")
    count = len(drift.changes)
    if count:
        noun = "object differs" if count == 1 else "objects differ"
        end = f"{paint.bold('Drift:')} {count} {noun} from what was last applied.\n"
        does = "To take it again" if drift.standing else "To put it back"
        sections.append(end + (f"{does}: {next_command}\n" if next_command else ""))
    else:
        noun = "object is" if drift.looked_at == 1 else "objects are"
        sections.append(f"{paint.bold(paint.green('No drift.'))} {drift.looked_at} {noun} as last applied.\n")
    return "\n".join(sections)
