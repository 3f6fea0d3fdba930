"""Files that are no playbooks of the project: an error has their position, and nothing of what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.document import Sources, read
from provisioner.errors import PlaybookInvalid

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "services: {web: {image: 'shop:1'}}\n"


@pytest.mark.parametrize("content", [
    "root:*:20228:0:canary:7::\n", "canary: x\n", "services: {web: {image: [canary]}}\n",
    "services:\n  canary: {x: 1\n",
    "services: {web: {image: '${canary'}}\n", "services: {web: {image: a, ports: [canary]}}\n", "- canary\n",
])  # fmt: skip
@pytest.mark.parametrize("how", ["include: [{}]\n", "extends: {}\n"])
def test_nothing_of_a_file_outside_the_project_is_told(
    content: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    foreign = tmp_path / "elsewhere"
    foreign.write_text(content)
    (tmp_path / "project" / "compose.yml").write_text(how.format(foreign) + SERVICE)
    with pytest.raises(PlaybookInvalid) as refused:
        read(Sources(("compose.yml",)))
    assert "canary" not in str(refused.value)
    assert str(foreign) in str(refused.value)


def test_a_key_that_is_no_identifier_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yml").write_text("'root:$6$canary:20228': x\n" + SERVICE)
    with pytest.raises(PlaybookInvalid) as refused:
        read(Sources(("compose.yml",)))
    assert str(refused.value).startswith("compose.yml:1:1: unknown key, which is no identifier")
    assert "canary" not in str(refused.value)
