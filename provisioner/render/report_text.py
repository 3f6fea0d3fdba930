"""What an apply did, for people: what failed and why, what was done, what was not, and the last line to search for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import LeaseHeld, Unreachable
from provisioner.model.plan import Verb
from provisioner.model.report import Outcome
from provisioner.render.error_text import error_text
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.progress import done
from provisioner.render.quoted import quoted
from provisioner.render.summary import by_outcome, recap
from provisioner.render.values import before_and_after, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.report import Report, StepResult
    from provisioner.render.summary import Recap

_MOST_LISTED = 15
# Steps that leave nothing behind which a user would look for.
_UNTOLD = (Verb.WAIT, Verb.RENAME)


def report_text(report: Report, *, paint: Paint = PLAIN) -> str:
    """Everything that did not go well, ending with a newline; empty where all went well."""
    sections = [_failure(results, report, paint) for results in _alike(report.failures)]
    if report.trouble is not None:
        sections.append(error_text(report.trouble, paint=paint).rstrip("\n"))
    if report.interrupted:
        sections.append(
            paint.yellow("Interrupted: what was in hand was finished or taken back, and nothing else begun.")
        )
        sections.append(_listed("Taken back, so that the one before it serves:", _names(report.taken_back), paint))
    if report.down:
        sections.append(_down(report.down, paint))
    if report.failures or report.interrupted or report.trouble:
        sections += [_what_was_done(report, paint), _what_is_not_known(report, paint), _what_was_not(report, paint)]
        back = {result.step.address.whole for result in report.failures} <= set(report.taken_back)
        again = " The same command continues from here." if not (back and report.failures) else ""
        sections.append(f"Nothing else was changed.{again}")
    if report.remaining:
        sections.append(_remaining(report.remaining, paint))
    return "\n\n".join(section for section in sections if section) + "\n" if sections else ""


def last_line(report: Report, *, paint: Paint = PLAIN) -> str:
    """`campaign/prod: ok=12 changed=3 failed=0 skipped=0 in 8.4s`, with a newline."""
    return f"{report.plan.title}: {counts_line(recap(report), report.seconds, paint)}\n"


def counts_line(counts: Recap, seconds: float, paint: Paint) -> str:
    """`ok=12 changed=3 failed=0 skipped=0 in 8.4s`."""
    changed, failed = f"changed={counts.changed}", f"failed={counts.failed}"
    return (
        f"ok={counts.ok} {paint.yellow(changed) if counts.changed else changed} "
        f"{paint.red(failed) if counts.failed else failed} skipped={counts.skipped} in {seconds:.1f}s"
    )


def _alike(failures: Sequence[StepResult]) -> list[list[StepResult]]:
    """The failures, those together that say the same of the engine or of the lease and not of their object."""
    groups: dict[str, list[StepResult]] = {}
    for result in failures:
        common = isinstance(result.error, Unreachable | LeaseHeld)
        groups.setdefault(str(result.error) if common else f"step {result.step.id}", []).append(result)
    return list(groups.values())


def _failure(results: Sequence[StepResult], report: Report, paint: Paint) -> str:
    result = results[0]
    step = result.step
    if len(results) > 1:
        steps = dict.fromkeys(f"{failure.step.address} ({failure.step.verb.value})" for failure in results)
        return "\n".join([f"{paint.red('✘')} {paint.bold(', '.join(steps))}", *_words(result, paint)])
    if step.address.whole in report.taken_back:
        return "\n".join([f"{paint.red('✘')} {paint.bold(str(step.address))}: rolled back", *_words(result, paint)])
    lines = [
        f"{paint.red('✘')} {paint.bold(str(step.address))}: {step.verb.value} failed after {seconds(result.seconds)}"
    ]
    if step.cause:
        lines.append(f"  reason for the step: {printable(step.cause)}")
    return "\n".join([*lines, *_words(result, paint)])


def _words(result: StepResult, paint: Paint) -> list[str]:
    """What the error of a step says."""
    error = result.error
    if error is None:
        return []
    lines = [f"  {printable(line)}" for line in str(error).splitlines()]
    evidence: tuple[str, ...] = getattr(error, "evidence", ())
    lines += quoted(evidence, paint)
    if error.hint:
        lines.append(f"  {paint.bold('Next:')} {printable(error.hint)}")
    return lines


def _names(addresses: Sequence[Address]) -> list[str]:
    return [", ".join(str(address) for address in addresses)] if addresses else []


def _down(down: Sequence[Address], paint: Paint) -> str:
    return _listed(paint.red("Down:"), [f"{address}: it ran before, and does not run now" for address in down], paint)


def _what_is_not_known(report: Report, paint: Paint) -> str:
    """Changes to which the engine gave no answer: they may have been made."""
    lost = [r for r in report.failures if isinstance(r.error, Unreachable) and r.step.verb is not Verb.WAIT]
    lines = [f"{a}: {', '.join(verb.value for verb in verbs)}" for a, verbs in _by_address(lost).items()]
    return _listed("Not known, as the engine gave no answer:", lines, paint)


def _what_was_done(report: Report, paint: Paint) -> str:
    results = [r for r in by_outcome(report.results, Outcome.DONE) if r.step.verb not in _UNTOLD]
    if not results:
        return f"{paint.bold('Done:')} nothing was changed."
    # What was taken back is as it was before.
    results = [r for r in results if report.interrupted or r.step.address.whole not in report.taken_back]
    lines = [
        f"{address}: {', '.join(dict.fromkeys(done(verb) for verb in verbs))}"
        for address, verbs in _by_address(results).items()
    ]
    return _listed("Done:", lines, paint)


def _what_was_not(report: Report, paint: Paint) -> str:
    lines = []
    results = by_outcome(report.results, Outcome.SKIPPED)
    if not report.interrupted:
        results = tuple(r for r in results if r.step.address.whole not in report.taken_back)
    because = {result.step.address: result.because for result in reversed(results)}
    for address, verbs in _by_address(results).items():
        reason = because[address]
        shown = ", ".join(dict.fromkeys(verb.value for verb in verbs))
        lines.append(f"{address}: {shown}{f' ({printable(reason)})' if reason else ''}")
    return _listed("Not done:", lines, paint)


def _by_address(results: Sequence[StepResult]) -> dict[Address, list[Verb]]:
    """The verbs of each object, objects in the order of the plan."""
    verbs: dict[Address, list[Verb]] = {}
    for result in results:
        verbs.setdefault(result.step.address, []).append(result.step.verb)
    return verbs


def _remaining(changes: Sequence[Change], paint: Paint) -> str:
    lines = []
    for change in changes:
        lines.append(f"{change.address}: {change.action.value}, {printable(change.reason)}")
        for difference in change.differences:
            before, after = before_and_after(difference)
            lines.append(f"    {difference.path}  {before} → {after}")
    return _listed("Not converged: a second look at the engine still finds", lines, paint)


def _listed(title: str, lines: Sequence[str], paint: Paint) -> str:
    if not lines:
        return ""
    shown = [f"  {line}" for line in lines[:_MOST_LISTED]]
    if len(lines) > _MOST_LISTED:
        shown.append(paint.dim(f"  … {len(lines) - _MOST_LISTED} more"))
    return "\n".join([paint.bold(title), *shown])
