"""What `apply` and `destroy` share: show the plan, ask, tell what is done and how it ended."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from provisioner.cli.confirm import confirmed
from provisioner.cli.interrupt import interruptible
from provisioner.cli.progress_listener import progress_listener

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from provisioner.cli.settings import Settings
    from provisioner.model.plan import Plan, Verb
    from provisioner.model.report import Report
    from provisioner.model.verification import CheckResult
    from provisioner.ports import Interrupt, Listener
    from provisioner.render.places import PublishedPort


class Result(Protocol):
    """What an apply or a destroy gives back. `report` is None where nothing was carried out."""

    @property
    def plan(self) -> Plan: ...
    @property
    def report(self) -> Report | None: ...
    @property
    def checks(self) -> Sequence[CheckResult]: ...
    @property
    def ports(self) -> Sequence[PublishedPort]: ...
    @property
    def exit_code(self) -> int: ...


class PlanPrompt:
    """Shows a plan once, as text or as the first line of a JSON stream, and asks whether to go on."""

    def __init__(self, settings: Settings, *, as_json: bool, yes: bool, check: bool, question: str) -> None:
        self._settings = settings
        self._as_json = as_json
        self._yes = yes
        self._check = check
        self._question = question
        self._shown = False
        self.declined = False
        # Seconds that the question stood open.
        self.asked = 0.0

    def show(self, plan: Plan) -> None:
        """Print the plan, unless it was printed before."""
        if self._shown:
            return
        self._shown = True
        out = self._settings.out()
        if self._as_json:
            from provisioner.render.report_json import line, plan_line

            out.write(line(plan_line(plan)))
        elif plan.refusals or not (self._settings.quiet and self._yes):
            from provisioner.render.plan_text import plan_text

            text = plan_text(plan, paint=out.paint, width=out.columns, detailed=self._settings.verbose)
            out.write(text + ("" if self._check else "\n"))

    def approve(self, plan: Plan) -> bool:
        """Show the plan and ask; nothing is asked where nothing would or could happen, or `--yes` was given.

        With `--check` the answer is no.
        """
        from provisioner.render.plan_text import adopted_text, engine_name
        from provisioner.render.summary import summarize

        self.show(plan)
        if self._check:
            return False
        if self._yes or plan.refusals or not summarize(plan).pending:
            return True
        question = self._question.format(title=plan.title, engine=engine_name(plan))
        if taken := adopted_text(summarize(plan), "{} that Compose left with data"):
            question = f"{question.removesuffix('?')}, and take over {taken}?"
        began = time.monotonic()
        self.declined = not confirmed(self._settings, question)
        self.asked += time.monotonic() - began
        return not self.declined


def only_look(settings: Settings, plan: Plan, *, as_json: bool, detailed: bool) -> int:
    """What `--check` does: show the plan and stop; the exit code that goes with it."""
    from provisioner.cli.cmd_plan import plan_exit_code

    PlanPrompt(settings, as_json=as_json, yes=False, check=True, question="").show(plan)
    return plan_exit_code(plan, detailed=detailed)


def carry_out(
    settings: Settings,
    act: Callable[[Callable[[Plan], bool], Listener, Interrupt], Result],
    *,
    as_json: bool,
    yes: bool,
    check: bool = False,
    question: str,
    hushed: Collection[Verb] = (),
) -> int:
    """Run `act` with an approval, a listener and what Ctrl-C asks for; tell how it ended; the exit code.

    Of steps that are `hushed` it is not told how they get on.
    """
    began = time.monotonic()
    showing = PlanPrompt(settings, as_json=as_json, yes=yes, check=check, question=question)
    with interruptible() as interrupt, progress_listener(settings, as_json=as_json, hushed=hushed) as listener:
        result = act(showing.approve, listener, interrupt)
    showing.show(result.plan)
    if check:
        return 1 if result.plan.refusals else 0
    code = 1 if showing.declined else result.exit_code
    seconds = time.monotonic() - began - showing.asked
    _tell(settings, result, code, seconds=seconds, as_json=as_json, declined=showing.declined)
    return code


def _tell(settings: Settings, result: Result, code: int, *, seconds: float, as_json: bool, declined: bool) -> None:
    """How it ended; `seconds` count everything that the user waited for, looking among it."""
    from provisioner.model.report import Report

    report = replace(result.report or Report(plan=result.plan, results=(), seconds=0.0), seconds=seconds)
    out = settings.out()
    if as_json:
        from provisioner.render.checks_json import check_json
        from provisioner.render.report_json import line, summary_line

        checks = tuple(check_json(check) for check in result.checks)
        out.write(line(summary_line(report, code, checks)))
        return
    if declined:
        return
    from provisioner.render.checks_text import checks_text
    from provisioner.render.report_text import last_line, report_text

    troubles = report_text(report, paint=out.paint)
    if troubles:
        out.write_folded(troubles + "\n")
    if result.checks:
        out.write_folded(checks_text(result.checks, paint=out.paint) + "\n")
    from provisioner.render.places import places_text

    if code == 0 and result.report is not None and not settings.quiet:
        facts = result.plan.observed.facts
        machine = "localhost" if facts.local or not facts.engine_name else facts.engine_name
        out.write(places_text(result.ports, machine, paint=out.paint))
    out.write(last_line(report, paint=out.paint))
