"""Everything about one object, for people: first what is wrong, then what leads to it, then what would be done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from provisioner.render.history_text import last_words_text, moment
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.plan_text import change_lines
from provisioner.render.quoted import quoted
from provisioner.render.status_text import ago, port_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.model.adoption import Adopted
    from provisioner.model.change import Change
    from provisioner.model.plan import Plan
    from provisioner.model.span import Problem, Span
    from provisioner.render.history_text import Failed
    from provisioner.render.places import PublishedPort

_LABEL = 12


class HealthResult(Protocol):
    """One run of a health check."""

    @property
    def ended(self) -> str: ...
    @property
    def exit_code(self) -> int: ...
    @property
    def output(self) -> str: ...


class Words(Protocol):
    """The last lines of an object; `speaker` is the task of a Swarm that wrote them, and what it does."""

    @property
    def speaker(self) -> str: ...
    @property
    def lines(self) -> Sequence[str]: ...


class Condition(Protocol):
    """How an object is doing; `trouble` is empty where all is well."""

    @property
    def state(self) -> str: ...
    @property
    def health(self) -> str: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def restarts(self) -> int: ...
    @property
    def since(self) -> str: ...
    @property
    def started_at(self) -> str: ...
    @property
    def finished_at(self) -> str: ...
    @property
    def trouble(self) -> str: ...
    @property
    def purpose(self) -> str: ...


class Part(Protocol):
    """One object on the engine."""

    @property
    def address(self) -> Address: ...
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def condition(self) -> Condition: ...
    @property
    def health(self) -> Sequence[HealthResult]: ...
    @property
    def words(self) -> Sequence[Words]: ...
    @property
    def withheld(self) -> str: ...
    @property
    def adopted(self) -> Adopted | None: ...


class Neighbour(Protocol):
    """What the object waits for, or who needs it."""

    @property
    def address(self) -> Address: ...
    @property
    def condition(self) -> str: ...
    @property
    def state(self) -> Condition: ...


class Explanation(Protocol):
    """Everything about one address."""

    @property
    def title(self) -> str: ...
    @property
    def address(self) -> Address: ...
    @property
    def span(self) -> Span | None: ...
    @property
    def parts(self) -> Sequence[Part]: ...
    @property
    def ports(self) -> Sequence[PublishedPort]: ...
    @property
    def changes(self) -> Sequence[Change]: ...
    @property
    def problems(self) -> Sequence[Problem]: ...
    @property
    def waits_for(self) -> Sequence[Neighbour]: ...
    @property
    def needed_by(self) -> Sequence[Neighbour]: ...
    @property
    def failure(self) -> Failed | None: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def well(self) -> bool: ...


def why_text(
    explanation: Explanation,
    *,
    paint: Paint = PLAIN,
    next_command: str = "",
    width: int = 0,
    now: datetime | None = None,
) -> str:
    """The whole explanation, ending with a newline. `next_command` carries out what is planned."""
    moment_now = now or datetime.now(UTC)
    where = f"  {paint.dim(str(explanation.span))}" if explanation.span else ""
    lines = [f"{paint.bold(str(explanation.address))} of {explanation.title}{where}"]
    for part in explanation.parts:
        lines += _part(part, paint, moment_now, alone=len(explanation.parts) == 1)
    if explanation.ports:
        ports = ", ".join(dict.fromkeys(port_text(port) for port in explanation.ports))
        lines.append(_labelled("published", ports))
    lines += _neighbours("waits for", explanation.waits_for, paint)
    lines += _neighbours("needed by", explanation.needed_by, paint)
    sections = [
        "\n".join(lines) + "\n",
        *(_words(part, paint, alone=len(explanation.parts) == 1) for part in explanation.parts),
    ]
    sections += [_failure(explanation, paint), _next(explanation, paint, next_command, width)]
    return "\n".join(section for section in sections if section)


def _part(part: Part, paint: Paint, now: datetime, *, alone: bool) -> list[str]:
    state = part.condition
    code = f" ({state.exit_code})" if state.state in ("exited", "dead") else ""
    said = [f"{state.state}{code}"]
    if state.health:
        said.append(state.health)
    if state.restarts:
        said.append("restarted once" if state.restarts == 1 else f"restarted {state.restarts} times")
    since = ago(state.since, now)
    text = ", ".join(said) + (f", for {since}" if since else "")
    name = "" if alone else f"{part.address}: "
    lines = [_labelled("now", name + (paint.red(text) if state.trouble else paint.green(text)))]
    if state.trouble:
        lines.append(_labelled("wrong", name + paint.red(printable(state.trouble))))
    if state.purpose:
        lines.append(_labelled("meant", name + printable(state.purpose)))
    if part.id:
        short = part.id.removeprefix("sha256:")[:12]
        named = part.name if part.id == part.name else f"{part.name} ({short})"
        lines.append(_labelled("on engine", printable(named) + (f", {part.image}" if part.image else "")))
    if part.adopted is not None:
        form = "; ".join(part.adopted.form)
        kept = f"; no difference until it is replaced: {form}" if form else ""
        lines.append(_labelled("adopted", f"{name}from {printable(part.adopted.former + kept)}"))
    return lines


def _neighbours(label: str, neighbours: Sequence[Neighbour], paint: Paint) -> list[str]:
    lines = []
    for index, neighbour in enumerate(neighbours):
        wanted = f" ({neighbour.condition.removeprefix('service_').replace('_', ' ')})" if neighbour.condition else ""
        health = f", {neighbour.state.health}" if neighbour.state.health else ""
        text = f"{neighbour.state.state}{health}" + (f", {neighbour.state.purpose}" if neighbour.state.purpose else "")
        shown = (
            paint.red(f"{text}: {printable(neighbour.state.trouble)}") if neighbour.state.trouble else paint.green(text)
        )
        lines.append(_labelled("" if index else label, f"{neighbour.address}{wanted}: {shown}"))
    return lines


def _words(part: Part, paint: Paint, *, alone: bool) -> str:
    """What the object said last."""
    of = "" if alone else f" of {part.address}"
    lines = []
    if part.health:
        lines.append(paint.bold(f"Last results of the health check{of}:"))
        for result in part.health:
            output = " / ".join(printable(result.output).splitlines()) or "no output"
            verdict = paint.green("passed") if result.exit_code == 0 else paint.red(f"exit {result.exit_code}")
            lines.append(f"  {result.ended[11:19]}  {verdict}  {output}")
    for said in part.words:
        who = f" of {printable(said.speaker)}" if said.speaker else of
        lines.append(paint.bold(f"Last lines{who}:"))
        lines += quoted(said.lines, paint, "  ")
    if part.withheld:
        lines.append(f"{paint.bold(f'Last lines{of}:')} not shown, as {part.withheld}; provision logs shows them")
    return "\n".join(lines) + "\n" if lines else ""


def _failure(explanation: Explanation, paint: Paint) -> str:
    failed = explanation.failure
    if failed is None:
        return ""
    places = {str(part.address) for part in explanation.parts} | {str(explanation.address)}
    reasons = [reason for place, reason in failed.failures if place in places]
    head = f"{paint.bold('Last failed apply:')} {moment(failed.at)} by {printable(failed.by)}, {failed.outcome}"
    lines = [head, *(f"  {printable(reason)}" for reason in reasons)]
    words = "".join(last_words_text(failed, place, paint=paint) for place in sorted(places))
    return "\n".join(lines) + "\n" + words


def _next(explanation: Explanation, paint: Paint, next_command: str, width: int) -> str:
    """What the next apply would do with the object."""
    if not explanation.changes and not explanation.problems:
        return f"{paint.bold('Next apply:')} nothing is to be done, it is as declared.\n"
    lines = [paint.bold("Next apply:")] if explanation.changes else []
    lines += change_lines(explanation.changes, paint, width)
    lines += [f"  {paint.yellow('!')} {printable(str(problem))}" for problem in explanation.problems]
    if explanation.changes and next_command and not explanation.plan.refusals:
        lines.append(f"To carry it out: {next_command}")
    return "\n".join(lines) + "\n"


def _labelled(label: str, text: str) -> str:
    return f"{label.ljust(_LABEL)}{text}"
