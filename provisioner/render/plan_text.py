"""A plan for people: what would happen to which object, why, and at what cost. The same plan gives the same text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from provisioner.model.change import Action, Impact
from provisioner.model.plan import Verb
from provisioner.reconcile.update_policy import serves_on
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.summary import changed, summarize
from provisioner.render.values import before_and_after, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.span import Problem, Span
    from provisioner.render.summary import Summary

_SYMBOLS = {Action.CREATE: "+", Action.UPDATE: "~", Action.REPLACE: "-/+", Action.DELETE: "-"}
_MEANINGS = {"+": "create", "~": "update in place", "-/+": "replace", ">": "run once", "-": "delete", "!": "drift"}
_MOST_WAITS = 12
_MOST_DIFFERENCES = 40


def plan_text(plan: Plan, *, paint: Paint = PLAIN, next_command: str = "", differences: bool = True) -> str:
    """The whole plan, ending with a newline. `next_command` is what to type to carry it out; empty says nothing."""
    changes = changed(plan.changes)
    drifted = tuple(change for change in changes if change.drift)
    planned = tuple(change for change in changes if not change.drift)
    sections = [
        _header(plan, paint),
        _legend(changes, paint),
        _drift(drifted, paint, differences=differences),
        _blocks(planned, paint, differences=differences),
        _images(plan, paint),
        _waits(plan, paint),
        _problems("Notes", plan.notes, paint.yellow),
        _problems("Refused", plan.refusals, paint.red),
        _footer(plan, paint, next_command),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def engine_name(plan: Plan) -> str:
    """The engine as headers and questions name it."""
    facts = plan.observed.facts
    name = facts.engine_name or facts.engine_id[:12] or "the engine"
    return f"{name} (engine {facts.engine_version})" if facts.engine_version else name


def _header(plan: Plan, paint: Paint) -> str:
    return f"{paint.bold(plan.title)} → {engine_name(plan)}"


def _legend(changes: Sequence[Change], paint: Paint) -> str:
    used = {_symbol(change) for change in changes}
    if any(change.drift or any(difference.drift for difference in change.differences) for change in changes):
        used.add("!")
    entries = [f"{_colored(symbol, paint)} {meaning}" for symbol, meaning in _MEANINGS.items() if symbol in used]
    return f"  {'   '.join(entries)}" if entries else ""


def _drift(changes: Sequence[Change], paint: Paint, *, differences: bool) -> str:
    if not changes:
        return ""
    rule = paint.dim("─" * 72)
    title = paint.bold("Changed on the engine since the last apply, will be put back:")
    return f"{title}\n{_blocks(changes, paint, differences=differences, mark='! ')}\n{rule}"


def _blocks(changes: Sequence[Change], paint: Paint, *, differences: bool, mark: str = "") -> str:
    symbols = max((len(_symbol(change)) for change in changes), default=0)
    names = max((len(str(change.address)) for change in changes), default=0)
    return "\n".join(
        _block(change, paint, symbols=symbols, names=names, differences=differences, mark=mark) for change in changes
    )


def _block(change: Change, paint: Paint, *, symbols: int, names: int, differences: bool, mark: str) -> str:
    symbol = _symbol(change)
    head = f"{paint.yellow(mark)}{_colored(symbol, paint)}{' ' * (symbols - len(symbol))} "
    address = f"{paint.bold(str(change.address))}{' ' * (names - len(str(change.address)))}"
    where = f"  {paint.dim(f'({change.span})')}" if change.span else ""
    lines = [f"{head}{address}  {_sentence(change, paint)}{where}"]
    if differences:
        lines += _difference_lines(change, paint)
    return "\n".join(lines)


def _sentence(change: Change, paint: Paint) -> str:
    what = _disruption(change)
    lossy = any(difference.impact is Impact.DATA_LOSS for difference in change.differences)
    if lossy or (change.action is Action.DELETE and change.address.kind == "volume"):
        what += paint.red(", its data is lost")
    return f"{what}: {printable(change.reason)}" if change.reason else what


def _disruption(change: Change) -> str:
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
        case _:
            metadata = change.differences and all(d.impact is Impact.METADATA for d in change.differences)
            return "update, metadata only" if metadata else "update in place"


def _difference_lines(change: Change, paint: Paint) -> list[str]:
    differences, replaces = change.differences, change.action is Action.REPLACE
    shown = differences[:_MOST_DIFFERENCES]
    width = max((len(difference.path) for difference in shown), default=0)
    lines = []
    for difference in shown:
        before, after = before_and_after(difference)
        text = f"{difference.path.ljust(width)}  {paint.red(before)} → {paint.green(after)}"
        if difference.drift and not change.drift:
            text += paint.yellow("  ! changed on the engine")
        if difference.impact is Impact.DATA_LOSS:
            text += paint.red("  # forces replacement, data is lost")
        elif replaces and difference.impact is Impact.REPLACE:
            text += paint.red("  # forces replacement")
        if difference.span:
            text += paint.dim(f"  ({_near(difference.span, change.span)})")
        lines.append(f"      {text}")
    if len(differences) > len(shown):
        lines.append(paint.dim(f"      … {len(differences) - len(shown)} more; --json lists them all"))
    return lines


def _near(span: Span, other: Span | None) -> str:
    """A position, shorter where the file was just named."""
    return f"line {span.line}" if other and span.line and span.file == other.file else str(span)


def _images(plan: Plan, paint: Paint) -> str:
    """Builds and pulls that are not a change of their own already."""
    told = {change.address for change in plan.changes}
    steps = [step for step in plan.steps if step.verb in (Verb.BUILD, Verb.PULL) and step.address not in told]
    if not steps:
        return ""
    width = max(len(str(step.address)) for step in steps)
    lines = [
        f"  {step.verb.value.ljust(5)}  {str(step.address).ljust(width)}  {printable(step.cause)}" for step in steps
    ]
    return "\n".join([paint.bold("Images:"), *lines])


def _waits(plan: Plan, paint: Paint) -> str:
    waited = dict.fromkeys(step.address for step in plan.steps if step.verb is Verb.WAIT)
    replicas = Counter(address.whole for address in waited)
    names = [f"{address} ({count})" if count > 1 else str(address) for address, count in replicas.items()]
    if len(names) > _MOST_WAITS:
        names[_MOST_WAITS:] = [f"{len(names) - _MOST_WAITS} more"]
    return f"{paint.bold('Waits for:')} {', '.join(names)}" if names else ""


def _problems(title: str, problems: Iterable[Problem], color: Callable[[str], str]) -> str:
    lines = [f"  {printable(str(problem))}" for problem in sorted(problems, key=lambda problem: problem.sort_key)]
    return "\n".join([color(f"{title}:"), *lines]) if lines else ""


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
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)


def _symbol(change: Change) -> str:
    runs = change.desired is not None and change.desired.job and change.action in (Action.CREATE, Action.REPLACE)
    return ">" if runs else _SYMBOLS[change.action]


def _colored(symbol: str, paint: Paint) -> str:
    if symbol == "+":
        return paint.green(symbol)
    if symbol in ("-", "-/+"):
        return paint.red(symbol)
    return paint.cyan(symbol) if symbol == ">" else paint.yellow(symbol)
