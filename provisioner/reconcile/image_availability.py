"""Whether the nodes of a Swarm can get the images that services run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.change import Action
from provisioner.model.span import Problem, Verdict, refusal
from provisioner.reconcile.placement import able_nodes, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.model.address import Address
    from provisioner.model.change import Change
    from provisioner.model.edges import EngineJson
    from provisioner.model.plan import Plan


def image_availability(
    plan: Plan, placed: Sequence[Change], nodes: Sequence[EngineJson], registry: Callable[[str], str | None]
) -> Iterator[Verdict]:
    """Notes and refusals for images that are here, and that nodes which may run them can not get.

    `placed` are the plan's changes of services that are to be created, updated or replaced.
    `registry` gives the digest that the registry has for a reference; it is asked only where an answer matters.
    """
    here = plan.observed.facts.node_id
    home = next((name_of(node) for node in nodes if node["ID"] == here), "this node")
    images = {change.address: change for change in plan.details if change.address.kind == "image"}
    for address, names in sorted(_users(placed, nodes, here).items()):
        change = images.get(address)
        wanted = plan.desired.resources[address]
        facts = plan.observed.facts.images.get(wanted.name)
        lost, why = ", ".join(sorted(names)), ""
        if not wanted.image.recipe:
            if facts is not None and not facts.digests:
                text = f"{wanted.name} is on {home} and comes from no registry: {lost} may not get it"
                hint = "push it to a registry that all nodes reach"
                yield Verdict(False, Problem(text, wanted.span, str(address), hint))
            continue
        if change is None or change.action is not Action.UNCHANGED or facts is None:
            why = f"{wanted.name} is to be built on {home}, and {lost} would not get it"
        else:
            digest = registry(wanted.name)
            if digest is None:
                why = f"{wanted.name} was built on {home}, and no registry tells of it: {lost} can not get it"
            elif not any(repo_digest.endswith(f"@{digest}") for repo_digest in facts.digests):
                why = (
                    f"{wanted.name} in the registry is another one than was built on {home}, and {lost} would run that"
                )
        if why:
            span = wanted.spans.get("image") or wanted.span
            yield refusal(why, span, str(address), _way_out(wanted.name, plan.title, home))


def _users(placed: Sequence[Change], nodes: Sequence[EngineJson], here: str) -> dict[Address, set[str]]:
    """The nodes other than this one that may run an image, by its address."""
    node_names: dict[Address, set[str]] = {}
    for change in placed:
        wanted = change.desired
        if wanted is None or wanted.service_spec.get("replicas") == 0:
            continue
        away = {name_of(node) for node in able_nodes(wanted, nodes) if node["ID"] != here}
        for need in wanted.needs if away else ():
            if need.address.kind == "image":
                node_names.setdefault(need.address, set()).update(away)
    return node_names


def _way_out(reference: str, title: str, home: str) -> str:
    first = reference.partition("/")[0]
    named = "/" in reference and ("." in first or ":" in first or first == "localhost")
    push = f"`provision build {title} --push`"
    publish = push if named else f"let `image:` begin with a registry that all nodes reach, and {push}"
    return f"{publish}; or keep it here: deploy.placement.constraints: [node.hostname == {home}]"
