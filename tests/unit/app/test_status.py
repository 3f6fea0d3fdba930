"""What `status` says of what differs, and of what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.ledger.intentions import Intentions
from provisioner.ledger.records import intention, record_intentions
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    return in_memory(tmp_path, monkeypatch)


def _detail(shop: InMemory, address: str) -> str:
    return next(row.detail for row in shop.status().rows if str(row.address) == address)


def test_what_differs_is_said_beside_what_was_scaled_on_purpose(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service(), "api": service()}})
    shop.apply()
    record_intentions(shop.engine, "shop", "containers", Intentions().with_scaled({"web": intention(2, 1)}))
    shop.apply()
    assert _detail(shop, "service.web[1]").startswith("2 replicas on purpose")
    shop.write({"name": "shop", "services": {"web": service(environment={"A": "1"}), "api": service()}})
    said = _detail(shop, "service.web[1]")
    assert said.startswith("environment changed; 2 replicas on purpose"), said
    assert _detail(shop, "service.api[1]") == ""


def test_what_is_stopped_on_purpose_is_said_once(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply()
    web = next(one for one in shop.engine.containers() if "shop-web-1" in str(one["Names"]))
    shop.engine.stop(str(web["Id"]))
    record_intentions(shop.engine, "shop", "containers", Intentions().with_stopped(["web"], intention()))
    assert _detail(shop, "service.web[1]").count("on purpose") == 1


def test_what_was_removed_is_not_called_never_created(shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"web": service()}})
    assert _detail(shop, "service.web[1]") == "not created yet"
    shop.apply()
    web = next(one for one in shop.engine.containers() if "shop-web-1" in str(one["Names"]))
    shop.engine.stop(str(web["Id"]))
    shop.engine.remove("container", str(web["Id"]))
    assert _detail(shop, "service.web[1]") == "it was removed by hand"
    shop.write({"name": "shop", "services": {"web": service(), "new": service()}})
    assert _detail(shop, "service.new[1]") == "not created yet"
