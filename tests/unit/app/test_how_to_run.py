"""What is said to do where a command is to go into what does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.load import load_playbook
from provisioner.app.owned import running_replica
from provisioner.errors import ProvisionError, UsageError
from provisioner.ledger.intentions import Intention, Intentions
from provisioner.ledger.records import record_intentions
from tests.unit.app.in_memory import in_memory, service

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("more", "status", "hint"),
    [
        ({"job": {"run": "once"}}, "exited", "provision run --rm web COMMAND; provision logs web shows what it said"),
        ({}, "exited", "provision apply"),
        ({}, "paused", "provision unpause web"),
        ({}, "restarting", "provision why service.web"),
    ],
)
def test_the_next_step_is_that_of_its_state(
    more: dict[str, Any], status: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = in_memory(tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply()
    shop.write({"name": "shop", "services": {"web": service(**more)}})
    [container] = [one for one in shop.engine.list("container", {}) if one["Name"].strip("/") == "shop-web-1"]
    state = {**container["State"], "Status": status}
    monkeypatch.setattr(shop.engine, "list", lambda kind, labels: [{**container, "State": state}])
    with pytest.raises(ProvisionError) as raised:
        running_replica(shop.engine, load_playbook(shop.request()), "web", 1)
    assert raised.value.hint == hint


def test_replicas_are_counted_as_they_are_and_as_they_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = in_memory(tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.apply()
    playbook = load_playbook(shop.request())
    three = Intention("2026-01-31T18:04:00+00:00", "ann@box", replicas=3, declared=1)
    record_intentions(shop.engine, "shop", "containers", Intentions().with_scaled({"web": three}))
    with pytest.raises(UsageError, match="has 3 replicas, and --index 9") as raised:
        running_replica(shop.engine, playbook, "web", 9)
    assert raised.value.hint == "they are numbered from 1 to 3"
    # The number of the file has changed since: it counts.
    shop.write({"name": "shop", "services": {"web": service(deploy={"replicas": 2})}})
    with pytest.raises(UsageError, match="has 2 replicas, and --index 3"):
        running_replica(shop.engine, load_playbook(shop.request()), "web", 3)
