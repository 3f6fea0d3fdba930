"""Files that are none: nobody waits for a pipe's writer, or reads a device without end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.document.regular_file import read_regular
from provisioner.errors import PlaybookInvalid
from tests.unit.app.in_memory import InMemory, in_memory, service


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    return in_memory(tmp_path, monkeypatch)


@pytest.fixture(params=["a pipe", "a device", "a folder", "a link to a pipe"])
def strange(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "strange"
    if request.param == "a device":
        return Path("/dev/zero")
    if request.param == "a folder":
        path.mkdir()
        return path
    os.mkfifo(path)
    if request.param == "a pipe":
        return path
    link = tmp_path / "link"
    link.symlink_to(path)
    return link


def test_what_is_no_file_is_not_read(strange: Path) -> None:
    with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
        read_regular(strange)


def test_what_a_playbook_names_and_is_no_file_is_a_problem_with_its_place(strange: Path, shop: InMemory) -> None:
    shop.write({"name": "shop", "services": {"a": service(configs=["c"])}, "configs": {"c": {"file": str(strange)}}})
    with pytest.raises(PlaybookInvalid) as told:
        shop.plan()
    [problem] = told.value.problems
    assert (problem.path, problem.span is not None) == ("configs.c.file", True)
    build = {"context": str(strange.parent), "dockerfile": strange.name}
    shop.write({"name": "shop", "services": {"a": {**service(), "build": build}}})
    with pytest.raises(PlaybookInvalid, match=r"the Dockerfile .* can not be read"):
        shop.plan()
    shop.write({"name": "shop", "services": {"a": service(security_opt=[f"seccomp={strange}"])}})
    with pytest.raises(PlaybookInvalid, match=r"the seccomp profile .* can not be read"):
        shop.plan()


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 70000)
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link") == b"x" * 70000
