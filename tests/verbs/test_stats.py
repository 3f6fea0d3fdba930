"""`stats`: what containers use, as Docker writes it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.verbs.conftest import STANDING, Verbs

pytestmark = pytest.mark.engine


def test_figures_of_each_container(standing: Verbs) -> None:
    [busy] = standing.containers("other")
    busy.exec_run(["rm", "-f", "/tmp/enough"])
    busy.exec_run(["sh", "-c", "while [ ! -e /tmp/enough ]; do :; done"], detach=True)
    try:
        _figures(standing, busy)
    finally:
        busy.exec_run(["touch", "/tmp/enough"])


def _figures(standing: Verbs, busy: Any) -> None:
    environment = standing.environment
    done = environment.run("stats", "--no-stream")
    head, *rows = done.stdout.splitlines()
    assert re.split(r" {2,}", head) == [
        "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
    ]  # fmt: skip
    assert len(rows) == len(STANDING), rows
    one = json.loads(environment.run("stats", "--no-stream", "--format", "json", "other").stdout)
    assert one["ID"] == busy.id[:12]
    assert float(one["CPUPerc"].rstrip("%")) > 1
    assert int(one["PIDs"]) > 1
    # Others leave commands of their own behind in `web`.
    shown = environment.run("stats", "--no-stream", "--format", "{{.Name}}:{{.PIDs}}", "said").stdout
    assert shown == f"{standing.containers('said')[0].name}:1\n"
    wrong = environment.run("stats", "--no-stream", "--format", "{{.Nope}}", "web")
    assert wrong.code == 64
    assert "is not understood" in wrong.stderr
