"""Real Compose files come out as Compose prints them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.document import Sources, canonical, read

ROOT = Path(__file__).parents[2] / "corpus" / "awesome-compose"
HOME = "/home/somebody"


@pytest.mark.parametrize("folder", sorted(ROOT.iterdir()), ids=lambda folder: folder.name)
def test_a_stack_equals_what_compose_prints(folder: Path) -> None:
    (file,) = folder.glob("compose.y*ml")
    document = read(Sources(files=(str(file),), environment={"HOME": HOME}))
    expected = (folder / "expected.json").read_text().replace("@CORPUS@", str(ROOT)).replace("@HOME@", HOME)
    assert canonical(document) == json.loads(expected)


def test_all_stacks_are_there() -> None:
    assert len(list(ROOT.iterdir())) == 39
