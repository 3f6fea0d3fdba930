"""`--keep-going`: destroy and rollback, as apply, do what does not need what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.errors import EngineRefused
from tests.command_line import carry_out
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import Ended


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    found = in_memory(tmp_path, monkeypatch)
    found.write({"name": "shop", "services": {"api": service(), "web": service()}})
    found.apply()
    return found


def run(shop: InMemory, *arguments: str) -> Ended:
    return carry_out([*arguments, "--yes", "--parallel", "1"], folder=shop.folder, environment={"HOME": "/root"})


def fail(shop: InMemory, call: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine refuse a call on every container with this in its name."""
    real: Any = getattr(shop.engine, call)

    def refused(identity: str, *arguments: Any, **options: Any) -> Any:
        names = {raw["Id"]: raw["Name"] for raw in shop.engine.state()["containers"].values()}
        if part in names.get(identity, ""):
            raise EngineRefused("no", status=500)
        return real(identity, *arguments, **options)

    monkeypatch.setattr(shop.engine, call, refused)


@pytest.mark.parametrize("options", [(), ("--keep-going",)])
def test_destroy(shop: InMemory, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    fail(shop, "stop", "shop-api", monkeypatch)
    ended = run(shop, "destroy", *options)
    assert ended.code == 1, ended
    assert ("shop-web-1" in shop.containers) is (not options)
    # It makes room for nobody.
    assert "shop-api-1" in shop.containers


@pytest.mark.parametrize("options", [(), ("--keep-going",)])
def test_rollback(shop: InMemory, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"update": {"on_failure": "pause"}}
    shop.write({"name": "shop", "services": {name: service(labels={"two": ""}, **changed) for name in ("api", "web")}})
    shop.apply()
    fail(shop, "stop", "shop-api", monkeypatch)
    ended = run(shop, "rollback", *options)
    assert ended.code in (1, 3), ended
    labels = {
        raw["Name"]: raw["Config"]["Labels"] for raw in shop.engine.state()["containers"].values()
    }  # fmt: skip
    assert ("two" in labels["/shop-web-1"]) is (not options), ended
