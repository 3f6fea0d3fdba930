"""Which volumes of files go: what is needed and the version before it stay, whatever happened in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.kinds.file_volume import FILES_KIND, file_volumes
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.plan import Policy
from provisioner.model.state import DesiredState, Facts, Observed, ObservedState, Resource
from provisioner.reconcile.outdated import LedgerFacts, as_file_changes, outdated_volumes

if TYPE_CHECKING:
    from collections.abc import Mapping

WEB = Address("service", "web", 1)


def desired(version: str | None, service: str = "web", **entry: Any) -> DesiredState:
    """A service whose one secret has this version, or which has no secret."""
    files = {"/run/secrets/token": {"source": "token", "version": version, **entry}} if version else {}
    resource = Resource(Address("service", service, 1), "container", service, {"configs": {}, "secrets": files})
    return DesiredState("shop", {resource.address: resource})


def seen(*states: DesiredState, users: Mapping[int, str] | None = None) -> ObservedState:
    """The volumes of these states, the oldest first, each used by the container that `users` gives."""
    found = []
    for number, state in enumerate(states):
        [(name, volume)] = file_volumes(state).items()
        used = (users or {}).get(number)
        created = f"2026-01-01T00:00:0{number}Z"
        found.append(
            Observed(
                volume.address,
                FILES_KIND,
                name,
                name,
                volume.spec,
                created,
                users=(used,) if used else (),
                operation=str(number),
            )
        )
    return ObservedState(Facts(), {}, files=tuple(found))


def replaced(container: str) -> Change:
    return Change(WEB, Action.REPLACE, "", observed=Observed(WEB, "container", container, container, {}))


@pytest.mark.parametrize(
    ("there", "users", "before", "wanted", "going"),
    [
        pytest.param("1", {0: "c"}, "1", "2", "", id="the second keeps the first"),
        pytest.param("12", {1: "c"}, "2", "3", "1", id="the third keeps the second"),
        pytest.param("12", {1: "c"}, "1", "2", "", id="nothing changes"),
        pytest.param("12", {1: "c"}, "1", "3", "2", id="what failed goes, what served stays"),
        pytest.param("12", {0: "c"}, "1", "3", "2", id="what never got a container goes"),
        pytest.param("12", {0: "c"}, None, "3", "2", id="without a ledger: what is used stays"),
        pytest.param("123", {2: "c"}, None, "3", "1", id="without a ledger: the newest stays"),
        pytest.param("12", {0: "c"}, "1", "2", "", id="a killed apply goes on"),
        pytest.param("12", {0: "c"}, "1", "1", "", id="a change is given up"),
        pytest.param("1", {0: "c"}, "1", None, "", id="no longer used: kept for going back"),
        pytest.param("1", {}, None, None, "1", id="no longer used, and changed since"),
    ],
)
def test_which_go(there: str, users: dict[int, str], before: str | None, wanted: str | None, going: str) -> None:
    observed = seen(*(desired(version) for version in there), users=users)
    past = LedgerFacts(desired(before)) if before else LedgerFacts()
    found = outdated_volumes([replaced("c")], desired(wanted), observed, Policy(), past)
    assert [one.operation for one in found] == [str(there.index(version)) for version in going]
    after = ObservedState(Facts(), {}, files=tuple(one for one in observed.files if one not in found))
    assert outdated_volumes([], desired(wanted), after, Policy(), past) == [], "a second run finds nothing to do"


def test_what_a_container_that_stays_uses_stays() -> None:
    observed = seen(desired("1"), users={0: "c"})
    nothing = DesiredState("shop", {})
    assert outdated_volumes([], nothing, observed, Policy(), LedgerFacts()) == []
    assert outdated_volumes([replaced("c")], nothing, observed, Policy(), LedgerFacts()) == list(observed.files)


def test_what_targets_leave_out_stays() -> None:
    observed = seen(desired("1"), desired("1", "other"), desired("2", "other"), desired("3", "other"))
    narrowed = Policy(targets=(Address("service", "web"),))
    assert outdated_volumes([], desired("1"), observed, narrowed, LedgerFacts()) == []
    assert len(outdated_volumes([], desired("1"), observed, Policy(), LedgerFacts())) == 3


def test_they_are_told_as_the_secrets_in_them() -> None:
    wanted = desired("2")
    wanted.resources[Address("secret", "token")] = Resource(Address("secret", "token"), "carried", "token", {})  # type: ignore[index]
    observed = seen(desired("1"), desired("1", mode="0400"), desired("2"))
    changes = as_file_changes(observed.files[:2], wanted, observed, "gone")
    assert [(str(c.address), c.reason) for c in changes] == [("secret.token", "an earlier version that nothing needs")]
    assert [c.reason for c in as_file_changes(observed.files[:1], desired(None), observed, "gone")] == ["gone"]
    # With another mode the version itself stays: it is not said to go.
    rearranged = seen(desired("2", mode="0400"), desired("2"))
    [change] = as_file_changes(rearranged.files[:1], wanted, rearranged, "gone")
    assert change.reason == "a copy of versions that stay, in a volume of files that nothing needs"
