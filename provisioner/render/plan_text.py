"""A plan for people: what would happen to which object, why, and at what cost. The same plan gives the same text."""

from __future__ import annotations

from collections import Counter
from dataclasses import field, replace
from textwrap import wrap
from typing import TYPE_CHECKING

from provisioner.kinds import service
from provisioner.model.change import Action, Impact
from provisioner.model.dataclass import dataclass
from provisioner.model.plan import Verb
from provisioner.reconcile.update_policy import changed_parts, serves_on
from provisioner.render.fold import folded, pieces
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.summary import changed, summarize
from provisioner.render.values import before_and_after, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.span import Problem, Span
    from provisioner.render.summary import Summary

_SYMBOLS = {Action.CREATE: "+", Action.UPDATE: "~", Action.REPLACE: "-/+", Action.DELETE: "-"}
_MEANINGS = {"+": "create", "~": "update in place", "-/+": "replace", ">": "run once", "-": "delete", "!": "drift"}
_MOST_WAITS = 12
_MOST_DIFFERENCES = 40
# So many lines in a row that say the same of objects of one kind become one.
_FEWEST_ALIKE = 6
_INDENT = 6


@dataclass(frozen=True, slots=True)
class _Style:
    """`width` is the terminal's in columns, 0 for lines of any length; `common` the reasons that the legend says."""

    paint: Paint
    width: int = 0
    differences: bool = True
    common: Mapping[str, str] = field(default_factory=dict)


def plan_text(
    plan: Plan,
    *,
    paint: Paint = PLAIN,
    next_command: str = "",
    differences: bool = True,
    width: int = 0,
    detailed: bool = False,
) -> str:
    """The whole plan, ending with a newline. `next_command` is what to type to carry it out, or to adopt what
    stands in its way; empty says nothing.

    With a `width` (columns of a terminal) lines leave out the place in the file where it does not fit, and are broken
    at words. Lines that are alike are put together, unless `detailed`.
    """
    changes = changed(plan.changes)
    drifted = tuple(change for change in changes if change.drift)
    planned = tuple(change for change in changes if not change.drift)
    style = _Style(paint, width, differences, _common_reasons(planned))
    sections = [
        _header(plan, paint),
        _legend(changes, style),
        _drift(drifted, style, detailed=detailed),
        _blocks(planned, style, detailed=detailed),
        _images(plan, paint),
        _waits(plan, style, detailed=detailed),
        _problems("Notes", plan.notes, paint.yellow, width),
        _problems("Refused", plan.refusals, paint.red, width),
        _footer(plan, paint, next_command),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def can_be_adopted(plan: Plan) -> bool:
    """Whether a plan is refused for what `adopt` takes over."""
    return bool(plan.refusals) and any(foreign.adoptable and not foreign.own for foreign in plan.observed.foreign)


def change_lines(changes: Sequence[Change], paint: Paint, width: int) -> list[str]:
    """The lines of some changes of a plan, without its legend."""
    text = _blocks(changes, _Style(paint, width), detailed=True)
    return text.splitlines()


def engine_name(plan: Plan) -> str:
    """The engine as headers and questions name it."""
    facts = plan.observed.facts
    name = facts.engine_name or facts.engine_id[:12] or "the engine"
    return f"{name} (engine {facts.engine_version})" if facts.engine_version else name


def _header(plan: Plan, paint: Paint) -> str:
    return f"{paint.bold(plan.title)} → {engine_name(plan)}"


def _common_reasons(changes: Sequence[Change]) -> dict[str, str]:
    """By symbol the reason that all changes under it have, where there are several: it is said once."""
    reasons: dict[str, list[str]] = {}
    for change in changes:
        reasons.setdefault(symbol_of(change), []).append(change.reason)
    return {symbol: texts[0] for symbol, texts in reasons.items() if len(texts) > 1 and len(set(texts)) == 1}


def _legend(changes: Sequence[Change], style: _Style) -> str:
    used = {symbol_of(change) for change in changes}
    if any(change.drift or any(difference.drift for difference in change.differences) for change in changes):
        used.add("!")
    entries = []
    for symbol, meaning in _MEANINGS.items():
        if symbol in used:
            reason = style.common.get(symbol, "")
            why = f": {printable(reason)}" if reason else ""
            entries.append(f"{_colored(symbol, style.paint)} {meaning}{why}")
    lines: list[str] = []
    for entry in entries:
        fits = lines and (not style.width or len(_uncolored(lines[-1])) + 3 + len(_uncolored(entry)) < style.width)
        if fits:
            lines[-1] += f"   {entry}"
        else:
            lines.append(f"  {entry}")
    return "\n".join(folded(line, style.width) for line in lines)


def _drift(changes: Sequence[Change], style: _Style, *, detailed: bool) -> str:
    if not changes:
        return ""
    rule = style.paint.dim("─" * min(72, (style.width or 73) - 1))
    title = style.paint.bold("Changed on the engine since the last apply, will be put back:")
    text = _blocks(changes, replace(style, common={}), mark="! ", detailed=detailed)
    return f"{title}\n{text}\n{rule}"


def _blocks(changes: Sequence[Change], style: _Style, *, mark: str = "", detailed: bool = False) -> str:
    symbols = max((len(symbol_of(change)) for change in changes), default=0)
    runs = [[change] for change in changes] if detailed else _runs(changes, style)
    names = max((len(_name(run)) for run in runs), default=0)
    return "\n".join(_block(run, style, symbols=symbols, names=names, mark=mark) for run in runs)


def _runs(changes: Sequence[Change], style: _Style) -> list[list[Change]]:
    """The changes, those together that follow each other and of which the same is said."""
    runs: list[list[Change]] = []
    for change in changes:
        alike = runs and not change.differences and _alike(runs[-1][-1], change)
        if alike:
            runs[-1].append(change)
        else:
            runs.append([change])
    return [part for run in runs for part in ([run] if len(run) >= _FEWEST_ALIKE else [[change] for change in run])]


def _alike(change: Change, other: Change) -> bool:
    same = (change.address.kind, symbol_of(change), change.reason) == (
        other.address.kind,
        symbol_of(other),
        other.reason,
    )
    return same and not change.differences and disruption(change) == disruption(other)


def _name(run: Sequence[Change]) -> str:
    """`service.api`, or for several `volume.vol00 … vol29 (30)`."""
    first, last = run[0].address, run[-1].address
    return str(first) if len(run) == 1 else f"{first} … {last.name} ({len(run)})"


def _block(run: Sequence[Change], style: _Style, *, symbols: int, names: int, mark: str) -> str:
    change, paint = run[0], style.paint
    symbol, name = symbol_of(change), _name(run)
    head = f"{paint.yellow(mark)}{_colored(symbol, paint)}{' ' * (symbols - len(symbol))} "
    plain = len(mark) + symbols + 1 + names + 2
    sentence = _sentence(change, style)
    place = f"({change.span})" if change.span and len(run) == 1 else ""
    text = f"{head}{paint.bold(name)}{' ' * (names - len(name))}  "
    lines = _filled(text, sentence, place, plain, style)
    if style.differences:
        lines += _difference_lines(change, style)
    return "\n".join(lines)


def _filled(head: str, sentence: str, place: str, used: int, style: _Style) -> list[str]:
    """A line with its place, without it where both do not fit, and broken at words where the sentence does not."""
    length = used + len(_uncolored(sentence))
    if not style.width or length + 2 + len(place) < style.width:
        return [f"{head}{sentence}  {style.paint.dim(place)}" if place else f"{head}{sentence}"]
    if length < style.width:
        return [f"{head}{sentence}"]
    room = max(style.width - used - 1, 16)
    first, *rest = pieces(sentence, room, room)
    return [f"{head}{first}", *(" " * used + line for line in rest)]


def _uncolored(text: str) -> str:
    return printable(text)


def _sentence(change: Change, style: _Style) -> str:
    what = disruption(change)
    lossy = any(difference.impact is Impact.DATA_LOSS for difference in change.differences)
    if lossy or (change.action is Action.DELETE and change.address.kind == "volume"):
        what += style.paint.red(", its data is lost")
    is_common = style.common.get(symbol_of(change)) == change.reason
    return f"{what}: {printable(change.reason)}" if change.reason and not is_common else what


def disruption(change: Change) -> str:
    """What is done with an object, and whether it serves meanwhile."""
    match change.action:
        case Action.CREATE if change.desired and change.desired.job:
            return f"run once ({change.desired.job})"
        case Action.REPLACE if change.desired and change.desired.job:
            return f"run again ({change.desired.job})"
        case Action.CREATE:
            return "create"
        case Action.DELETE:
            return "delete"
        case Action.REPLACE if change.address.kind == "service":
            return (
                "replace, the new one serves before the old one stops"
                if change.desired is not None and serves_on(change.desired)
                else "replace, with a short stop"
            )
        case Action.REPLACE:
            return "replace"
        case Action.UPDATE if change.observed is not None and change.observed.kind == "service":
            return _update_of_service(changed_parts(change))
        case _:
            metadata = change.differences and all(d.impact is Impact.METADATA for d in change.differences)
            return "update, metadata only" if metadata else "update in place"


def _update_of_service(changed: frozenset[str]) -> str:
    """What an update that changes these parts of a service's spec does to its tasks."""
    if changed & {service.TASK, service.ENDPOINT}:
        return "update, its tasks are made anew"
    if service.PLACEMENT in changed:
        return "update in place, tasks leave nodes that no longer fit"
    return "update in place"


def _difference_lines(change: Change, style: _Style) -> list[str]:
    differences, replaces, paint = change.differences, change.action is Action.REPLACE, style.paint
    shown = differences[:_MOST_DIFFERENCES]
    width = max((len(difference.path) for difference in shown), default=0)
    lines = []
    for difference in shown:
        before, after = before_and_after(difference)
        text = f"{paint.red(before)} → {paint.green(after)}"
        if difference.drift and not change.drift:
            text += paint.yellow("  ! changed on the engine")
        if difference.impact is Impact.DATA_LOSS:
            text += paint.red("  # forces replacement, data is lost")
        elif replaces and difference.impact is Impact.REPLACE:
            text += paint.red("  # forces replacement")
        place = f"({_near(difference.span, change.span)})" if difference.span else ""
        head = f"{' ' * _INDENT}{difference.path.ljust(width)}  "
        lines += _filled(head, text, place, _INDENT + width + 2, style)
    if len(differences) > len(shown):
        lines.append(paint.dim(f"      … {len(differences) - len(shown)} more; --json lists them all"))
    return lines


def _near(span: Span, other: Span | None) -> str:
    """A position, shorter where the file was just named."""
    return f"line {span.line}" if other and span.line and span.file == other.file else str(span)


def _images(plan: Plan, paint: Paint) -> str:
    """Builds and pulls that are not a change of their own already."""
    shown = {change.address for change in plan.changes}
    steps = [step for step in plan.steps if step.verb in (Verb.BUILD, Verb.PULL) and step.address not in shown]
    if not steps:
        return ""
    width = max(len(str(step.address)) for step in steps)
    lines = [
        f"  {step.verb.value.ljust(5)}  {str(step.address).ljust(width)}  {printable(step.cause)}" for step in steps
    ]
    return "\n".join([paint.bold("Images:"), *lines])


def _waits(plan: Plan, style: _Style, *, detailed: bool) -> str:
    waited = dict.fromkeys(step.address for step in plan.steps if step.verb is Verb.WAIT)
    replicas = Counter(address.whole for address in waited)
    if not replicas:
        return ""
    names = [f"{address} ({count})" if count > 1 else str(address) for address, count in replicas.items()]
    title = style.paint.bold("Waits for:")
    if len(names) > _MOST_WAITS and not detailed:
        return f"{title} {len(names)} services"
    return "\n".join(_wrapped(f"Waits for: {', '.join(names)}", "  ", style.width)).replace("Waits for:", title, 1)


def _problems(title: str, problems: Iterable[Problem], color: Callable[[str], str], width: int) -> str:
    alike: dict[object, list[Problem]] = {}
    for problem in sorted(problems, key=lambda problem: problem.sort_key):
        alike.setdefault((problem.message, problem.hint) if problem.path else problem, []).append(problem)
    lines = [line for group in alike.values() for line in _wrapped(f"  {printable(_said(group))}", "    ", width)]
    return "\n".join([color(f"{title}:"), *lines]) if lines else ""


def _said(alike: Sequence[Problem]) -> str:
    """What is the matter in several places in the same words is said once, with the place of the first."""
    places = ", ".join(dict.fromkeys(problem.path for problem in alike))
    return str(replace(alike[0], path=places))


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    """A line broken at words, those after the first indented; as it is without a width."""
    if not width or len(text) < width:
        return [text]
    return wrap(
        text, max(width - 1, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
        drop_whitespace=True, initial_indent="",
    )  # fmt: skip


def _footer(plan: Plan, paint: Paint, next_command: str) -> str:
    summary = summarize(plan)
    if not summary.pending and not plan.refusals:
        noun = "object is" if summary.unchanged == 1 else "objects are"
        checked = f" {summary.unchanged} {noun} as declared." if summary.unchanged else ""
        return f"{paint.bold(paint.green('No changes.'))}{checked}"
    lines = [f"{paint.bold('Plan:')} {counts_text(summary)}."]
    extra = _extra_counts(plan)
    if extra:
        lines.append(paint.dim(f"      {extra}"))
    if plan.refusals:
        lines.append(paint.red("This plan is refused as it stands; nothing would be changed."))
        if next_command and can_be_adopted(plan):
            lines.append(f"To take over what is there as it is: {shorten(next_command, 200)}")
    elif next_command:
        lines.append(f"To carry it out: {shorten(next_command, 200)}")
    return "\n".join(lines)


def counts_text(summary: Summary) -> str:
    """How many objects a plan touches, in words."""
    return (
        f"{summary.create} to create, {summary.update} to update, {summary.replace} to replace, "
        f"{summary.delete} to delete, {summary.unchanged} unchanged" + adopted_text(summary, ", {} to take over")
    )


def adopted_text(summary: Summary, form: str) -> str:
    """`form` with the number of left volumes that an apply takes over; empty where it takes over none."""
    return form.format("1 volume" if summary.adopt == 1 else f"{summary.adopt} volumes") if summary.adopt else ""


def _extra_counts(plan: Plan) -> str:
    verbs = Counter(step.verb for step in plan.steps)
    acts = (Action.CREATE, Action.UPDATE, Action.REPLACE)
    jobs = sum(1 for c in changed(plan.changes) if c.desired and c.desired.job and c.action in acts)
    counts = (
        (verbs[Verb.BUILD], "image to build", "images to build"),
        (verbs[Verb.PULL], "image to pull", "images to pull"),
        (jobs, "job to run", "jobs to run"),
        (verbs[Verb.WAIT], "wait", "waits"),
    )
    return ", ".join(f"{count} {singular if count == 1 else plural}" for count, singular, plural in counts if count)


def symbol_of(change: Change) -> str:
    """The sign before a change."""
    runs = change.desired is not None and change.desired.job and change.action in (Action.CREATE, Action.REPLACE)
    return ">" if runs else _SYMBOLS[change.action]


def _colored(symbol: str, paint: Paint) -> str:
    if symbol == "+":
        return paint.green(symbol)
    if symbol in ("-", "-/+"):
        return paint.red(symbol)
    return paint.cyan(symbol) if symbol == ">" else paint.yellow(symbol)
