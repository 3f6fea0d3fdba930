"""What is imported before the first answer: most of the time of a command that has nothing to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import QUICK
from tests.unit.cli.test_imports import modules_of

if TYPE_CHECKING:
    from pathlib import Path

# All modules, and ours among them; with a little room, as other versions of Python load other ones by themselves.
ROOM, OUR_ROOM = 12, 4
HELP, CONFIG, PLAN, NOTHING_TO_DO = (220, 92), (220, 76), (459, 252), (454, 248)


def require_at_most(limit: tuple[int, int], modules: set[str]) -> None:
    ours = {name for name in modules if name.startswith("provisioner")}
    assert len(ours) <= limit[1] + OUR_ROOM, sorted(ours)
    assert len(modules) <= limit[0] + ROOM, sorted(modules - ours)


def test_what_asks_no_engine_imports_little(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services:\n  web: {image: busybox}\n")
    require_at_most(HELP, modules_of(tmp_path, "--help"))
    require_at_most(CONFIG, modules_of(tmp_path, "config"))


@pytest.mark.engine
def test_a_plan_and_an_apply_with_nothing_to_do_import_no_more(
    tmp_path: Path, project: str, engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine_url)
    (tmp_path / "compose.yaml").write_text(json.dumps({"name": project, "services": {"web": QUICK}}))
    require_at_most(PLAN, modules_of(tmp_path, "plan"))
    modules_of(tmp_path, "apply", "--yes")
    require_at_most(NOTHING_TO_DO, modules_of(tmp_path, "apply", "--yes"))
