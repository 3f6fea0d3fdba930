"""Which container stands for a replica of a Swarm service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from provisioner.app.owned import owned_containers
from provisioner.kinds.ownership import ADDRESS, NAME, PROJECT
from provisioner.model.state import Facts

if TYPE_CHECKING:
    from provisioner.ports import EngineReader

LABELS = {PROJECT: "shop", ADDRESS: "service.web", NAME: "shop_web"}


class Manager:
    """A Swarm with one service; its tasks' containers are told newest first, as an engine does it."""

    def __init__(self, *states: str) -> None:
        self._containers = [
            {"Id": f"{number}-{state}", "Name": f"/shop_web.1.task{number}", "Config": {}, "State": {"Status": state}}
            for number, state in enumerate(states)
        ]

    def facts(self) -> Facts:
        return Facts(swarm_manager=True)

    def list(self, kind: str, labels: dict[str, str]) -> list[Any]:
        if kind == "service":
            return [{"ID": "s", "Spec": {"Name": "shop_web", "Labels": LABELS}}]
        return [] if PROJECT in labels else self._containers


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("created", "exited", "exited"), "1-exited"),
        (("exited", "running"), "1-running"),
        (("running", "exited"), "0-running"),
        (("exited", "exited"), "0-exited"),
        (("created",), "0-created"),
    ],
)
def test_one_that_is_to_start_hides_nobody_who_has_said_something(states: tuple[str, ...], expected: str) -> None:
    assert [one.id for one in owned_containers(cast("EngineReader", Manager(*states)), "shop")] == [expected]
