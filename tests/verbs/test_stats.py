"""`stats`: what containers use, as Docker writes it."""

from __future__ import annotations

import json
import re

import pytest

from tests.verbs.conftest import Verbs, service

pytestmark = pytest.mark.engine


def test_figures_of_each_container(verbs: Verbs) -> None:
    environment = verbs.environment
    environment.services(web=service(), idle=service(command=["sh", "-c", "while :; do :; done"]))
    environment.apply()
    done = environment.run("stats", "--no-stream")
    head, *rows = done.stdout.splitlines()
    assert re.split(r" {2,}", head) == [
        "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
    ]  # fmt: skip
    assert len(rows) == 2
    one = json.loads(environment.run("stats", "--no-stream", "--format", "json", "idle").stdout)
    assert one["ID"] == verbs.containers("idle")[0].id[:12]
    assert float(one["CPUPerc"].rstrip("%")) > 1
    assert one["PIDs"] == "1"
    shown = environment.run("stats", "--no-stream", "--format", "{{.Name}}:{{.PIDs}}", "web").stdout
    assert shown == f"{verbs.containers('web')[0].name}:1\n"
    wrong = environment.run("stats", "--no-stream", "--format", "{{.Nope}}", "web")
    assert wrong.code == 64
    assert "is not understood" in wrong.stderr
