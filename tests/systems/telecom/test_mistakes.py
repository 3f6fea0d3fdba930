"""The mistakes that the telecom system's description warns of: lint finds each, and finds none in our playbooks."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.systems.environment import PROVISION
from tests.systems.telecom.environment import PLAYBOOKS

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """\
name: mistakes
services:
  postgres:
    image: postgres:16-alpine
    environment: {POSTGRES_DB: telecom, POSTGRES_USER: telecom, POSTGRES_PASSWORD_FILE: /run/secrets/db_password}
    secrets: [db_password]
    volumes: ["pgdata:/var/lib/postgresql/data"]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1], interval: 2s}
    restart: unless-stopped
    deploy: {resources: {limits: {cpus: "1", memory: 256M}}}
  ingest:
    image: example.org/ingest:1.4.2
    environment: {DB_HOST: postgres}
    depends_on: {postgres: {condition: service_healthy}}
    healthcheck: {test: [CMD, "true"], interval: 2s}
    restart: unless-stopped
    deploy: {resources: {limits: {cpus: "1", memory: 256M}}}
secrets:
  db_password:
    env: TELECOM_DB_PASSWORD
    generate: {length: 32}
volumes:
  pgdata:
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("DB_HOST: postgres", "DB_HOST: localhost", id="localhost between containers"),
        pytest.param("image: postgres:16-alpine", "image: postgres:latest", id="an image that is not pinned"),
        pytest.param("image: postgres:16-alpine", "image: postgres", id="an image without a tag"),
        pytest.param("{postgres: {condition: service_healthy}}", "[postgres]", id="depends_on that does not wait"),
        pytest.param(
            '["pgdata:/var/lib/postgresql/data"]',
            '["pgdata:/var/lib/postgresql/data", "./sql:/docker-entrypoint-initdb.d:ro"]',
            id="init scripts beside a volume that may hold a database",
        ),
    ],
)
def test_a_mistake_is_found_on_its_line(tmp_path: Path, right: str, wrong: str) -> None:
    assert RIGHT.count(right) == 1
    text = RIGHT.replace(right, wrong)
    line = 1 + text[: text.index(wrong)].count("\n")
    (tmp_path / "sql").mkdir()
    before, after = _lint(tmp_path, RIGHT), _lint(tmp_path, text)
    assert f"playbook.yml:{line}:" not in before, before
    assert f"playbook.yml:{line}:" in after, after


@pytest.mark.parametrize("target", ["telecom/local", "telecom/dev", "telecom/prod"])
def test_our_own_playbooks_are_clean(target: str) -> None:
    done = _run(PLAYBOOKS.parents[1], "lint", target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing found" in done.stdout


def _lint(folder: Path, text: str) -> str:
    (folder / "playbook.yml").write_text(text, encoding="utf-8")
    return _run(folder, "-f", "playbook.yml", "lint").stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [str(PROVISION), "-C", str(folder), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
