"""What is refused before anything is touched. Pure: the user's permissions are data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action, Change, Impact
from provisioner.model.span import Problem
from provisioner.reconcile.namespaces import missing_containers
from provisioner.reconcile.retained import NOTHING_RETAINED, is_protected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set

    from provisioner.model.plan import Policy
    from provisioner.model.state import ForeignObject, ObservedState, Resource
    from provisioner.reconcile.retained import Retained


# Of the objects of one other owner.
_MOST_FOREIGN = 12


def check(
    changes: Sequence[Change], observed: ObservedState, policy: Policy, retained: Retained = NOTHING_RETAINED
) -> tuple[Problem, ...]:
    """The reasons why these changes are not carried out; none means they may be."""
    problems = [*_findings(changes, observed, policy), *_losses(changes, policy, retained)]
    return tuple(sorted(problems, key=lambda problem: (problem.path, problem.message)))


def _losses(changes: Sequence[Change], policy: Policy, retained: Retained) -> Iterator[Problem]:
    """What would take away more than anybody named: an emptied playbook, other people's objects, protected volumes."""
    deleted = [c for c in changes if c.action is Action.DELETE and c.address.kind != "image"]
    if policy.prune and not policy.allow_empty and not policy.targets and not retained.declares_services and deleted:
        yield Problem(
            f"the playbook declares no service any more, and --prune would remove all that is there: {_some(deleted)}",
            path="services",
            hint="look for what is missing (a file, an overlay, a `!reset`); if all is to go, add --allow-empty",
        )
    for change in changes:
        if change.action is Action.REPLACE and retained.is_external(change.observed):
            yield Problem(
                f"the {change.address.kind} {change.observed.name if change.observed else ''} would have to be "
                "removed and made anew, and the file calls it external",
                span=change.span,
                path=str(change.address),
                hint="drop `external: true`, if it is this environment's own again",
            )
        if change.action is Action.DELETE and is_protected(change):
            declares_it = change.desired is not None and change.desired.protect
            yield Problem(
                "it is protected and is never deleted"
                + ("" if declares_it else ": it was protected when it was applied, and no file has taken that away"),
                span=change.span, path=str(change.address),
                hint="set `protect: false` first, if the data may go"
                if change.desired is not None
                else "declare it with `protect: false` first, if the data may go",
            )  # fmt: skip


def _some(changes: Sequence[Change], most: int = 5) -> str:
    names = list(dict.fromkeys(str(change.address.whole) for change in changes))
    return ", ".join(names[:most] + ([f"{len(names) - most} more"] if len(names) > most else []))


def _findings(changes: Sequence[Change], observed: ObservedState, policy: Policy) -> Iterator[Problem]:
    yield from _foreign_objects(observed.foreign)
    yield from missing_containers(changes, observed)
    for change in changes:
        wanted = change.desired
        if wanted is not None and wanted.external and change.action is Action.CREATE:
            yield Problem(
                f"the external {wanted.kind} {wanted.name} does not exist", span=change.span, path=str(change.address),
                hint=f"create it (docker {wanted.kind} create {wanted.name}), or drop `external: true`",
            )  # fmt: skip
        if wanted is not None and change.action is Action.CREATE and _never_pulled(wanted):
            yield Problem(
                f"the image {wanted.name} is not on the engine, and `pull_policy: never` forbids to pull it",
                span=wanted.spans.get("pull_policy", change.span), path=str(change.address),
                hint="load it (docker load, docker build), or choose another `pull_policy`",
            )  # fmt: skip
        if any(difference.impact is Impact.DATA_LOSS for difference in change.differences):
            keys = ", ".join(difference.path for difference in change.differences)
            yield Problem(
                f"{keys} of a volume can only change by replacing it, and its data would be lost",
                span=change.span,
                path=str(change.address),
                hint="restore the old value; or declare another volume with the new one, and copy the data into it",
            )
        guests = _guests(change, observed, policy.departing)
        if guests:
            yield Problem(
                f"the network {change.observed.name if change.observed else ''} has to go, and containers that are "
                f"not of this environment are on it: {', '.join(guests)}",
                span=change.span,
                path=str(change.address),
                hint="disconnect them first (docker network disconnect)",
            )
        gone = change.action is Action.CREATE and change.drift and wanted is not None and wanted.protect
        if gone and change.address not in policy.targets:
            yield Problem(
                "a protected volume was there at the last apply and is gone: an empty one would take its place",
                span=change.span,
                path=str(change.address),
                hint=f"look for it first; `--target {change.address}` makes an empty one to restore a backup into",
            )


def _foreign_objects(foreign: Sequence[ForeignObject]) -> Iterator[Problem]:
    """Objects of others in the place of declared ones; what one `adopt` takes over from one owner is told once."""
    together: dict[tuple[str, str], list[ForeignObject]] = {}
    for foreign_object in foreign:
        # By the hint too: what may be done about one kind of object is no help for another.
        key = (foreign_object.owner if foreign_object.adoptable else str(foreign_object.address), foreign_object.hint)
        together.setdefault(key, []).append(foreign_object)
    for (owner, hint), group in together.items():
        first = group[0]
        if len(group) == 1:
            text = f"a {first.kind} named {first.name} is there already and belongs to {first.owner}"
            yield Problem(text, path=str(first.address), hint=hint)
            continue
        names = ", ".join(f"{each.address} ({each.name})" for each in group[:_MOST_FOREIGN])
        more = f" and {len(group) - _MOST_FOREIGN} more" if len(group) > _MOST_FOREIGN else ""
        plural = hint.replace("takes it over as it is", "takes them over as they are")
        yield Problem(f"{len(group)} objects are there already and belong to {owner}: {names}{more}", hint=plural)


def _never_pulled(wanted: Resource) -> bool:
    return wanted.kind == "image" and wanted.image.pull_policy == "never" and not wanted.image.recipe


def _guests(change: Change, observed: ObservedState, departing: Set[str]) -> list[str]:
    """Other people's containers on a network that is to be removed, by name or else by short id.

    Those that are `departing` will have left it.
    """
    existing = change.observed
    # On an overlay are the tasks' own containers and the load balancer's end point; the manager knows who uses it.
    if existing is not None and existing.spec.get("driver") == "overlay":
        return []
    if existing is None or existing.kind != "network" or change.action not in (Action.REPLACE, Action.DELETE):
        return []
    ours = {seen.id for seen in (*observed.resources.values(), *observed.leftovers) if seen.kind == "container"}
    ours |= departing
    return sorted(existing.user_names.get(user, user[:12]) for user in existing.users if user not in ours)
