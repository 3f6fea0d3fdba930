"""Much through `cp`, `exec` and `run`: byte for byte, and in memory that does not grow with it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.verbs.conftest import Verbs, service

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

_BLOCK = bytes(range(256)) * 4096
# Mebibytes: more than a process may take, and a gigabyte with `script/test --whole`.
_SIZES = (pytest.param(192, marks=pytest.mark.slow), pytest.param(1024, marks=pytest.mark.whole))
# Bytes that a process may take at most.
_MOST = 160 << 20
# Runs a command line and tells its own peak (getrusage, kibibytes) beside the exit code.
_MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def _write(path: Path, blocks: int) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for number in range(blocks):
            block = number.to_bytes(8, "big") + _BLOCK[8:]
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _measured(verbs: Verbs, *arguments: str, source: Path | None = None, target: Path | None = None) -> None:
    environment = verbs.environment
    line = [sys.executable, "-c", _MEASURED, *environment.arguments(*arguments)]
    with (
        (source or environment.folder / "compose.yaml").open("rb") as given,
        (target or environment.folder / "out").open("wb") as taken,
    ):
        done = subprocess.run(
            line, cwd=environment.folder, env=environment.surroundings(), stdin=given, stdout=taken,
            stderr=subprocess.PIPE, text=True, timeout=600, check=False,
        )  # fmt: skip
    code, peak = map(int, done.stderr.splitlines()[-1].split())
    assert code == 0, done.stderr
    assert peak * 1024 < _MOST, f"{arguments[0]} took {peak >> 10} MiB"


@pytest.mark.parametrize("mebibytes", _SIZES)
def test_it_goes_through_byte_for_byte_in_bounded_memory(verbs: Verbs, mebibytes: int) -> None:
    environment = verbs.environment
    # It keeps what it passes on.
    environment.proxy = None
    environment.services(web=service())
    environment.apply()
    big, back = environment.folder / "big", environment.folder / "back"
    digest = _write(big, mebibytes)
    _measured(verbs, "cp", str(big), "web:/big")
    _measured(verbs, "cp", "web:/big", str(back))
    assert _digest(back) == digest
    back.unlink()
    _measured(verbs, "exec", "-T", "web", "cat", "/big", target=back)
    assert _digest(back) == digest
    _measured(verbs, "exec", "-T", "web", "sh", "-c", "cat > /big2", source=big)
    assert environment.run("exec", "-T", "web", "cmp", "/big", "/big2").code == 0
    if not verbs.swarm:
        # A Swarm gives a task no input, and keeps what it says in its log.
        _measured(verbs, "run", "--rm", "-T", "--no-deps", "web", "cat", source=big, target=back)
        assert _digest(back) == digest
