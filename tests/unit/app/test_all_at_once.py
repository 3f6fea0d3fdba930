"""What is wrong with a playbook is told at once: by its files alone, by what they name, and by the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app import possible
from provisioner.errors import PlaybookInvalid, Unreachable
from tests.unit.app.in_memory import InMemory, in_memory, service

if TYPE_CHECKING:
    from pathlib import Path

# Refused by the file alone, for the engine, and for a file that can not be read.
WRONG = {"mem_limit": "1m", "isolation": "hyperv", "security_opt": ["seccomp=there-is-none.json"]}
FILE_ALONE, ENGINE, FILES = (
    "services.web.mem_limit", "services.web.isolation", "services.web.security_opt.0"
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InMemory:
    found = in_memory(tmp_path, monkeypatch)
    monkeypatch.setattr(possible, "open_engine", lambda request, choice: found.engine)
    return found


def paths(of: InMemory, act: str) -> list[str]:
    with pytest.raises(PlaybookInvalid) as caught:
        getattr(of, act)()
    return [str(problem.path) for problem in caught.value.problems]


@pytest.mark.parametrize("act", ["plan", "apply"])
@pytest.mark.parametrize(
    ("more", "further"),
    [
        ({}, []),
        ({"networks": {"n": {"name": "${NOBODY_SETS_IT}"}}}, ["networks.n.name"]),
    ],
)
def test_all_is_told_in_one_round(here: InMemory, act: str, more: dict[str, Any], further: list[str]) -> None:
    here.write({"name": "all", "services": {"web": service(**WRONG)}, **more})
    assert sorted(paths(here, act)) == sorted([FILE_ALONE, ENGINE, FILES, *further])


@pytest.mark.parametrize("act", ["plan", "apply"])
def test_files_are_told_together_where_nothing_else_is_wrong(here: InMemory, act: str) -> None:
    here.write(
        {
            "name": "all",
            "configs": {"app": {"file": "none.conf"}},
            "services": {
                "built": {"build": "none"},
                "web": service(configs=["app"], security_opt=["seccomp=there-is-none.json"]),
            },
        }
    )
    assert sorted(paths(here, act)) == ["configs.app.file", "services.built.build", FILES]


def test_without_an_engine_the_files_are_told_of(here: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(request: Any, choice: Any) -> Any:
        raise Unreachable("no engine answers")

    monkeypatch.setattr(possible, "open_engine", silent)
    here.write({"name": "all", "engine": {"mode": "containers"}, "services": {"web": service(**WRONG)}})
    assert sorted(paths(here, "plan")) == [FILE_ALONE, FILES]
