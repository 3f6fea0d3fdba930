"""A plan as Markdown for a pull request: a table of what changes, every field folded away, the digest to approve."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioner.model.change import Action, Impact
from provisioner.render.paint import printable
from provisioner.render.plan_text import counts_text, disruption, engine_name, symbol_of
from provisioner.render.summary import changed, summarize, total
from provisioner.render.values import before_and_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.play import PlayPlan
    from provisioner.model.span import Problem

# A comment on GitHub has at most 65,536 characters, one on GitLab a million.
_LONGEST_FIELDS = 40_000
_MOST_ROWS = 100
# What Markdown reads as more than text within a cell or a line.
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")


def plan_markdown(plan: Plan, command: str = "", *, kept: bool = False) -> str:
    """The plan of one environment. `command` is what carries it out, without the digest."""
    return (
        "\n\n".join(
            [*plan_sections(plan, level=3), *_approval(plan.digest, command, refused=bool(plan.refusals), kept=kept)]
        )
        + "\n"
    )


def plans_markdown(
    title: str, plans: Sequence[PlayPlan], digest: str = "", command: str = "", *, kept: bool = False
) -> str:
    """The plans of a list: the sum, and each play under a heading of its own."""
    counts = counts_text(total(summarize(play.plan) for play in plans))
    parts = [f"### {plain(title)}", f"**{counts}** in {len(plans)} plays."]
    for play in plans:
        parts += plan_sections(play.plan, level=4, name=play.name)
    refused = any(play.plan.refusals for play in plans)
    return "\n\n".join([*parts, *_approval(digest, command, refused=refused, kept=kept)]) + "\n"


def plan_sections(plan: Plan, *, level: int, name: str = "") -> list[str]:
    """The parts of a plan in Markdown, under a heading of that level."""
    summary = summarize(plan)
    heading = f"{name}: {plan.title}" if name else plan.title
    parts = [f"{'#' * level} {plain(heading)} on {plain(engine_name(plan))}"]
    changes = changed(plan.changes)
    if not summary.pending and not plan.refusals:
        return [*parts, f"No changes. {summary.unchanged} objects are as declared.", *_problems("Note", plan.notes)]
    parts.append(f"**{counts_text(summary)}.**")
    if plan.refusals:
        parts += ["**This plan is refused as it stands; nothing would be changed.**"]
        parts += _problems("Refused", plan.refusals)
    if changes:
        parts.append(_table(changes))
    fields = _fields(changes)
    if fields:
        parts.append(fields)
    return [*parts, *_problems("Note", plan.notes)]


def _table(changes: Sequence[Change]) -> str:
    lines = ["| | object | what | why |", "| --- | --- | --- | --- |"]
    for change in changes[:_MOST_ROWS]:
        drift = "changed on the engine since the last apply; " if change.drift else ""
        cells = (
            f"`{symbol_of(change)}`", _code(str(change.address)), plain(_consequence(change)),
            plain(f"{drift}{change.reason}"),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    if len(changes) > _MOST_ROWS:
        lines.append(f"| | | | {len(changes) - _MOST_ROWS} more; `provision plan --json` lists them all |")
    return "\n".join(lines)


def _consequence(change: Change) -> str:
    lossy = any(difference.impact is Impact.DATA_LOSS for difference in change.differences)
    lost = lossy or (change.action is Action.DELETE and change.address.kind == "volume")
    return disruption(change) + (", its data is lost" if lost else "")


def _fields(changes: Iterable[Change]) -> str:
    """Every field that differs, as a diff that is folded away; empty where there is none."""
    lines: list[str] = []
    count = length = left = 0
    for change in changes:
        block = [f"  {change.address}{f'  ({change.span})' if change.span else ''}"] if change.differences else []
        for difference in change.differences:
            before, after = before_and_after(difference)
            forces = "  # forces replacement" if difference.impact is Impact.REPLACE else ""
            block += [f"- {difference.path}: {before}", f"+ {difference.path}: {after}{forces}"]
        count += len(change.differences)
        length += sum(map(len, block))
        if length <= _LONGEST_FIELDS:
            lines += block
        else:
            left += len(change.differences)
    if not count:
        return ""
    if left:
        lines.append(f"  … {left} more; provision plan --json lists them all")
    content = "\n".join(map(printable, lines))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", content)), default=0))
    noun = "field differs" if count == 1 else "fields differ"
    opened = f"<details>\n<summary>{count} {noun}</summary>"
    return f"{opened}\n\n{fence}diff\n{content}\n{fence}\n\n</details>"


def _problems(title: str, problems: Iterable[Problem]) -> list[str]:
    lines = [f"- {title}: {plain(str(problem))}" for problem in sorted(problems, key=lambda problem: problem.sort_key)]
    return ["\n".join(lines)] if lines else []


def _approval(digest: str, command: str, *, refused: bool, kept: bool) -> list[str]:
    if not digest or refused:
        return []
    # A file with the plan says itself which one it is.
    approved = "" if kept else f" --digest {digest}"
    done = f" `{command}{approved}` does exactly this, or refuses." if command else ""
    return [f"Digest: `{digest}`.{done}"]


def _code(text: str) -> str:
    return f"`{printable(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def plain(text: str) -> str:
    """A text in which nothing is read as Markdown."""
    return _SPECIAL.sub(r"\\\1", printable(text).replace("\n", " "))
