"""What was applied to an environment, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from provisioner.render.changes_text import changes_line, changes_text
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.quoted import quoted
from provisioner.render.table import table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.change import Change

_MOST_FAILURES = 2
_MOST_ADDRESSES = 4
_SHORT_COMMIT = 10
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
    @property
    def commit(self) -> str: ...
    @property
    def converged(self) -> bool: ...


class Failed(Protocol):
    """An apply that failed."""

    @property
    def at(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def failures(self) -> Sequence[Sequence[str]]: ...
    @property
    def commit(self) -> str: ...
    @property
    def evidence(self) -> Mapping[str, Sequence[str]]: ...


class Destroyed(Protocol):
    """That the environment was taken away."""

    @property
    def at(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def volumes(self) -> Mapping[str, object]: ...


class Narrowed(Protocol):
    """An apply of a part of the playbook."""

    @property
    def at(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def addresses(self) -> Sequence[str]: ...
    @property
    def commit(self) -> str: ...


class Comparison(Protocol):
    """What one revision declares otherwise than another."""

    @property
    def title(self) -> str: ...
    @property
    def before(self) -> Revision: ...
    @property
    def after(self) -> Revision: ...
    @property
    def changes(self) -> Sequence[Change]: ...
    @property
    def readable(self) -> bool: ...


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
    @property
    def failed_checks(self) -> Sequence[str]: ...


def history_text(
    title: str,
    entries: Sequence[Entry],
    failures: Sequence[Failed] = (),
    destroys: Sequence[Destroyed] = (),
    parts: Sequence[Narrowed] = (),
    *,
    most: int | None = None,
    detailed: bool = False,
    paint: Paint = PLAIN,
) -> str:
    """A table of the `most` newest things that happened, the newest first, ending with a newline.

    Below it stand the last words of the apply that failed after everything else; `detailed`: of every one in the table.
    """
    rows = [
        (
            entry.revision.applied_at, str(entry.revision.number), entry.revision.applied_by,
            _short(entry.revision.commit), _summary(entry),
        )
        for entry in entries
    ]  # fmt: skip
    rows += [(failure.at, "-", failure.by, _short(failure.commit), _failure(failure)) for failure in failures]
    rows += [(destroyed.at, "-", destroyed.by, "", _destroy(destroyed)) for destroyed in destroys]
    rows += [(part.at, "-", part.by, _short(part.commit), _part(part)) for part in parts]
    if not rows:
        return f"{paint.bold(title)}: nothing is known of an apply on this engine\n"
    # In the same second, what was applied came first.
    rows = sorted(rows, key=lambda row: (row[0], row[1] == "-", len(row[1]), row[1]), reverse=True)[:most]
    commits = any(commit for _, _, _, commit, _ in rows)
    shown = [(number, moment(at), by, *((commit,) if commits else ()), what) for at, number, by, commit, what in rows]
    headings = (*_HEADINGS[:3], *(("COMMIT",) if commits else ()), _HEADINGS[3])
    oldest = rows[-1][0]
    visible = [failure for failure in failures if failure.at >= oldest and (detailed or failure.at == rows[0][0])]
    words = "".join(last_words_text(failed, paint=paint) for failed in visible)
    return f"{paint.bold(title)}\n{table(headings, shown, paint=paint)}{words}"


def last_words_text(failed: Failed, address: str = "", *, paint: Paint = PLAIN) -> str:
    """What the objects of a failed apply, or one of them, said last; empty where nothing is kept."""
    lines = []
    for place, words in sorted(failed.evidence.items()):
        if not words or (address and place != address):
            continue
        lines.append(f"\n{paint.bold(f'Last words of {printable(place)}')} ({failed.outcome} {moment(failed.at)}):\n")
        lines += [f"{line}\n" for line in quoted(words, paint, "  ")]
    return "".join(lines)


def comparison_text(comparison: Comparison, *, paint: Paint = PLAIN) -> str:
    """Every field in which two revisions differ, ending with a newline."""
    before, after = comparison.before, comparison.after
    lines = [
        paint.bold(f"{comparison.title}, revision {before.number} → {after.number}"),
        f"before  {moment(before.applied_at)} by {printable(before.applied_by)}",
        f"after   {moment(after.applied_at)} by {printable(after.applied_by)}",
    ]
    if before.commit or after.commit:
        lines.append(f"commit  {before.commit or 'unknown'} → {after.commit or 'unknown'}")
    if before.mode != after.mode:
        lines.append(f"mode    {before.mode} → {after.mode}: every object is another one")
    head = "\n".join(lines) + "\n\n"
    if not comparison.readable:
        return f"{head}They can not be compared: one was kept by another version of provision.\n"
    return head + (changes_text(comparison.changes, paint=paint) or "Nothing in what is declared differs.\n")


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
    if revision.commit:
        lines.append(f"commit   {printable(revision.commit)}")
    if not revision.converged:
        lines.append(f"state    {paint.red('not reached wholly: a last look still found a difference')}")
    if entry.failed_checks:
        lines.append(f"checks   {paint.red('failed')}: {printable(', '.join(entry.failed_checks))}")
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


def _summary(entry: Entry) -> str:
    restored = f"rollback to {entry.revision.restores}: " if entry.revision.restores else ""
    if entry.failed_checks:
        restored = f"checks failed ({', '.join(entry.failed_checks)}); {restored}"
    if not entry.revision.converged:
        restored = f"not converged; {restored}"
    if not entry.readable:
        return f"{restored}not readable"
    return restored + (changes_line(entry.changes) or "nothing in what is declared")


def _failure(failed: Failed) -> str:
    """What failed, and why, of the first failures."""
    said = [": ".join(part for part in failure if part) for failure in failed.failures]
    more = [f"{len(said) - _MOST_FAILURES} more"] if len(said) > _MOST_FAILURES else []
    return printable("; ".join([failed.outcome, *said[:_MOST_FAILURES], *more]))


def _destroy(destroyed: Destroyed) -> str:
    kept = ", ".join(sorted(destroyed.volumes))
    return f"destroyed; kept: {kept}" if kept else "destroyed"


def _part(part: Narrowed) -> str:
    more = [f"{len(part.addresses) - _MOST_ADDRESSES} more"] if len(part.addresses) > _MOST_ADDRESSES else []
    return printable(f"a part only: {', '.join([*part.addresses[:_MOST_ADDRESSES], *more])}")


def _short(commit: str) -> str:
    """A commit as people name it."""
    whole, dirty, _ = commit.partition("-")
    return whole[:_SHORT_COMMIT] + ("-dirty" if dirty else "")
