"""The first files of a system: they are well, in the usual layout, and nothing that is there is written over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.app.init import IMAGE, initialise, suggested
from provisioner.app.lint import lint
from provisioner.app.request import Request
from provisioner.document.layout import laid_out
from provisioner.errors import UsageError
from provisioner.model.finding import Severity
from tests.unit.app.in_memory import in_memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("image", [IMAGE, "redis:7-alpine", "registry.example:5000/team/api@sha256:" + "0" * 64])
def test_what_is_written_has_no_mistake_and_the_usual_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: str
) -> None:
    monkeypatch.chdir(tmp_path)
    started = initialise(str(tmp_path), "shop", image)
    for file in started.files:
        text = (tmp_path / file).read_text()
        assert laid_out(text, file) == text
    for environment in ("local", "prod"):
        target = f"shop/{environment}"
        request = Request((f"playbooks/{target}.yml",), str(tmp_path), target=target, in_playbooks=True)
        found = lint(request)
        assert [one for one in found if one.severity is Severity.ERROR] == []


def test_both_environments_can_be_applied_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = in_memory(tmp_path, monkeypatch)
    initialise(str(tmp_path), "shop", "app:1")
    shop.apply("playbooks/shop/local.yml")
    shop.apply("playbooks/shop/prod.yml")
    assert not [one for one in shop.plan("playbooks/shop/local.yml").changes if one.differences]
    names = {str(name) for one in shop.engine.containers() for name in one["Names"]}
    assert {name for name in names if name.endswith("-1")} == {"/shop-local-app-1", "/shop-prod-app-1"}


def test_nothing_is_written_over_and_nothing_is_half_written(tmp_path: Path) -> None:
    kept = tmp_path / "playbooks/shop/prod.yml"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    with pytest.raises(UsageError, match=r"playbooks/shop/prod\.yml is there already"):
        initialise(str(tmp_path), "shop")
    assert [one.name for one in kept.parent.iterdir()] == ["prod.yml"]
    assert kept.read_text() == "mine"
    assert not (tmp_path / ".gitignore").exists()


def test_lines_are_added_to_a_gitignore_that_is_there_once(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("dist/\n.env.local")
    assert initialise(str(tmp_path), "one").added_to == (".gitignore",)
    text = (tmp_path / ".gitignore").read_text()
    assert text == "dist/\n.env.local\n.env.*.local\narchives/\n"
    assert initialise(str(tmp_path), "two").added_to == ()
    assert (tmp_path / ".gitignore").read_text() == text
    (tmp_path / ".gitignore").write_bytes(b"dist/\r\n\r\n")
    initialise(str(tmp_path), "three")
    assert (tmp_path / ".gitignore").read_bytes() == b"dist/\r\n\r\n.env.local\r\n.env.*.local\r\narchives/\r\n"


@pytest.mark.parametrize("name", ["", "A B", "ümlaut", "../up", "-x"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a system"):
        initialise(str(tmp_path), name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Büro 2", "buro-2"),
        ("shop", "shop"),
        ("My_App", "my_app"),
        ("日本", "shop"),
        ("-x", "x"),
        ("ñandú.v2", "nanduv2"),
    ],
)
def test_a_name_is_suggested_that_is_one(tmp_path: Path, folder: str, name: str) -> None:
    assert suggested(folder) == name
    assert initialise(str(tmp_path), suggested(folder)).target == f"{name}/local"


@pytest.mark.parametrize("image", ["A B:1", "", "a: {b", "nginx:1\nprivileged: true"])
def test_an_image_that_is_none_is_refused(tmp_path: Path, image: str) -> None:
    with pytest.raises(UsageError, match="is no name of an image"):
        initialise(str(tmp_path), "shop", image)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["2026", "null", "true", "on", "y", "123", "1e3", "0x10", "2024-01-01", "1_000"])
def test_a_name_that_yaml_reads_as_something_else_is_written_as_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    started = initialise(str(tmp_path), name, f"{name}:1")
    request = Request((f"playbooks/{name}/local.yml",), str(tmp_path), target=f"{name}/local", in_playbooks=True)
    assert [one for one in lint(request) if one.severity is Severity.ERROR] == []
    assert laid_out((tmp_path / started.files[0]).read_text(), "base.yml") == (tmp_path / started.files[0]).read_text()


def test_a_name_that_no_object_could_have_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    assert initialise(str(tmp_path), suggested("x" * 300)).target == f"{'x' * 40}/local"
    with pytest.raises(UsageError, match="has 41 characters"):
        initialise(str(tmp_path / "other"), "x" * 41)
    assert not (tmp_path / "other").exists()


def test_a_gitignore_that_is_no_text_is_told_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="can not be read as text"):
        initialise(str(tmp_path), "shop")
    assert [one.name for one in tmp_path.iterdir()] == [".gitignore"]
