"""What commands write where an option says so: a mended file, a first playbook, a picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.command_line import Ended, carry_out

if TYPE_CHECKING:
    from pathlib import Path

_PLAYBOOK = """\
name: shop
services:
  web:
    image: nginx:1.27-alpine  # the shop
    depends_on: [db]
    environment: {CACHE: "localhost:6379"}
  db:
    image: redis:7-alpine
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(_PLAYBOOK)
    return tmp_path


def _done(folder: Path, *words: str, code: int = 0) -> Ended:
    done = carry_out(words, folder=folder, environment={"HOME": str(folder), "DOCKER_HOST": "unix:///nowhere"})
    assert done.code == code, done
    return done


def test_lint_mends_the_file_and_says_what(folder: Path) -> None:
    assert "P101" in _rules(_done(folder, "lint", "--json", code=1))
    done = _done(folder, "lint", "--fix")
    assert "fixed: compose.yaml:6:19: P101 services.web.environment.CACHE" in done.stderr
    assert (folder / "compose.yaml").read_text() == _PLAYBOOK.replace("localhost:6379", "db:6379")
    assert "P101" not in _rules(_done(folder, "lint", "--json"))


def _rules(done: Ended) -> list[str]:

    return [one["rule"] for one in json.loads(done.stdout)["findings"]]


def test_a_first_playbook_has_the_image_that_is_named(tmp_path: Path) -> None:
    _done(tmp_path, "init", "--name", "shop", "--image", "redis:7-alpine")
    assert _done(tmp_path, "config", "shop/local", "--images").stdout == "redis:7-alpine\n"
    _done(tmp_path, "init", "--image", "redis:7-alpine", "--from", "x.yaml", code=64)


@pytest.mark.parametrize(("form", "begins"), [("svg", "<svg"), ("html", "<!doctype html"), ("dot", "digraph")])
def test_a_graph_goes_to_a_file(folder: Path, form: str, begins: str) -> None:
    done = _done(folder, "graph", "--format", form, "-o", f"graph.{form}")
    assert done.stdout == f"wrote graph.{form}\n"
    written = (folder / f"graph.{form}").read_text()
    assert written.lower().startswith(begins)
    assert written == _done(folder, "graph", "--format", form).stdout
