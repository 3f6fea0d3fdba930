"""Which ports each update of a service has while ports through ingress pass from one to another."""

from __future__ import annotations

from typing import Any

from provisioner.model.address import Address
from provisioner.model.change import Action, Change, FieldChange, Impact
from provisioner.model.state import Facts, Observed, ObservedState, Resource
from provisioner.reconcile.ingress import PassingPorts, Stage


def spec(*ports: str, mode: str = "vip") -> dict[str, Any]:
    """`8080:80` is port 8080 through ingress, to port 80 of the tasks."""
    found: dict[str, list[str]] = {}
    for port in ports:
        published, _, target = port.partition(":")
        found.setdefault(f"{target}/tcp", []).append(f"{published}:ingress")
    return {"ports": found, "endpoint_mode": mode}


def change(
    name: str, wanted: dict[str, Any] | None, found: dict[str, Any] | None = None, *paths: str
) -> tuple[Change, Observed | None]:
    address = Address("service", name)
    seen = None if found is None else Observed(address, "service", name, name, found)
    desired = None if wanted is None else Resource(address, "service", name, wanted)
    action = Action.CREATE if found is None else Action.DELETE if wanted is None else Action.UPDATE
    differences = tuple(FieldChange(path, None, None, Impact.IN_PLACE) for path in paths)
    return Change(address, action, "", desired=desired, observed=seen, differences=differences), seen


def stages(*changes: tuple[Change, Observed | None]) -> dict[str, list[Stage]]:
    observed = ObservedState(Facts("", "", ""), {one.address: one for _, one in changes if one is not None})
    passing = PassingPorts([one for one, _ in changes if one.action is not Action.DELETE], observed)
    return {one.address.name: passing.stages(one) for one, _ in changes if one.action is not Action.DELETE}


def published(*ports: str) -> Any:
    return spec(*ports)["ports"]


def test_what_keeps_its_ports_has_no_stages() -> None:
    found = stages(
        change("api", spec("1:80"), spec("1:80"), "image"),
        change("web", spec("2:80"), spec(), "ports.80/tcp"),
        # Another port of the same number through ingress is the service's own.
        change("one", spec("3:81"), spec("3:80"), "ports.80/tcp", "ports.81/tcp"),
    )
    assert found == {"api": [], "web": [], "one": []}


def test_a_new_service_gets_a_port_when_it_has_proven_itself() -> None:
    found = stages(change("old", None, spec("1:80")), change("new", spec("1:80", "2:81")))
    assert found == {"new": [Stage(published("2:81")), Stage(published("1:80", "2:81"), takes=True)]}


def test_a_port_alone_passes_in_one_update_each() -> None:
    found = stages(
        change("api", spec("1:80"), spec(), "ports.80/tcp"), change("web", spec(), spec("1:80"), "ports.80/tcp")
    )
    assert found == {"api": [Stage(published("1:80"), takes=True)], "web": [Stage({}, yields=True)]}


def test_what_changes_otherwise_too_keeps_its_port_until_it_has_proven_itself() -> None:
    found = stages(
        change("api", spec("1:80"), spec(), "image", "ports.80/tcp"),
        change("web", spec("2:80"), spec("1:80", "2:80"), "image", "ports.80/tcp"),
    )
    assert found == {
        "api": [Stage({}), Stage(published("1:80"), takes=True)],
        "web": [Stage(published("1:80", "2:80")), Stage(published("2:80"), yields=True)],
    }


def test_two_that_exchange_ports_both_give_up_first() -> None:
    found = stages(
        change("api", spec("2:80"), spec("1:80"), "ports.80/tcp"),
        change("web", spec("1:80"), spec("2:80"), "image", "ports.80/tcp"),
    )
    assert found == {
        "api": [Stage({}, yields=True), Stage(published("2:80"), takes=True)],
        "web": [Stage(published("2:80")), Stage({}, yields=True), Stage(published("1:80"), takes=True)],
    }


def test_ports_are_not_kept_in_another_endpoint_mode() -> None:
    found = stages(
        change("api", spec("1:80"), spec(), "ports.80/tcp"),
        change("web", spec(mode="dnsrr"), spec("1:80"), "endpoint_mode", "ports.80/tcp"),
    )
    assert found["web"] == [Stage({}, yields=True)]
