"""Which revision a rollback without a number goes to. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from provisioner.ledger.records import Ledger
    from provisioner.ledger.revisions import Revision


def rollback_target(ledger: Ledger, title: str) -> Revision:
    """The last revision that differs in what is declared and whose checks did not fail.

    Where the last one was left, by an apply that failed or of a part, or by a destroy, it is the last good one. A
    rollback of a rollback goes further back. ProvisionError, with the reasons, where there is none.
    """
    last = ledger.revisions[-1]
    if ledger.left:
        candidates = ledger.revisions
    else:
        before = last.restores or last.number
        candidates = tuple(
            revision for revision in ledger.revisions if revision.number < before and not revision.declares_like(last)
        )
    for revision in reversed(candidates):
        if ledger.is_good(revision):
            return revision
    raise ProvisionError(
        f"{title} has no earlier revision to go back to"
        + "".join(f"\nrevision {candidate.number}: {_fault(ledger, candidate)}" for candidate in reversed(candidates)),
        hint="provision history lists those that are kept; `rollback N` goes to one by its number",
    )


def _fault(ledger: Ledger, revision: Revision) -> str:
    failed = ledger.failed_checks(revision)
    return f"its checks failed: {', '.join(failed)}" if failed else "it was not reached wholly"
