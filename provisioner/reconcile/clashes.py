"""What a plan would take, and somebody holds who does not let go of it: refused before anything is touched. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.model.dataclass import dataclass
from provisioner.model.operation import CreateContainer, Rename
from provisioner.model.span import Problem
from provisioner.reconcile.claims import (
    DECLARED_UNDER,
    OTHERWISE,
    Claim,
    ClaimKind,
    claims_of_network,
    claims_of_running,
    name_claim,
    network_names,
)
from provisioner.reconcile.retained import NOTHING_RETAINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from provisioner.model.change import Change
    from provisioner.model.plan import Policy, Step
    from provisioner.model.state import DesiredState, ObservedState, Resource
    from provisioner.reconcile.claims import Holder
    from provisioner.reconcile.retained import Retained

# Two containers may have one hardware address, or one volume, if somebody wants it so.
_REFUSED = (ClaimKind.PORT, ClaimKind.NAME, ClaimKind.ADDRESS, ClaimKind.SUBNET)


def takes_claims(changes: Iterable[Change]) -> set[ClaimKind]:
    """The kinds of claims that changes take anew: only then is it worth to look who holds them."""
    kinds: set[ClaimKind] = set()
    for change in changes:
        wanted = change.desired
        if wanted is None or change.action in (Action.UNCHANGED, Action.DELETE) or wanted.external:
            continue
        kinds |= {claim.kind for claim in _claims_of(wanted, {})} & set(_REFUSED)
    return kinds


def find_clashes(
    changes: Sequence[Change],
    desired: DesiredState,
    observed: ObservedState,
    holders: Sequence[Holder],
    policy: Policy,
    retained: Retained = NOTHING_RETAINED,
) -> list[Problem]:
    """Why claims that `changes` take can not be had. `holders` are all who hold any; see `claims.merge_holders`.

    `retained` says why what is ours and not declared is kept. A foreign object that stands in the place of a declared
    one is the look-up's to tell, with all that it holds.
    """
    taking = [c for c in changes if c.desired is not None and c.action not in (Action.UNCHANGED, Action.DELETE)]
    if not taking:
        return []
    networks = network_names(desired, observed)
    kept = _retained_claims(changes, desired, observed, holders, networks)
    index: dict[tuple[str, ...], list[tuple[Holder, Claim]]] = {}
    for holder, claims in kept:
        for claim in claims:
            for key in claim.marks():
                index.setdefault(key, []).append((holder, claim))
    problems = list(_tasks_in_the_way(changes, observed, policy))
    for change in taking:
        assert change.desired is not None
        mine = _mine(change, holders)
        for claim in _claims_of(change.desired, networks):
            if claim.kind not in _REFUSED or claim in mine:
                continue
            blocking = list(_blocking(claim, change, index, desired))
            if blocking:
                problems.append(
                    _problem(change.desired, claim, blocking[0], desired, _EngineView(observed, policy, retained))
                )
    return problems


def find_names_in_the_way(steps: Iterable[Step], desired: DesiredState, holders: Sequence[Holder]) -> list[Problem]:
    """Why names that containers get by `steps` can not be had: those of a replacement, and of what it replaces.

    Ours make room for each other; what is not ours keeps its name, and is left as it is.
    """
    others = {claim: holder for holder in holders if holder.address is None for claim in holder.claims}
    problems: dict[str, Problem] = {}
    for step in steps:
        if not isinstance(step.operation, CreateContainer | Rename):
            continue
        name = step.operation.name
        holder = others.get(name_claim(name))
        if holder is None or holder.id == step.object_id:
            continue
        wanted = desired.resources.get(step.address)
        problems.setdefault(
            name,
            Problem(
                f"{name_claim(name)}, which is needed while a container is replaced, is held by {holder.name}",
                wanted.span if wanted is not None else None,
                str(step.address),
                f"give the container that has it another name: docker rename {name} {name}-other",
            ),
        )
    return list(problems.values())


def _claims_of(wanted: Resource, networks: Mapping[str, str]) -> tuple[Claim, ...]:
    if wanted.external:
        return ()
    if wanted.kind == "network":
        return claims_of_network(wanted)
    if wanted.kind != "container":
        return ()
    return (name_claim(wanted.name), *claims_of_running(wanted.container_spec, networks))


def _mine(change: Change, holders: Sequence[Holder]) -> set[Claim]:
    existing = change.observed
    if existing is None:
        return set()
    mine = {claim for holder in holders if holder.id == existing.id for claim in holder.claims}
    # What was made under a name may have been given another by hand, which somebody else then took.
    return mine | ({name_claim(existing.name)} if existing.made_as == existing.name else set())


def _retained_claims(
    changes: Sequence[Change],
    desired: DesiredState,
    observed: ObservedState,
    holders: Sequence[Holder],
    networks: Mapping[str, str],
) -> Iterator[tuple[Holder, Iterable[Claim]]]:
    """Each holder with what it does not let go of when `changes` are carried out."""
    by_address = {change.address: change for change in changes}
    leftovers = {leftover.id for leftover in observed.leftovers} | {
        foreign.id for foreign in observed.foreign if foreign.id
    }
    renewed = {networks.get(c.address.name, "") for c in changes if c.address.kind == "network"
               and c.action in (Action.REPLACE, Action.CREATE)}  # fmt: skip
    for holder in holders:
        if holder.id in leftovers:
            continue
        claims: Iterable[Claim] = holder.claims
        change = by_address.get(holder.address) if holder.address is not None else None
        if change is not None and change.action in (Action.DELETE, Action.REPLACE):
            continue
        if change is not None and change.desired is not None and change.observed is not None:
            claims = set(claims) - _given_up(change, networks)
        yield holder, [c for c in claims if c.kind is not ClaimKind.ADDRESS or c.scope not in renewed]


def _given_up(change: Change, networks: Mapping[str, str]) -> set[Claim]:
    """What a container that stays lets go of: addresses on networks that it leaves or joins anew, a name of a hand."""
    wanted, existing = change.desired, change.observed
    if wanted is None or existing is None or wanted.kind != "container":
        return set()
    before = {*claims_of_running(existing.container_spec, networks), name_claim(existing.name)}
    return before - {*claims_of_running(wanted.container_spec, networks), name_claim(wanted.name)}


def _blocking(
    claim: Claim, change: Change, index: Mapping[tuple[str, ...], list[tuple[Holder, Claim]]], desired: DesiredState
) -> Iterator[Holder]:
    """Who stands in the way. A range is blocked when it leaves fewer free ports than the service has replicas."""
    whole = change.address.whole
    holders = {
        (holder.id, other): holder
        for key in claim.marks()
        for holder, other in index.get(key, [])
        if claim.overlaps(other) and not (claim.kind is ClaimKind.NAME and holder.address is None)
        if not (change.observed is not None and holder.id == change.observed.id)
        if not (claim.is_range and (other.is_range or (holder.address is not None and holder.address.whole == whole)))
    }
    if claim.is_range:
        taken = {other.first for _, other in holders}
        replicas = sum(1 for a, r in desired.resources.items() if a.whole == whole and r.kind == "container")
        if claim.last - claim.first + 1 - len(taken) >= replicas:
            return
    yield from (holders[key] for key in sorted(holders, key=lambda key: (holders[key].name, key[0])))


@dataclass(frozen=True, slots=True)
class _EngineView:
    observed: ObservedState
    policy: Policy
    retained: Retained


def _problem(wanted: Resource, claim: Claim, holder: Holder, desired: DesiredState, kept: _EngineView) -> Problem:
    key = DECLARED_UNDER[claim.kind]
    who, hint = _holder_and_way_out(claim, holder, desired, kept)
    return Problem(f"{claim} is held by {who}", wanted.spans.get(key) or wanted.span, str(wanted.address), hint)


def _holder_and_way_out(claim: Claim, holder: Holder, desired: DesiredState, kept: _EngineView) -> tuple[str, str]:
    other = OTHERWISE[claim.kind]
    if not holder.id:
        return holder.name, f"stop it first (`ss -ltnup` shows it), or {other}"
    if holder.address is None:
        return holder.name, f"stop it first, or {other}" if claim.kind is ClaimKind.PORT else other
    who = str(holder.address)
    if kept.policy.targets:
        return f"{who}, which this plan leaves as it is", "apply without --target, or name the one that holds it too"
    if holder.address in desired.resources:
        return who, other
    existing = kept.observed.resources.get(holder.address)
    if existing is not None and (why := kept.retained.reason(existing)):
        return f"{who}: {why}, and it is kept", f"stop it first (docker stop {existing.name}), or {other}"
    return f"{who}, which is no longer declared and kept", f"`--prune` removes it; or {other}"


def _tasks_in_the_way(changes: Sequence[Change], observed: ObservedState, policy: Policy) -> Iterator[Problem]:
    """Services of a Swarm that are kept, on a network that has to go: their tasks can not be taken off it."""
    going = {change.address for change in changes if change.action in (Action.DELETE, Action.REPLACE)}
    for change in changes:
        if change.address.kind != "network" or change.action is not Action.REPLACE:
            continue
        on_it = [
            str(seen.address) for seen in observed.resources.values()
            if seen.kind == "service" and seen.address not in going
            and change.address.name in seen.service_spec["networks"]
        ]  # fmt: skip
        if on_it:
            text = f"the network has to be made anew, and {', '.join(sorted(on_it))} is on it, and kept"
            hint = "apply without --target" if policy.targets else "`--prune` removes what is no longer declared"
            yield Problem(text, change.span, str(change.address), hint)
