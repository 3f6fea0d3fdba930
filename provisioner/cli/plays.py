"""Commands on a list of plays: plan, apply and destroy all of them, or look at each."""

from __future__ import annotations

import shlex
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provisioner.cli.confirm import confirmed
from provisioner.cli.formats import ANNOTATIONS, findings_output
from provisioner.cli.interrupt import interruptible
from provisioner.cli.progress_listener import progress_listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.app.apply_plays import Approve, OpenListener, PlaysResult
    from provisioner.cli.settings import Settings
    from provisioner.model.play import PlayPlan, PlayResult
    from provisioner.ports import Interrupt, Listener

    Act = Callable[[Approve, OpenListener, Callable[[PlayResult], None], Interrupt], PlaysResult]

APPLY_QUESTION = "Apply these changes to {count} of {title} on {engines}?"
DESTROY_QUESTION = "Delete these objects of {count} of {title} on {engines}?"


def show_plans(
    settings: Settings,
    title: str,
    plans: Sequence[PlayPlan],
    *,
    form: str = "text",
    detailed: bool,
    differences: bool = True,
    target: str | None = None,
    again: Sequence[str] = (),
    digest: str = "",
    kept: bool = False,
) -> int:
    """Print the plans of a list and return the exit code that goes with them; `kept` as in `show_plan`."""
    out = settings.out()
    said = settings.of_plan_file() if kept else settings
    next_command = shlex.join(["provision", "apply", *said.typed(target), *again])
    if form == "json":
        from provisioner.render.plays_json import plans_json

        out.write_json(plans_json(title, plans, digest))
    elif form == "markdown":
        from provisioner.render.plan_markdown import plans_markdown

        out.write(plans_markdown(title, plans, digest, next_command, kept=kept))
    elif form in ANNOTATIONS:
        from provisioner.render.plan_findings import findings_of_plan

        out.write(findings_output([finding for play in plans for finding in findings_of_plan(play.plan)], form))
    else:
        from provisioner.render.plays_text import plans_text

        text = plans_text(
            title, plans, paint=out.paint, next_command="" if settings.quiet else next_command,
            differences=differences, width=out.columns, detailed=settings.verbose,
        )  # fmt: skip
        out.write(text)
    return plans_exit_code(plans, detailed=detailed)


def plans_exit_code(plans: Sequence[PlayPlan], *, detailed: bool) -> int:
    """1 where a plan would be refused; with `detailed` 2 when changes are pending in any play; else 77 or 0."""
    from provisioner.cli.cmd_plan import PENDING, plan_exit_code

    codes = [plan_exit_code(play.plan, detailed=detailed) for play in plans]
    return next((code for code in (1, PENDING, *codes) if code and code in codes), 0)


class _Conversation:
    """Shows the plans of a list once, asks one question, and tells how each play ends."""

    def __init__(self, settings: Settings, title: str, *, as_json: bool, yes: bool, check: bool, question: str) -> None:
        self._settings = settings
        self._title = title
        self._as_json = as_json
        self._yes = yes
        self._check = check
        self._question = question
        self.declined = False
        # How long the user thought about the question (seconds).
        self.asked = 0.0
        # Several at once: what is said of a play is said when it has ended.
        self.beside = False
        # Of all plans together, where it is known.
        self.digest = ""

    def approve(self, plans: Sequence[PlayPlan]) -> bool:
        """Show the plans and ask, unless nothing would or could happen, or `--yes` was given."""
        from provisioner.render.plays_text import engines
        from provisioner.render.summary import summarize

        self._show(plans)
        if self._check:
            return False
        if self._yes or any(play.plan.refusals for play in plans) or not any(summarize(p.plan).pending for p in plans):
            return True
        count = f"{len(plans)} play" if len(plans) == 1 else f"{len(plans)} plays"
        question = self._question.format(count=count, title=self._title, engines=engines(plans))
        began = time.monotonic()
        self.declined = not confirmed(self._settings, question)
        self.asked = time.monotonic() - began
        return not self.declined

    @contextmanager
    def open_listener(self, play: PlayPlan) -> Iterator[Listener]:
        """The listener of one play, under its heading."""
        if not self._as_json and not self.beside:
            self._head(play.name)
        with progress_listener(self._settings, as_json=self._as_json, play=play.name, beside=self.beside) as listener:
            yield listener

    def ended(self, result: PlayResult) -> None:
        """Tell how a play ended."""
        out = self._settings.out()
        if self._as_json:
            from provisioner.render.plays_json import result_line
            from provisioner.render.report_json import line

            out.write(line(result_line(result)))
            return
        if result.state == "not_started":
            return
        from provisioner.render.error_text import error_text
        from provisioner.render.plays_text import result_text

        if self.beside:
            self._head(result.name)
        said = result_text(result, paint=out.paint) or ("" if result.error else "done\n")
        out.write_folded(said + "\n")
        if result.error is not None:
            err = self._settings.err()
            said = error_text(result.error, paint=err.paint, detailed=self._settings.verbose)
            err.write_folded(said)

    def close(self, result: PlaysResult, code: int, seconds: float) -> None:
        """The recap of all plays."""
        out = self._settings.out()
        if self._as_json:
            from provisioner.render.plays_json import total_line
            from provisioner.render.report_json import line

            out.write(line(total_line(self._title, result.plans, result.results, code, seconds)))
        elif result.results:
            from provisioner.render.plays_text import heading, recap_text

            out.write(heading(self._title, out.paint))
            out.write(recap_text(self._title, result.results, seconds, paint=out.paint))

    def _show(self, plans: Sequence[PlayPlan]) -> None:
        out = self._settings.out()
        if self._as_json:
            from provisioner.render.plays_json import plans_line
            from provisioner.render.report_json import line

            out.write(line(plans_line(self._title, plans, self.digest)))
        elif any(play.plan.refusals for play in plans) or not (self._settings.quiet and self._yes):
            from provisioner.render.plays_text import plans_text

            text = plans_text(self._title, plans, paint=out.paint, width=out.columns, detailed=self._settings.verbose)
            out.write(text + ("" if self._check else "\n"))

    def _head(self, name: str) -> None:
        from provisioner.render.plays_text import heading

        out = self._settings.out()
        out.write(heading(name, out.paint))


def only_look_at_plans(
    settings: Settings, title: str, plans: Sequence[PlayPlan], *, digest: str, as_json: bool, detailed: bool
) -> int:
    """What `apply --check` does with a list: show the plans and stop; the exit code that goes with them."""
    talk = _Conversation(settings, title, as_json=as_json, yes=False, check=True, question="")
    talk.digest = digest
    talk.approve(plans)
    return plans_exit_code(plans, detailed=detailed)


def carry_out_plays(
    settings: Settings,
    title: str,
    act: Act,
    *,
    as_json: bool,
    yes: bool,
    check: bool = False,
    beside: bool = False,
    question: str,
) -> int:
    """Run `act` with an approval, listeners and an event that Ctrl-C sets; tell how each play ended; the exit code."""
    began = time.monotonic()
    talk = _Conversation(settings, title, as_json=as_json, yes=yes, check=check, question=question)
    talk.beside = beside
    with interruptible() as interrupt:
        result = act(talk.approve, talk.open_listener, talk.ended, interrupt)
    if check:
        return 1 if any(play.plan.refusals for play in result.plans) else 0
    code = 1 if talk.declined else result.exit_code
    talk.close(result, code, time.monotonic() - began - talk.asked)
    return code
