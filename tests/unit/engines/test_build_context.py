"""Files of a build's context that can not be read."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from provisioner.app.image_inputs import build_digests
from provisioner.document import Sources, read
from provisioner.errors import PlaybookInvalid
from provisioner.playbook.bind import bind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.playbook import Playbook


@contextmanager
def somebody() -> Iterator[None]:
    """Without root's right to read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def shop() -> Iterator[Path]:
    """A folder that others may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="provision-context-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "data").mkdir()
        (folder / "data" / "file").write_text("x")
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
        (folder / "compose.yaml").write_text("services: {a: {build: .}, b: {build: ./nowhere}, c: {build: .}}\n")
        yield folder
        (folder / "data").chmod(0o755)


def bound(folder: Path, *services: str) -> Playbook:
    (folder / "compose.yaml").write_text("".join(["services:\n", *(f"  {one}\n" for one in services)]))
    return bind(read(Sources((str(folder / "compose.yaml"),), environment={"HOME": "/"})))


def test_what_can_not_be_read_is_told_with_its_place_for_all_builds(shop: Path) -> None:
    playbook = bound(shop, "a: {build: .}", "b: {build: ./nowhere}", "c: {build: {context: ., dockerfile: No}}")
    whole = build_digests(playbook, {"a"})
    (shop / "data").chmod(0)
    with somebody(), pytest.raises(PlaybookInvalid) as refused:
        build_digests(playbook)
    first, second, third = refused.value.problems
    assert (first.path, first.span and first.span.line) == ("services.a.build", 2)
    assert first.message == f"{shop}/data in the build context {shop} can not be read: Permission denied"
    assert first.hint is not None
    assert ".dockerignore" in first.hint
    assert (second.path, third.path) == ("services.b.build", "services.c.build")

    # What is ignored need not be readable, and its content does not count.
    (shop / ".dockerignore").write_text("data\n")
    with somebody():
        ignored = build_digests(playbook, {"a"})
    assert ignored != whole
    (shop / "data").chmod(0o755)
    (shop / "data" / "file").write_text("y")
    assert build_digests(playbook, {"a"}) == ignored


def test_a_file_that_can_not_be_read(shop: Path) -> None:
    playbook = bound(shop, "a: {build: .}")
    (shop / "data" / "file").chmod(0)
    with somebody(), pytest.raises(PlaybookInvalid, match="data/file in the build context"):
        build_digests(playbook)


def test_an_ignore_file_of_any_bytes(shop: Path) -> None:
    (shop / ".dockerignore").write_bytes(b"\xff\xfe\nda\xe4ta\n")
    assert build_digests(bound(shop, "a: {build: .}"))["a"]
