"""What was applied to an environment, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.changes_text import changes_line, changes_text
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.table import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.change import Change

_HEADINGS = ("REVISION", "APPLIED", "BY", "CHANGED")


class Revision(Protocol):
    """What is told of a revision."""

    @property
    def number(self) -> int: ...
    @property
    def applied_at(self) -> str: ...
    @property
    def applied_by(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def restores(self) -> int: ...
    @property
    def inputs(self) -> Mapping[str, Mapping[str, str]]: ...


class Entry(Protocol):
    """A revision, what it changed, and the number of the one before."""

    @property
    def revision(self) -> Revision: ...
    @property
    def previous(self) -> int: ...
    @property
    def changes(self) -> Sequence[Change]: ...
    @property
    def readable(self) -> bool: ...


def history_text(title: str, entries: Sequence[Entry], *, paint: Paint = PLAIN) -> str:
    """A table with the newest revision first, ending with a newline."""
    if not entries:
        return f"{paint.bold(title)}: nothing is known of an apply on this engine\n"
    rows = [
        (str(one.revision.number), moment(one.revision.applied_at), one.revision.applied_by, _what(one))
        for one in entries
    ]
    return f"{paint.bold(title)}\n{table(_HEADINGS, rows, paint=paint)}"


def entry_text(title: str, entry: Entry, *, paint: Paint = PLAIN) -> str:
    """One revision with every field that it changed, and the versions that it was applied with."""
    revision = entry.revision
    lines = [
        f"{paint.bold(f'{title}, revision {revision.number}')}",
        f"applied  {moment(revision.applied_at)} by {printable(revision.applied_by)}",
        f"mode     {revision.mode}",
    ]
    if revision.restores:
        lines.append(f"         a rollback to revision {revision.restores}")
    sections = ["\n".join(lines) + "\n"]
    against = f"Against revision {entry.previous}:" if entry.previous else "The oldest that is kept. It has:"
    if not entry.readable:
        sections.append("What it changed can not be told: it was kept by another version of provision.\n")
    elif entry.changes:
        sections.append(f"{paint.bold(against)}\n{changes_text(entry.changes, paint=paint, indent='  ')}")
    else:
        sections.append(f"{paint.bold(against)} nothing in what is declared changed.\n")
    versions = [
        (name, version) for part in ("versions", "builds") for name, version in sorted(revision.inputs[part].items())
    ]
    if versions:
        sections.append(table(("CONTENT", "VERSION"), versions, paint=paint))
    return "\n".join(sections)


def moment(text: str) -> str:
    """An RFC 3339 time in UTC as people read it."""
    return f"{text[:16].replace('T', ' ')} UTC" if len(text) >= 16 else text


def _what(entry: Entry) -> str:
    restored = f"rollback to {entry.revision.restores}: " if entry.revision.restores else ""
    if not entry.readable:
        return f"{restored}not readable"
    return restored + (changes_line(entry.changes) or "nothing in what is declared")
