"""What is said of an object in the place of a declared one, whosever it is."""

from __future__ import annotations

import itertools
import re

import pytest

from provisioner.kinds.ownership import ADDRESS, NAME, PROJECT
from provisioner.kinds.tool_labels import COMPOSE_PROJECT, STACK
from provisioner.model.address import Address
from provisioner.model.state import Resource
from provisioner.reconcile.foreign_objects import foreign_object

OWNERS = {
    "nobody": {},
    "the same Compose project": {COMPOSE_PROJECT: "shop"},
    "another Compose project": {COMPOSE_PROJECT: "other"},
    "a stack": {STACK: "shop"},
    "another stack": {STACK: "other"},
    "another environment": {PROJECT: "other", ADDRESS: "volume.data", NAME: "shop_data"},
    "this one, at another address": {PROJECT: "shop", ADDRESS: "volume.rows", NAME: "shop_data"},
    "this one, copied": {PROJECT: "shop", ADDRESS: "volume.data", NAME: "elsewhere"},
    "this one, without its name": {PROJECT: "shop", ADDRESS: "volume.data"},
}


@pytest.mark.parametrize(("owner", "kind"), [*itertools.product(OWNERS, ("volume", "network"))])
def test_no_advice_loses_data(owner: str, kind: str) -> None:
    address = Address(kind, "data")
    told = foreign_object(Resource(address, kind, "shop_data", {}), OWNERS[owner], "shop")
    assert told.hint
    assert not re.search(r"\b(rm|remove|delete|prune|--volumes)\b", told.hint), told.hint


@pytest.mark.parametrize("owner", [name for name in OWNERS if "environment" not in name and "this one" not in name])
def test_what_other_tools_made_leads_to_adopt(owner: str) -> None:
    for kind, name in (("container", "shop-web-1"), ("volume", "shop_data"), ("network", "shop_default")):
        told = foreign_object(Resource(Address(kind, "x"), kind, name, {}), OWNERS[owner], "shop")
        assert told.adoptable
        assert "`provision adopt`" in told.hint
        assert ("--force other" in told.hint) == ("another" in owner)


def test_what_is_ours_at_another_address_leads_to_moved() -> None:
    resource = Resource(Address("volume", "data"), "volume", "shop_data", {})
    told = foreign_object(resource, OWNERS["this one, at another address"], "shop")
    assert told.hint.startswith("`moved: [{from: volume.rows, to: volume.data}]`")
    assert told.own
