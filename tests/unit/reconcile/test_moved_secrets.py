"""A secret whose value comes from another tier than at the last apply: no change, or one that says so."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.state import CARRIED_KIND, DesiredState, Facts, Observed, ObservedState, Resource
from provisioner.reconcile.diff import diff

TOKEN = Address("secret", "token")


def one(kind: str, tier: str, version: str, *, external: bool = False) -> DesiredState:
    spec: dict[str, Any] = {"version": version, "labels": {}, "template_driver": None}
    name = "shop_token" if external else f"shop_token.{version}"
    return DesiredState("shop", {TOKEN: Resource(TOKEN, kind, name, spec, external=external, tier=tier)})


def change(wanted: DesiredState, last: DesiredState, *, there: bool = True) -> Change:
    before = last.resources[TOKEN]
    seen = {TOKEN: Observed(TOKEN, before.kind, "id", before.name, before.spec)} if there else {}
    [found] = diff(wanted, ObservedState(Facts(), seen), last)
    return found


@pytest.mark.parametrize("kind", ["secret", CARRIED_KIND])
def test_the_same_value_is_no_change(kind: str) -> None:
    assert change(one(kind, "aws", "k.1"), one(kind, "env_local", "k.1")).action is Action.UNCHANGED


@pytest.mark.parametrize("kind", ["secret", CARRIED_KIND])
def test_another_value_is_told_with_the_tiers(kind: str) -> None:
    found = change(one(kind, "aws", "k.2"), one(kind, "env_local", "k.1"))
    assert found.reason == "version changed; it came from env_local, and comes from aws now"
    assert not found.drift
    assert change(one(kind, "aws", "k.2"), one(kind, "aws", "k.1")).reason == "version changed"


def test_a_secret_of_the_swarm_that_is_not_used_any_more_was_not_removed_by_hand() -> None:
    found = change(
        one("secret", "env_local", "k.1"), one("secret", "docker", "held:shop_token", external=True), there=False
    )
    assert (found.action, found.drift) == (Action.CREATE, False)
    assert found.reason == "it came from docker, and comes from env_local now"
    gone = change(one("secret", "env_local", "k.1"), one("secret", "env_local", "k.1"), there=False)
    assert (gone.reason, gone.drift) == ("it was removed by hand", True)
