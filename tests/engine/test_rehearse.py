"""Rehearsals on a real engine: a good archive is proven, a bad one told, and nothing is left or touched."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import service
from tests.engine.test_backup import archives, fill, playbook, take

if TYPE_CHECKING:
    from tests.engine.environment import Environment, Outcome

pytestmark = pytest.mark.engine

CHECKS = [
    {"name": "rows", "exec": {"service": "store", "command": ["sh", "-c", "wc -l < /rows/table"], "stdout": "1000"}},
    {"name": "page", "http": {"url": "http://localhost:1/"}},
]


def real(environment: Environment, **more: Any) -> dict[str, tuple[str, ...]]:
    """An environment with data, an archive and checks; what the engine holds of it."""
    environment.write(playbook(verify=CHECKS, secrets={"key": {"generate": {}}}, **more))
    environment.apply("--no-verify")
    fill(environment)
    take(environment)
    return environment.inventory()


def rehearse(environment: Environment, *arguments: str) -> Outcome:
    return environment.run("rehearse", "--latest", *arguments, timeout=400)


def test_a_good_archive_is_proven_and_nothing_is_left(environment: Environment) -> None:
    before = real(environment)
    files = sorted(path.name for path in environment.folder.rglob("*"))
    done = rehearse(environment, "--json")
    assert done.code == 0, done
    proven = json.loads(done.stdout)
    assert (proven["proven"], [check["name"] for check in proven["checks"]]) == (True, ["rows"])
    assert proven["skipped"] == ["page"]
    assert environment.inventory() == before
    assert sorted(path.name for path in environment.folder.rglob("*")) == files


@pytest.mark.parametrize("fault", ["dump", "restore", "image", "secret", "rows"])
def test_a_bad_one_is_told(environment: Environment, fault: str) -> None:
    before = real(environment)
    book = playbook(verify=CHECKS)
    if fault == "dump":
        file = environment.folder / "archives" / archives(environment)[0] / "service.store.dump"
        file.write_bytes(file.read_bytes()[:-100])
    elif fault == "restore":
        book["services"]["store"]["backup"]["restore"] = ["sh", "-c", "exit 5"]
    elif fault == "image":
        book["services"]["keeper"]["image"] = f"{environment.project}-gone:1"
    elif fault == "secret":
        book["services"]["keeper"]["secrets"] = ["gone"]
        book["secrets"] = {"gone": {"file": "./gone.txt"}}
    else:
        book["services"]["store"]["backup"]["restore"] = ["sh", "-c", "head -n 10 > /rows/table"]
    environment.write(book)
    done = rehearse(environment)
    said = {"dump": "is damaged", "restore": "exit code 5", "image": "-gone:1", "secret": "gone",
            "rows": "rows"}[fault]  # fmt: skip
    assert (done.code, said in done.text) == ({"secret": 77}.get(fault, 1), True), done
    assert environment.inventory() == before


def test_what_can_not_stand_twice_is_refused(environment: Environment) -> None:
    real(environment)
    book = playbook(volumes={"files": {"external": True, "name": f"{environment.project}_files"}, "rows": {}})
    book["services"]["keeper"]["network_mode"] = "host"
    environment.write(book)
    before = environment.inventory()
    done = rehearse(environment)
    assert done.code == 65, done
    assert "volumes.files is external" in done.stderr
    assert "services.keeper.network_mode" in done.stderr
    assert environment.inventory() == before


def test_what_a_killed_one_has_left_goes_with_the_next(environment: Environment) -> None:
    before = real(environment)
    files = sorted(path.name for path in environment.folder.rglob("*"))
    process = environment.start("rehearse", "--latest")
    until = time.monotonic() + 120
    while f"container {environment.project}-rehearsal-store-1" not in environment.objects():
        assert time.monotonic() < until and process.poll() is None, process.communicate()
    process.kill()
    process.communicate()
    assert environment.inventory() != before
    done = rehearse(environment)
    assert (done.code, "which a rehearsal that was killed has left" in done.stderr) == (0, True), done
    assert environment.inventory() == before
    assert sorted(path.name for path in environment.folder.rglob("*")) == files


def test_another_environment_of_that_name_is_not_touched(environment: Environment) -> None:
    real(environment)
    mine = (environment.folder / "compose.yaml").read_text()
    other = {"name": f"{environment.project}-rehearsal", "services": {"a": service(volumes=["rows:/rows"])}}
    environment.write({**other, "volumes": {"rows": {}}})
    environment.apply()
    before = environment.inventory()
    environment.write(mine)
    refused = rehearse(environment)
    said = f"another environment is called {environment.project}-rehearsal"
    assert (refused.code, said in refused.stderr) == (1, True), refused
    assert environment.inventory() == before
