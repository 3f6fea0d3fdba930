"""Clones on a real engine: the data of one environment in another, masked before anybody can reach them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.command_line import carry_out
from tests.engine.environment import Environment, Outcome, service
from tests.engine.test_backup import fill, run_in
from tests.engine.test_restore import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.engine

MASK = ["sh", "-c", "sed -i s/^/masked-/ /rows/table"]


def document(name: str, mask: Sequence[str] = MASK) -> dict[str, Any]:
    """A service with rows that are masked, in a network of others too and on a port, and one with files."""
    backup = {
        "command": ["sh", "-c", "cat /rows/table"], "restore": ["sh", "-c", "cat > /rows/table"], "replaces": ["rows"],
        "mask": [*mask],
    }  # fmt: skip
    store = service(volumes=["rows:/rows"], backup=backup, ports=["127.0.0.1::8080"])
    return {
        "name": name,
        "services": {"keeper": service(volumes=["files:/data"]), "store": store},
        "volumes": {"files": {}, "rows": {}},
        "backup": {"to": "./archives"},
    }


class Pair:
    """The environment and its copy, in files of one folder."""

    def __init__(self, source: Environment) -> None:
        self.source = source
        name = f"{source.project}-copy"
        self.target = Environment(source.folder, name, source.engine, source.url, source.proxy)

    def write(self, mask: Sequence[str] = MASK) -> None:
        for one, file in ((self.source, "source"), (self.target, "target")):
            (one.folder / f"{file}.yaml").write_text(json.dumps(document(one.project, mask)))

    def run(self, *arguments: str, code: int = 0) -> Outcome:
        ended = carry_out(arguments, folder=self.source.folder, environment=self.source.surroundings())
        outcome = Outcome(ended.code, ended.stdout, ended.stderr)
        assert outcome.code == code, outcome
        return outcome

    def clone(self, *arguments: str, code: int = 0) -> Outcome:
        return self.run("clone", "source.yaml", "target.yaml", "--yes", *arguments, code=code)

    def of_source(self) -> dict[str, tuple[str, ...]]:
        """What the engine holds of the source alone, whose name begins the target's too."""
        return {name: what for name, what in self.source.inventory().items() if self.target.project not in name}

    def rows(self) -> str:
        return run_in(self.target, "store", "head -n 2 /rows/table")


@pytest.fixture
def pair(environment: Environment) -> Iterator[Pair]:
    """A source with data, and a target that is not there yet."""
    both = Pair(environment)
    both.write()
    both.run("apply", "source.yaml", "--yes")
    fill(environment)
    yield both
    both.run("destroy", "target.yaml", "--yes", "--volumes", "--history")


def test_masked_data_in_another_environment(pair: Pair) -> None:
    looked = pair.run("clone", "source.yaml", "target.yaml", "--check")
    assert "Masked before anybody can reach the data, in this order: store" in looked.stdout
    assert not list(pair.source.folder.glob("archives/*"))
    assert pair.target.objects() == set()
    before = pair.of_source()
    done = json.loads(pair.clone("--json").stdout)
    assert (done["restored"], done["masks"]) == (True, ["store"])
    assert pair.rows() == "masked-1\nmasked-2\n"
    assert run_in(pair.target, "keeper", STATE) == run_in(pair.source, "keeper", STATE)
    assert run_in(pair.source, "store", "head -n 1 /rows/table") == "1\n"
    assert pair.of_source() == before
    assert pair.target.container("store-1").attrs["HostConfig"]["PortBindings"]
    assert json.loads(pair.run("plan", "target.yaml", "--json").stdout)["pending"] is False
    run_in(pair.target, "store", "echo own > /rows/table")
    refused = pair.clone(code=1)
    assert "volume.rows holds data" in refused.stdout
    pair.write(mask=["sh", "-c", "head -n 1 /rows/table; exit 7"])
    failed = pair.clone("--replace", code=1)
    assert "could not be masked" in failed.stderr, failed
    assert "the data of before are back" in failed.stderr, failed
    assert run_in(pair.target, "store", "cat /rows/table") == "own\n"


@pytest.mark.parametrize("way", ["finished", "undone"])
def test_killed_while_the_data_are_masked(pair: Pair, way: str) -> None:
    pair.run("apply", "target.yaml", "--yes")
    run_in(pair.target, "store", "echo own > /rows/table")
    pair.write(mask=["sh", "-c", "sleep 60"])
    process = subprocess.Popen(
        [sys.executable, "-m", "provisioner", "clone", "source.yaml", "target.yaml", "--yes", "--replace"],
        cwd=pair.source.folder, env=pair.source.surroundings(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    said, until = "", time.monotonic() + 120
    while "are masked" not in said:
        assert time.monotonic() < until and process.poll() is None, said
        said += process.stderr.readline()
    process.kill()
    process.communicate()
    assert not pair.target.container("store-1").attrs["HostConfig"]["PortBindings"], "nobody can reach it"
    pair.write()
    refused = pair.run("apply", "target.yaml", "--yes", code=1)
    assert "`provision clone source.yaml target.yaml --replace` finishes it" in refused.text
    shown = pair.run("status", "target.yaml", "--exit-code", code=3)
    assert "A restore did not come to its end" in shown.stdout
    if way == "finished":
        pair.clone("--replace")
        assert pair.rows() == "masked-1\nmasked-2\n"
    else:
        pair.run("restore", "--undo", "target.yaml", "--yes")
        assert run_in(pair.target, "store", "cat /rows/table") == "own\n"
    assert "Data of before" in pair.run("status", "target.yaml").stdout or way == "undone"
    pair.run("apply", "target.yaml", "--yes")
