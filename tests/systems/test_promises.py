"""The promises.md of a system says for each promise of its description which test or check fails without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.systems.environment import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LISTS = sorted((ROOT / "tests" / "systems").glob("*/promises.md"))
# What a row without a test begins with: why there is none.
REASONS = ("Otherwise: ", "Nothing is promised", "Where no registry can be reached ")


class _Loader(yaml.SafeLoader):
    """Takes `!reset` and `!override` for what they stand before."""


def _untagged(loader: _Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else None


_Loader.add_multi_constructor("!", _untagged)


def test_every_system_has_its_list() -> None:
    systems = {file.parent.name.replace("-", "_") for file in (ROOT / "playbooks").glob("*/base.yml")}
    assert {file.parent.name for file in LISTS} == systems


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.parent.name)
def test_every_promise_has_a_check_or_a_reason(file: Path) -> None:
    rows = [
        line.strip("| ").split(" | ") for line in file.read_text(encoding="utf-8").splitlines() if line[:2] == "| "
    ][2:]
    assert len(rows) > 15
    checks = _checks(ROOT / "playbooks" / file.parent.name.replace("_", "-"))
    for promise, shown in rows:
        named = re.findall(r"`(verify: [^`]+|(?:\.\./)?test_\w+\.py::\w+)`", shown)
        assert named or shown.startswith(REASONS), promise
        assert [name for name in named if not _is_there(name, file.parent, checks)] == [], promise


def _is_there(name: str, folder: Path, checks: set[str]) -> bool:
    if name.startswith("verify: "):
        return name.removeprefix("verify: ") in checks
    module, _, function = name.partition("::")
    return re.search(rf"^def {function}\(", (folder / module).read_text(encoding="utf-8"), re.M) is not None


def _checks(playbooks: Path) -> set[str]:
    documents = [yaml.load(file.read_text(encoding="utf-8"), _Loader) for file in playbooks.glob("*.yml")]
    return {check["name"] for document in documents for check in document.get("verify") or ()}
