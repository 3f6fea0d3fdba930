"""What is said to do where a command is to go into what does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.load import load_playbook
from provisioner.app.owned import running_replica
from provisioner.errors import ProvisionError
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
