"""Replacements among what others have: names that they need meanwhile, and what is said of those that ended well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.apply_request import apply
from provisioner.model.event import Begun
from provisioner.model.plan import Policy
from provisioner.render.object_progress import Board
from provisioner.render.report_text import report_text
from provisioner.render.summary import recap
from tests.unit.app.in_memory import InMemory, Undisturbed, in_memory, service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from provisioner.model.event import Event
    from provisioner.model.report import Report

GOES_BACK = {"on_failure": "rollback", "monitor": "0s"}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    return in_memory(tmp_path, monkeypatch)


def declare(shop: InMemory, version: str, **services: Mapping[str, Any]) -> None:
    environment = {"VERSION": version}
    bodies = {name: service(environment=environment, update=GOES_BACK, **more) for name, more in services.items()}
    shop.write({"name": "shop", "services": bodies})


def ids(shop: InMemory) -> dict[str, str]:
    return {raw["Name"]: raw["Id"] for raw in shop.engine.state()["containers"].values()}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("suffix", [".previous", ".next"])
def test_a_name_that_a_replacement_needs_and_somebody_else_has_is_refused_before_anything_is_touched(
    shop: InMemory, suffix: str, running: bool
) -> None:
    name = f"shop-a-1{suffix}"
    declare(shop, "1", a={}, b={})
    assert shop.apply().exit_code == 0
    theirs = shop.engine.create(
        "container", name, {"Image": "app:1", "Labels": {"com.docker.compose.project": "other"}}
    )
    if running:
        shop.engine.start(theirs)
    assert not shop.plan().refusals
    declare(shop, "2", a={}, b={})
    before = ids(shop)
    plan = shop.plan()
    (refusal,) = plan.refusals
    assert refusal.path == "service.a[1]" and refusal.span is not None and refusal.span.line
    assert refusal.message == (
        f"container name {name}, which is needed while a container is replaced, is held by container {name} "
        "of the Compose project other"
    )
    assert refusal.hint == f"give the container that has it another name: docker rename {name} {name}-other"
    assert plan.steps == ()
    assert shop.apply().exit_code == 1
    assert ids(shop) == before
    shop.engine.rename(theirs, f"{name}-other")
    assert shop.apply().exit_code == 0
    assert not shop.plan().changes
    assert ids(shop)[f"/{name}-other"] == theirs


def test_a_name_that_nothing_needs_is_nobodys_business(shop: InMemory) -> None:
    """Without a way back nothing is set aside."""
    for version in ("1", "2"):
        body = service(environment={"VERSION": version}, update={"on_failure": "pause"})
        shop.write({"name": "shop", "services": {"a": body}})
        assert shop.apply().exit_code == 0
        if version == "1":
            theirs = shop.engine.create("container", "shop-a-1.previous", {"Image": "app:1", "Labels": {}})
    assert ids(shop)["/shop-a-1.previous"] == theirs


def told_where_a_name_is_taken_meanwhile(shop: InMemory, name: str) -> tuple[list[str], Report]:
    """What an apply says of each object once it is done with it, and its report."""
    board = Board(lambda: 0.0)
    lines: list[str] = []

    def listen(event: Event) -> None:
        lines.append(board.take(event))
        if isinstance(event, Begun) and f"/{name}" not in ids(shop):
            shop.engine.create("container", name, {"Image": "app:1", "Labels": {}})

    result = apply(
        shop.request(), Policy(parallel=1), {}, approve=lambda plan: True, listener=listen, verify=False,
        interrupt=Undisturbed(),
    )  # fmt: skip
    assert result.report is not None
    return [line for line in lines if line], result.report


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_what_was_proven_before_another_failed_was_changed_and_is_not_said_to_be_back(
    shop: InMemory, order: str
) -> None:
    def declared(version: str) -> None:
        environment, update = {"VERSION": version}, {**GOES_BACK, "order": order}
        first = service(environment=environment, update=update)
        second = service(environment=environment, update=GOES_BACK, depends_on=["b"])
        shop.write({"name": "shop", "services": {"a": second, "b": first}})

    declared("1")
    assert shop.apply().exit_code == 0
    before = ids(shop)
    declared("2")
    lines, report = told_where_a_name_is_taken_meanwhile(shop, "shop-a-1.previous")
    now = ids(shop)
    assert now["/shop-a-1"] == before["/shop-a-1"] and now["/shop-b-1"] != before["/shop-b-1"]
    assert now.keys() == {*before, "/shop-a-1.previous"}
    assert [line for line in lines if "service.a" in line and "the one before is back" in line]
    of_b = [line for line in lines if line.startswith("✔ service.b")]
    assert [line.split("  ")[1] for line in of_b] == ["stays; the container beside it is removed"]
    counts = recap(report)
    assert (counts.changed, counts.failed, counts.skipped) == (1, 1, 0)
    text = report_text(report)
    assert "Not done:" not in text
    (done,) = [line for line in text.splitlines() if line.startswith("  service.b[1]:")]
    assert "created" in done and "removed" in done
