"""Two objects of one playbook have two names on the engine, and none has one that provision needs itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.playbook.crossref import contradictions
from tests.unit.app.in_memory import service
from tests.unit.app.typed import typed

if TYPE_CHECKING:
    from pathlib import Path

A = {"image": "a:1"}


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ({"api": {**A, "container_name": "shop-prod-web-1"}, "web": A}, "is what a replica of service 'web' at"),
        ({"api": {**A, "container_name": "shop-prod-web-3"}, "web": {**A, "scale": 3}}, "is what a replica of"),
        ({"api": {**A, "container_name": "shop-prod.ledger"}}, "is the name of a container that provision needs"),
        ({"api": {**A, "container_name": "shop-prod.lease"}}, "is the name of a container that provision needs"),
    ],
)
def test_a_container_has_no_name_of_another(bound: Any, services: dict[str, Any], said: str) -> None:
    (found,) = contradictions(bound(services=services), "containers")
    assert found.path == "services.api.container_name"
    assert said in found.message


@pytest.mark.parametrize(
    "services",
    [
        {"api": {**A, "container_name": "shop-prod-web-3"}, "web": {**A, "scale": 2}},
        {"api": {**A, "container_name": "shop-prod-web-1"}, "web": {**A, "container_name": "shop-prod-api-1"}},
        {"api": {**A, "container_name": "shop-prod-api-1"}},
        {"api": {**A, "container_name": "shop.ledger"}},
        {"api": {**A, "container_name": "shop-prod-web-1", "scale": 0}, "web": A},
    ],
)
def test_a_name_that_nobody_else_has_may_look_like_one(bound: Any, services: dict[str, Any]) -> None:
    assert contradictions(bound(services=services), "containers") == ()


@pytest.mark.parametrize("section", ["networks", "volumes"])
def test_two_keys_with_one_name_would_be_one_object(bound: Any, section: str) -> None:
    one, other = {"name": "it"}, {"name": "it", "driver": "local"}
    (found,) = contradictions(bound(services={"a": A}, **{section: {"one": one, "other": other}}))
    assert found.path == f"{section}.other"
    assert f"'it' is also the name of {section}.one at playbook.yml:" in found.message
    for far in ({"name": "it", "external": True}, {"name": "that"}, {}):
        assert contradictions(bound(services={"a": A}, **{section: {"one": one, "other": far}})) == ()


@pytest.mark.parametrize("name", ["a b", "a/b", "a", "-x", ".x", "x:y"])
def test_a_volume_has_a_name_that_the_engine_gives(bound: Any, name: str) -> None:
    (found,) = contradictions(bound(services={"a": A}, volumes={"it": {"name": name}}))
    assert (found.path, found.message) == ("volumes.it", f"'{name}' is no name of a volume")
    for fine in ({"name": "x."}, {"name": name, "driver": "other"}, {"name": name, "external": True}):
        assert contradictions(bound(services={"a": A}, volumes={"it": fine})) == ()


def test_what_stands_under_such_names_already_can_be_destroyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = typed(tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"api": service(container_name="shop-web-1")}})
    shop.run("apply --yes")
    shop.write({"name": "shop", "services": {"api": service(container_name="shop-web-1"), "web": service()}})
    shop.run("apply --yes", code=65)
    shop.run("destroy --yes")
    assert shop.containers == {"shop.ledger"}
