"""What `adopt` would take over, for people."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from provisioner.model.adoption import AS_IT_IS, NOT_FOUND, OWNED, REFUSED, WITH_CHANGES
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.values import before_and_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.adoption import AdoptionPlan, AdoptionRow, Release
    from provisioner.model.span import Problem

_SYMBOLS = {AS_IT_IS: "=", WITH_CHANGES: "~", NOT_FOUND: "?", REFUSED: "!", OWNED: " "}


def adoption_text(plan: AdoptionPlan, *, paint: Paint = PLAIN, next_command: str = "") -> str:
    """The whole plan, ending with a newline."""
    engine = plan.facts.engine_name or plan.facts.engine_id[:12] or "the engine"
    sections = [
        f"{paint.bold(plan.title)} → {engine} (engine {plan.facts.engine_version})",
        "\n".join(_lines(plan.rows, paint)),
        _problems("Notes", plan.notes),
        _problems("Refused", plan.refusals),
        _footer(plan, paint, next_command),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _lines(rows: Sequence[AdoptionRow], paint: Paint) -> list[str]:
    shown = [row for row in rows if row.verdict != OWNED]
    width = max((len(str(row.address)) for row in shown), default=0)
    lines = []
    for row in shown:
        symbol = _SYMBOLS[row.verdict]
        color = paint.green if symbol == "=" else paint.yellow if symbol in "~?" else paint.red
        head = f"  {color(symbol)} {paint.bold(str(row.address).ljust(width))}  {_sentence(row)}"
        lines.append(head)
        for difference in row.change.differences if row.change else ():
            before, after = before_and_after(difference)
            lines.append(f"        {difference.path}  {paint.red(before)} → {paint.green(after)}")
        if row.settled:
            lines.append(paint.dim(f"        no difference any more: {printable(', '.join(row.settled))}"))
        if row.form:
            lines.append(paint.dim(f"        no difference until it is replaced: {printable('; '.join(row.form))}"))
    already = sum(1 for row in rows if row.verdict == OWNED)
    if already:
        lines.append(
            f"  {already} of the declared objects {'is' if already == 1 else 'are'} this environment's already"
        )
    return lines


def _sentence(row: AdoptionRow) -> str:
    adopted = "adopted anew" if row.settled else "adopted"
    what = {
        AS_IT_IS: f"{adopted} as it is",
        WITH_CHANGES: f"{adopted}, and the next apply would {row.change.action.value if row.change else 'change'} it",
        NOT_FOUND: "not found: the next apply would make it",
        REFUSED: "not adopted",
    }[row.verdict]
    if row.change is not None and row.change.reason:
        what += f" ({printable(row.change.reason)})"
    if row.verdict in (NOT_FOUND, REFUSED):
        return f"{what} ({row.name})"
    name = f"{row.name} → {row.becomes}" if row.becomes else row.name
    return f"{what}: {name}, of {row.former}" if not row.former.startswith("nobody") else f"{what}: {name}"


def _problems(title: str, problems: Sequence[Problem]) -> str:
    ordered = sorted(problems, key=lambda problem: problem.sort_key)
    lines = [f"  {printable(str(problem))}" for problem, _ in groupby(ordered)]
    return "\n".join([f"{title}:", *lines]) if lines else ""


def _footer(plan: AdoptionPlan, paint: Paint, next_command: str) -> str:
    if plan.refusals:
        return paint.red("Nothing is adopted as it stands.")
    count = sum(1 for adopted in plan.adopts if adopted.kind != "image")
    if plan.changes_nothing:
        return paint.bold("Nothing to adopt.")
    if not plan.adopts:
        text = f"{paint.bold('Keeps')} the revision that an adoption which was interrupted did not keep."
        return f"{text}\nTo carry it out: {next_command}" if next_command else text
    later = sum(1 for row in plan.rows if row.change is not None or row.verdict == NOT_FOUND)
    text = f"{paint.bold('Adopts')} {count} {'object' if count == 1 else 'objects'}. Nothing is restarted or copied."
    if plan.renames:
        text += f" {len(plan.renames)} {'container is' if len(plan.renames) == 1 else 'containers are'} renamed."
    if later:
        text += f" The next apply would change or make {later}."
    return f"{text}\nTo carry it out: {next_command}" if next_command else text


def release_text(release: Release, *, paint: Paint = PLAIN) -> str:
    """What would be forgotten."""
    if not release.released:
        return f"{release.title}: nothing is adopted.\n"
    lines = [f"{paint.bold(release.title)}: forgets, and leaves as they are:"]
    lines += [f"  - {paint.bold(adopted.address)}  {adopted.name}, of {adopted.former}" for adopted in release.released]
    return "\n".join(lines) + "\n"
