"""`up` that stays: whatever ends its look at what has ended is told, and is no success."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from provisioner.app.up_until_end import UntilEnd, _Watch
from tests.unit.app.in_memory import service
from tests.unit.app.typed import typed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Broken:
    """What has ended, on an engine that gives what nobody expects."""

    def new(self) -> dict[str, Any]:
        raise KeyError("State")


def test_a_defect_in_the_look_is_no_success() -> None:
    broken: Any = Broken()
    interrupt: Any = threading.Event()
    watch = _Watch(broken, UntilEnd(), lambda: None, lambda text: None, interrupt)
    watch.start()
    watch.join()
    assert watch.is_over()
    assert isinstance(watch.error, KeyError)


def test_where_no_replica_is_to_run_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = typed(tmp_path, monkeypatch)
    shop.write({"name": "shop", "services": {"web": service()}})
    shop.run("apply --yes --scale web=0")
    said = shop.run("up --abort-on-container-exit --scale web=0", code=64).stderr
    assert "no replica of web is to run" in said
