"""A plan is one look at the world: no question is asked twice, whoever answers it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, service

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine


@pytest.fixture
def git_calls(environment: Environment, tmp_path: Path) -> Path:
    """A file with one line for each git process that is started; the playbook is in a repository."""
    real, folder, calls = shutil.which("git"), tmp_path / "bin", tmp_path / "git-calls"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    subprocess.run(["git", "init", "-q"], cwd=environment.folder, check=True)
    (environment.folder / ".gitignore").write_text(".env*.local\n")
    return calls


def declared(project: str) -> dict[str, Any]:
    first = service(secrets=["one", "two"], configs=[{"source": "page", "target": "/page"}], volumes=["data:/data"])
    return {
        "services": {"first": first, "second": service(depends_on=["first"]), "third": service(ports=["80"])},
        "secrets": {
            "one": {"sources": ["env_local"]},
            "two": {"sources": ["env_local", "docker"], "generate": {}},
        },
        "configs": {"page": {"content": "hello"}},
        "volumes": {"data": {"name": f"{project}_data"}},
    }


def test_nothing_is_asked_twice(environment: Environment, git_calls: Path) -> None:
    environment.write(declared(environment.project))
    (environment.folder / ".env.local").write_text("ONE=first\n")
    (environment.folder / ".env.local").chmod(0o600)
    environment.apply()
    assert environment.proxy is not None
    path = f"{git_calls.parent / 'bin'}:{os.environ['PATH']}"
    for command in (["plan"], ["apply", "--yes"]):
        environment.proxy.clear()
        git_calls.write_text("")
        outcome = environment.run(*command, PATH=path)
        assert outcome.code == 0, outcome
        asked = Counter(f"{one.method} {one.path} {sorted(one.query.items())}" for one in environment.proxy.requests)
        assert {question: count for question, count in asked.items() if count > 1} == {}
        assert len(git_calls.read_text().splitlines()) == 1
