"""What holds for every environment: applying is idempotent, stoppable anywhere, and keeps to its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from provisioner.kinds.ownership import ADDRESS
from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.operation import Remove
from provisioner.model.plan import Policy, Verb
from provisioner.model.state import DesiredState
from provisioner.reconcile.diff import diff
from provisioner.reconcile.planning import plan
from tests.property.environments import (
    PROJECT_NAME,
    Wanted,
    apply,
    bound_to,
    carry_out,
    converge,
    engine,
    in_any_order,
    look,
    planned,
    strangers,
    tried,
    wanted,
)

if TYPE_CHECKING:
    import random

    from provisioner.engines.memory import MemoryEngine

laws = tried(40)


def _require_applied(at: MemoryEngine, what: Wanted) -> None:
    """Everything is as declared, nothing is left over, and another apply would do nothing."""
    desired = what.lower()
    observed = look(at, desired)
    unsettled = [c for c in diff(desired, observed) if c.action is not Action.UNCHANGED]
    kept = [c for c in unsettled if c.action is Action.DELETE and c.address.kind == "volume"]
    assert unsettled == kept
    assert observed.leftovers == ()
    assert planned(at, desired, Policy(prune=True)).steps == ()
    names = [raw["Name"] for raw in at.state()["containers"].values()]
    assert [name for name in names if name.endswith((".next", ".previous", ".carrier")) or ".initial." in name] == []


@laws
@given(wanted())
def test_what_was_applied_differs_in_nothing(what: Wanted) -> None:
    at = engine()
    report = converge(at, what)
    assert report.failures == ()
    _require_applied(at, what)


@laws
@given(wanted(), wanted())
def test_every_environment_can_become_every_other(before: Wanted, after: Wanted) -> None:
    at = engine()
    converge(at, before)
    report = converge(at, after)
    assert [str(result.error) for result in report.failures] == []
    _require_applied(at, after)


@tried(120)
@given(wanted(), wanted(), st.randoms(use_true_random=False))
def test_every_order_that_a_plan_allows_ends_well(before: Wanted, after: Wanted, chance: random.Random) -> None:
    at = engine()
    converge(at, before)
    made = in_any_order(planned(at, after.lower(), Policy(prune=True)), chance)
    report = carry_out(made, at, after.contents)
    assert [str(result.error) for result in report.failures] == []
    _require_applied(at, after)


@tried(120)
@given(wanted(), wanted(), st.integers(0, 40), st.booleans())
def test_stopped_after_any_step_the_next_apply_ends_well(before: Wanted, after: Wanted, steps: int, lost: bool) -> None:
    at = engine()
    converge(at, before)
    carry_out(planned(at, after.lower(), Policy(prune=True)), at, after.contents, steps=steps, lost=lost)
    report = converge(at, after)
    assert [str(result.error) for result in report.failures] == []
    _require_applied(at, after)


@laws
@given(wanted(), wanted(), wanted(), st.integers(0, 40))
def test_stopped_after_any_step_something_else_can_be_applied(
    before: Wanted, middle: Wanted, after: Wanted, steps: int
) -> None:
    at = engine()
    converge(at, before)
    carry_out(planned(at, middle.lower(), Policy(prune=True)), at, middle.contents, steps=steps)
    report = converge(at, after)
    assert [str(result.error) for result in report.failures] == []
    _require_applied(at, after)


def _places(at: MemoryEngine) -> dict[Address, dict[str, tuple[str, str]]]:
    """The containers of each service: name to id and state."""
    found: dict[Address, dict[str, tuple[str, str]]] = {}
    for raw in at.state()["containers"].values():
        address = Address.parse(raw["Config"]["Labels"].get(ADDRESS, ""))
        if address and raw["Name"].startswith(f"/{PROJECT_NAME}-") and not raw["Name"].endswith((".copy", "-10")):
            found.setdefault(address.whole, {})[raw["Name"]] = (raw["Id"], raw["State"]["Status"])
    return found


@laws
@given(wanted(), wanted(broken=True), wanted())
def test_a_rollout_that_fails_goes_back(before: Wanted, broken: Wanted, after: Wanted) -> None:
    at = engine()
    converge(at, before)
    places = _places(at)
    made, report, back = apply(at, broken)
    assert back is None or [str(result.error) for result in back.failures] == []
    now = _places(at)
    changes = [change for change in made.details if change.address.kind == "service"]
    replaced = {change.address.whole for change in changes if change.action is Action.REPLACE}
    staying = {a.whole for a, r in made.desired.resources.items() if r.update and r.update.on_failure != "rollback"}
    for service in replaced:
        # What cannot go back, as one that stays has what it had, is left to the next apply.
        if report.failures and any(one.name in bound_to(service.name, made) for one in staying):
            continue
        policy = next(r.update for a, r in made.desired.resources.items() if a.whole == service)
        assert policy is not None
        failed = {r.step.address for r in report.failures if r.step.address.whole == service}
        those = [c for c in changes if c.address.whole == service and c.action is Action.REPLACE]
        allowed = int(policy.max_failure_ratio * len(those))
        if policy.on_failure == "rollback":
            assert not [name for name in now[service] if name.endswith((".next", ".previous"))]
            if len(failed) > allowed:
                assert now[service] == places[service]
    report = converge(at, after)
    assert [str(result.error) for result in report.failures] == []
    _require_applied(at, after)


@laws
@given(wanted(), wanted(broken=True), wanted(), st.integers(0, 60))
def test_a_way_back_that_is_cut_short_is_mended(before: Wanted, broken: Wanted, after: Wanted, steps: int) -> None:
    at = engine()
    converge(at, before)
    apply(at, broken, steps=steps)
    report = converge(at, after)
    assert [str(result.error) for result in report.failures] == []
    _require_applied(at, after)


@laws
@given(wanted(), wanted(), st.integers(0, 40))
def test_nothing_is_done_to_strangers(before: Wanted, after: Wanted, steps: int) -> None:
    at = engine()
    seen = strangers(at)
    converge(at, before)
    carry_out(planned(at, after.lower(), Policy(prune=True)), at, after.contents, steps=steps)
    converge(at, after)
    nothing = DesiredState(PROJECT_NAME, {})
    carry_out(planned(at, nothing, Policy(prune=True, volumes=True)), at, {})
    assert strangers(at) == seen
    assert len(at.state()["containers"]) == 3


@laws
@given(wanted(), wanted())
def test_the_needs_of_a_step_come_before_it(before: Wanted, after: Wanted) -> None:
    at = engine()
    converge(at, before)
    for made in (planned(at, after.lower()), planned(at, DesiredState(PROJECT_NAME, {}), Policy(prune=True))):
        seen: set[int] = set()
        for step in made.steps:
            assert set(step.needs) <= seen
            assert step.made_by is None or step.made_by in step.needs or step.made_by in seen
            seen.add(step.id)


@laws
@given(wanted(), wanted(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(before: Wanted, after: Wanted, chance: random.Random) -> None:
    at = engine()
    converge(at, before)
    desired, shuffled = after.lower(), replace(after, document=_shuffled(after.document, chance)).lower()
    observed = look(at, desired)
    turned = replace(observed, resources=_shuffled(dict(observed.resources), chance))
    first = plan(PROJECT_NAME, diff(desired, observed), desired, observed, Policy())
    second = plan(PROJECT_NAME, diff(shuffled, turned), shuffled, turned, Policy())
    assert first.steps == second.steps
    assert [(c.address, c.action, c.reason) for c in first.changes] == [
        (c.address, c.action, c.reason) for c in second.changes
    ]


def _shuffled(value: Any, chance: random.Random) -> Any:
    if not isinstance(value, dict):
        return value
    keys = list(value)
    chance.shuffle(keys)
    return {key: _shuffled(value[key], chance) for key in keys}


@laws
@given(wanted(), wanted(), st.booleans())
def test_no_volume_goes_without_permission(before: Wanted, after: Wanted, prune: bool) -> None:
    at = engine()
    converge(at, before)
    volumes = {name for name in at.state()["volumes"] if name.startswith(f"{PROJECT_NAME}_")}
    data = {name for name in volumes if ".configs." not in name}
    for desired in (after.lower(), DesiredState(PROJECT_NAME, {})):
        made = planned(at, desired, Policy(prune=prune))
        going = {s.object_id for s in made.steps if s.verb is Verb.REMOVE and s.kind == "volume"}
        assert not going & data
        # Only what this very apply makes, runs once and removes takes its own nameless volumes along.
        removals = [s.operation for s in made.steps if s.made_by is None]
        assert not any(isinstance(one, Remove) and one.volumes for one in removals)
        carry_out(made, at, after.contents)
        assert data <= set(at.state()["volumes"])


@laws
@given(wanted())
def test_a_hand_is_found_and_mended(what: Wanted) -> None:
    at = engine()
    converge(at, what)
    own = [c for c in look(at, what.lower()).resources.values() if c.kind == "container"]
    for number, container in enumerate(own):
        match number % 3:
            case 0:
                at.stop(container.id)
            case 1:
                at.pause(container.id)
            case _:
                at.stop(container.id)
                at.remove("container", container.id)
    report = converge(at, what)
    assert [str(result.error) for result in report.failures] == []
    _require_applied(at, what)
