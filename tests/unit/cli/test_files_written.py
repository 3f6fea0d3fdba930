"""What commands write where an option says so: a mended file, a first playbook, a picture."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING

import pytest

from provisioner.secrets.fingerprint import new_key
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


def _with_key(folder: Path) -> None:
    """The folder with a fingerprint key, which can be exported."""
    key = folder / ".provision" / "shop.key"
    key.parent.mkdir()
    key.write_bytes(new_key().reveal())
    key.chmod(0o600)


_KEY = "secrets key export --to"
_TO_A_FILE = ("graph --format svg -o", "config -o", "export -o", "import compose.yaml -o", _KEY)


@pytest.mark.parametrize("command", [*_TO_A_FILE, "man -o"])
def test_what_can_not_be_written_ends_with_one_code(folder: Path, command: str) -> None:
    """A disk that is full, and a folder that can not be written or is none, are not wrong usage."""
    _with_key(folder)
    done = _done(folder, *command.split(), "compose.yaml/below", code=1)
    assert "compose.yaml/below can not be written: " in done.stderr
    assert (folder / "compose.yaml").read_text() == _PLAYBOOK


@pytest.mark.parametrize("command", _TO_A_FILE)
def test_a_folder_in_the_place_of_the_file_is_wrong_usage(folder: Path, command: str) -> None:
    _with_key(folder)
    (folder / "taken").mkdir()
    done = _done(folder, *command.split(), "taken", code=64)
    assert "taken is" in done.stderr
    assert not list((folder / "taken").iterdir())


def test_a_disk_that_gets_full_between_two_files_leaves_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = "dist/\n"
    (tmp_path / ".gitignore").write_text(before)

    def full(descriptor: int, count: list[int] = []) -> None:  # noqa: B006 - counts the calls
        count.append(descriptor)
        if len(count) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    done = _done(tmp_path, "init", "--name", "shop", code=1)
    assert "playbooks/shop/prod.yml can not be written: No space left on device" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == [".gitignore"]
    assert (tmp_path / ".gitignore").read_text() == before


@pytest.mark.parametrize(("form", "begins"), [("svg", "<svg"), ("html", "<!doctype html"), ("dot", "digraph")])
def test_a_graph_goes_to_a_file(folder: Path, form: str, begins: str) -> None:
    done = _done(folder, "graph", "--format", form, "-o", f"graph.{form}")
    assert done.stdout == f"wrote graph.{form}\n"
    written = (folder / f"graph.{form}").read_text()
    assert written.lower().startswith(begins)
    assert written == _done(folder, "graph", "--format", form).stdout
