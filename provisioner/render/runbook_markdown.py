"""A deploy runbook in Markdown: what will happen and in which order, what to ask before, how to go on and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action, Impact
from provisioner.model.dataclass import dataclass
from provisioner.reconcile.update_policy import serves_on
from provisioner.render.plan_markdown import plain, plan_sections
from provisioner.render.plan_text import engine_name
from provisioner.render.summary import changed, summarize
from provisioner.render.values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.runbook import Runbook

_MOST_STAGES = 60


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of this plan as they are typed: `always`, and those that are for its apply alone, `once`."""

    always: str = ""
    once: str = ""


_NO_OPTIONS = PlanOptions()


def runbook_markdown(runbook: Runbook, words: str = "", options: PlanOptions = _NO_OPTIONS) -> str:
    """The page. `words` are those of the command line after `provision COMMAND`: target and selection."""
    plan = runbook.plan
    said = _spaced(words)
    later = said + _spaced(options.always)
    now = later + _spaced(options.once)
    sections = plan_sections(plan, level=2)[1:]
    parts = [
        f"# Deploy {plain(plan.title)}",
        f"For the plan of now on {plain(engine_name(plan))}. Make it again right before: `provision runbook{now}`.",
    ]
    if plan.refusals or not summarize(plan).pending:
        return "\n\n".join([*parts, "## What will happen", *sections]) + "\n"
    parts += ["## Before", *_before(runbook, said), "## What will happen", *sections, *_order(runbook)]
    parts += [*_secrets(runbook), "## Do it", *_doing(runbook, said, now, later), "## Go back", *_back(runbook, said)]
    return "\n\n".join(parts) + "\n"


def _spaced(words: str) -> str:
    return f" {words}" if words else ""


def _before(runbook: Runbook, said: str) -> Iterator[str]:
    lines = [f"Is it well now? `provision status{said} --exit-code` ends with 0."] if runbook.last else []
    if runbook.saved and runbook.last:
        lines.append(f"Is there a young backup? `provision backup list{said}`; `provision backup{said}` makes one.")
    elif any(_risks_data(change) for change in changed(runbook.plan.changes)):
        lines.append("Nothing is backed up by this playbook: is there a backup of the data by other means?")
    lines += [] if lines else ["Nothing is there yet: is this the right engine?"]
    yield "\n".join(f"- [ ] {line}" for line in lines)
    asked = list(_questions(runbook))
    if asked:
        yield "Ask, and write the answer down:"
        yield "\n".join(f"- [ ] {line}" for line in asked)


def _questions(runbook: Runbook) -> Iterator[str]:
    last, plan = runbook.last, runbook.plan
    if last is not None:
        commit = f", commit {plain(last.commit)}" if last.commit else ""
        yield (
            f"{plain(last.by)}, who applied revision {last.number} at {plain(last.at)}{commit}: is anything of it "
            "still under way?"
        )
    if runbook.failed is not None:
        yield (
            f"{plain(runbook.failed.by)}, whose apply at {plain(runbook.failed.at)} ended as "
            f"{plain(runbook.failed.outcome)}: what was found? (`provision history`)"
        )
    changes = changed(plan.changes)
    drifted = [
        change.address
        for change in changes
        if change.drift or any(difference.drift for difference in change.differences)
    ]
    if drifted:
        yield f"whoever has access to the engine: who changed {_listed(drifted)} by hand, and may it be put back?"
    jobs = {address.whole for address, resource in plan.desired.resources.items() if resource.job}
    stopped = [change.address for change in changes if _stops(change) and change.address.whole not in jobs]
    if stopped:
        yield f"the users of {_listed(stopped)}: when may it be away for a moment?"
    lost = [change.address for change in changes if _loses(change)]
    if lost:
        yield f"the owner of the data in {_listed(lost)}: may it be deleted?"
    removed = [change.address for change in changes if change.action is Action.DELETE and not _loses(change)]
    if removed:
        yield f"the owner of {_listed(removed)}: is it really not needed any more?"
    tiers = sorted({secret.tier.partition(" ")[0] for secret in runbook.secrets if secret.changes} - {"", "generate"})
    if tiers:
        yield f"whoever keeps the secrets ({', '.join(map(plain, tiers))}): are the new values the right ones?"


def _listed(addresses: Sequence[Address]) -> str:
    return ", ".join(f"`{address}`" for address in addresses)


def _stops(change: Change) -> bool:
    serves = change.desired is not None and serves_on(change.desired)
    return change.action is Action.REPLACE and change.address.kind == "service" and not serves


def _risks_data(change: Change) -> bool:
    return _loses(change) or (change.action is Action.REPLACE and change.address.kind in ("service", "volume"))


def _loses(change: Change) -> bool:
    deleted = change.action is Action.DELETE and change.address.kind == "volume"
    return deleted or any(difference.impact is Impact.DATA_LOSS for difference in change.differences)


def _order(runbook: Runbook) -> Iterator[str]:
    if not runbook.stages:
        return
    yield "### In which order"
    yield "What does not need each other is done at the same time."
    lines = []
    for number, stage in enumerate(runbook.stages[:_MOST_STAGES], 1):
        took = f" (last time {seconds(stage.took)})" if stage.took is not None else ""
        lines.append(f"{number}. `{stage.address}`: {', '.join(stage.verbs)}{took}")
    if len(runbook.stages) > _MOST_STAGES:
        lines.append(f"{_MOST_STAGES + 1}. … {len(runbook.stages) - _MOST_STAGES} more")
    yield "\n".join(lines)
    last = runbook.last
    if last is not None and last.seconds:
        yield f"The whole of revision {last.number} took {seconds(last.seconds)}."


def _secrets(runbook: Runbook) -> Iterator[str]:
    if not runbook.secrets:
        return
    yield "## Secrets that are concerned"
    rows = ["| secret | from | | used by |", "| --- | --- | --- | --- |"]
    for secret in runbook.secrets:
        what = "new" if secret.changes else "as it is"
        rows.append(f"| `{secret.name}` | {plain(secret.tier)} | {what} | {plain(', '.join(secret.users))} |")
    yield "\n".join(rows)


def _doing(runbook: Runbook, said: str, now: str, later: str) -> Iterator[str]:
    yield "Look at the plan once more, and do exactly that:"
    digest = runbook.plan.digest
    yield f"```sh\nprovision plan{now}\nprovision apply{now} --digest {digest}\n```"
    if runbook.snapshot:
        yield f"It takes a snapshot of the data itself before: {', '.join(map(plain, runbook.snapshot))}."
    yield "76 means that something has moved since: nothing was done, make this page again. Afterwards:"
    count = f"{len(runbook.checks)} check{'' if len(runbook.checks) == 1 else 's'}"
    checks = f"provision verify{said}     # {count}\n" if runbook.checks else ""
    yield f"```sh\nprovision plan{later} --detailed-exitcode\nprovision status{said} --exit-code\n{checks}```"


def _back(runbook: Runbook, said: str) -> Iterator[str]:
    yield (
        "An apply that fails says what was done and what was not; the same command goes on from there. A replacement "
        "that does not become well is taken back by itself (exit code 3)."
    )
    good = runbook.good
    if good is None:
        yield f"This is the first revision. `provision destroy{said}` takes it away again; volumes stay."
        return
    yield f"To revision {good.number}, applied {plain(good.at)}; data in volumes stay as they are then:"
    yield f"```sh\nprovision rollback{said} {good.number} --check\nprovision rollback{said} {good.number}\n```"
    if runbook.saved:
        yield f"Data that were changed come back from an archive: `provision restore{said}`."
