"""A plan's digest as a line of text: what a reviewer approves, and what `apply --digest` then carries out or refuses.

It is the digest of `plan_digest` in three parts of 16 hexadecimal digits: what is declared with everything from outside
the playbook, what was seen on the engine, and what would be changed. The same plan has the same text everywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from provisioner.app.plan_digest import digest_plan
from provisioner.errors import PlanStale, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.app.plan_plays import PlannedPlay
    from provisioner.app.plays import PlayList
    from provisioner.app.prepared import Prepared

_FORM = re.compile(r"[0-9a-f]{16}(-[0-9a-f]{16}){2}")
_SAID = (
    "the playbook, or what it reads (variables, files, builds, versions of secrets, registries), is not what it was",
    "the engine, or what runs there, is not what it was",
    "what would be changed is not what it was",
)


def digest_text(prepared: Prepared) -> str:
    """The digest of one environment's plan."""
    return "-".join(map(_short, _parts(prepared)))


def digest_text_of_plays(planned: Sequence[PlannedPlay]) -> str:
    """The digest of the plans of a list, in their order."""
    parts = [(play.opened.play.name, *_parts(play.prepared)) for play in planned]
    names = [name for name, *_ in parts]
    return "-".join(_short([names, [part[index] for part in parts]]) for index in (1, 2, 3))


def _parts(prepared: Prepared) -> tuple[object, object, object]:
    # No values of secrets are in it, and everything is one hash, so the salt need not be random.
    digest = digest_plan(prepared, "approved")
    playbook = {name: part for name, part in digest.playbook.items() if name not in digest.pending}
    return [playbook, sorted(digest.pending)], [digest.engine, digest.observed], digest.changes


def _short(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ApprovedDigest:
    """The digest of one environment's plan that somebody approved. Implements `ApprovedPlan`."""

    text: str

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.text):
            raise UsageError(
                f"'{self.text}' is not the digest of a plan",
                hint="`provision plan --format markdown` ends with it, and `provision plan --json` has it as digest",
            )

    def require_current(self, prepared: Prepared) -> None:
        """PlanStale, saying what moved, unless this is the digest of the plan of now."""
        self.require(digest_text(prepared))

    def remarks(self, prepared: Prepared) -> tuple[str, ...]:
        """Nothing: a digest is in no file that others could write."""
        return ()

    def require(self, now: str) -> None:
        """PlanStale, saying in which parts the digest of now is another one."""
        then = self.text.split("-")
        moved = [said for said, was, is_now in zip(_SAID, then, now.split("-"), strict=True) if was != is_now]
        if moved:
            raise PlanStale(
                f"the plan that was approved ({self.text}) is not the plan of now ({now}): {'; '.join(moved)}",
                hint="nothing was done; an apply since then is enough for it: look at `provision plan` again",
            )


@dataclass(frozen=True, slots=True)
class ApprovedDigestOfPlays:
    """The digest of the plans of a list. Implements `ApprovedPlans`."""

    digest: ApprovedDigest

    def require_current(self, plays: PlayList, planned: Sequence[PlannedPlay]) -> None:
        """PlanStale, saying what moved, unless this is the digest of the plans of now."""
        self.digest.require(digest_text_of_plays(planned))

    def remarks(self, planned: PlannedPlay) -> tuple[str, ...]:
        """Nothing, as for one environment."""
        return ()
