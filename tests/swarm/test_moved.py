"""`moved` on a Swarm: services, configs, secrets, networks and volumes under another address, and no other object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.swarm.environment import service

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]


def shop(names: dict[str, str]) -> dict[str, Any]:
    """One service that uses one of everything; `names` gives another key to some of it."""
    config, secret, network, volume, web = (names.get(one, one) for one in ("page", "token", "back", "data", "web"))
    return {
        "services": {
            web: service(
                configs=[{"source": config, "target": "/page"}],
                secrets=[{"source": secret, "target": "key"}],
                networks={network: {}},
                volumes=[f"{volume}:/data"],
            )
        },
        "configs": {config: {"content": "hello"}},
        "secrets": {secret: {"env": "TOKEN"}},
        "networks": {network: {}},
        "volumes": {volume: {}},
    }


NAMES = {"page": "site", "token": "password", "back": "inner", "data": "rows"}
KINDS = {"page": "config", "token": "secret", "back": "network", "data": "volume", "web": "service"}


def moves(names: dict[str, str]) -> list[dict[str, str]]:
    return [{"from": f"{KINDS[old]}.{old}", "to": f"{KINDS[old]}.{new}"} for old, new in names.items()]


def ids(environment: SwarmEnvironment) -> set[str]:
    """The identities of all but records and the containers of tasks, which an update ends: a move keeps them, whatever
    version the objects are at.
    """
    return {identity for what, (identity, *_) in environment.inventory().items() if ".revision" not in what
            and ".adopted" not in what and ".ledger" not in what and not what.startswith("container ")}  # fmt: skip


def test_everything_keeps_its_identity_under_another_address(environment: SwarmEnvironment) -> None:
    (environment.folder / ".env.local").write_text("TOKEN=s3cr3t\n")
    (environment.folder / ".env.local").chmod(0o600)
    environment.write(shop({}))
    environment.apply()
    before, tasks = ids(environment), {one["ID"] for one in environment.tasks("web")}
    web = environment.service("web")["ID"]

    environment.write(shop(NAMES))
    hints = " ".join(str(note["hint"]) for note in environment.plan()["notes"])
    for move in moves(NAMES):
        assert f"{{from: {move['from']}, to: {move['to']}}}" in hints, hints

    environment.write({**shop(NAMES), "moved": moves(NAMES)})
    assert environment.plan()["changes"] == []
    assert environment.apply().summary["changed"] == 0
    assert before <= ids(environment)
    assert {one["ID"] for one in environment.tasks("web")} == tasks
    environment.require_inert()

    # A service's own name is an alias on its networks, so that its tasks are updated.
    names = {**NAMES, "web": "edge"}
    environment.write({**shop(names), "moved": moves(names)})
    [change] = environment.plan()["changes"]
    assert (change["address"], change["action"]) == ("service.edge", "update")
    environment.apply()
    assert environment.service("web")["ID"] == web
    environment.require_inert()
    environment.write(shop(names))
    assert environment.apply().summary["changed"] == 0
    environment.require_inert()

    assert environment.run("rollback", "1", "--yes").code == 0
    assert environment.service("web")["ID"] == web
    assert before <= ids(environment)
    environment.write(shop({}))
    assert environment.plan()["changes"] == []
    environment.destroy("--volumes", "--history")
    assert environment.inventory() == {}
