"""`config` with a service or for one part of the document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.cli.process import provision, write

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
name: shop
services:
  db:
    image: busybox:${DB_TAG:-1.36}
    volumes: ["data:/data"]
    networks: [inner]
  web:
    image: busybox:1.36
    depends_on: [db]
    environment: {A: "${A:?say it}", B: "${B:+there}", C: $C}
    networks: [inner, outer]
  other:
    image: busybox:1.36
    networks: [outer]
    volumes: ["more:/more"]
  tool:
    image: busybox:1.36
    profiles: [tools, more]
volumes: {data: {}, more: {}}
networks: {inner: {}, outer: {}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "compose.yaml", FILE)
    write(tmp_path, ".env", "A=1\nC=3\n")
    return tmp_path


def test_a_service_with_what_it_needs(folder: Path) -> None:
    found = json.loads(provision("config", "--format", "json", "db", cwd=folder).stdout)
    assert list(found["services"]) == ["db"]
    assert list(found["volumes"]) == ["data"]
    assert list(found["networks"]) == ["inner"]
    found = json.loads(provision("config", "--format", "json", "web", cwd=folder).stdout)
    assert sorted(found["services"]) == ["db", "web"]
    wrong = provision("config", "wep", cwd=folder)
    assert wrong.returncode == 64
    assert "did you mean 'web'?" in wrong.stderr


def test_parts(folder: Path) -> None:
    assert provision("config", "--profiles", cwd=folder).stdout == "more\ntools\n"
    assert provision("config", "--networks", cwd=folder).stdout == "inner\nouter\n"
    rows = [line.split() for line in provision("config", "--variables", cwd=folder).stdout.splitlines()[1:]]
    assert rows == [["A", "true"], ["B", "false", "there"], ["C", "false"], ["DB_TAG", "false", "1.36"]]
    shown = provision("config", "--environment", cwd=folder).stdout.splitlines()
    assert {"A=1", "C=3"} <= set(shown)


def test_a_hash_is_of_one_service_alone(folder: Path) -> None:
    before = dict(line.split() for line in provision("config", "--hash", "*", cwd=folder).stdout.splitlines())
    assert sorted(before) == ["db", "other", "web"]
    write(folder, "compose.yaml", FILE.replace("DB_TAG:-1.36", "DB_TAG:-1.37"))
    after = dict(line.split() for line in provision("config", "--hash", "db,web", cwd=folder).stdout.splitlines())
    assert after["db"] != before["db"]
    assert after["web"] == before["web"]
    assert provision("config", "--hash", "wep", cwd=folder).returncode == 64


def test_it_is_written_to_a_file(folder: Path) -> None:
    done = provision("config", "-o", "out.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert provision("config", "-f", "out.yaml", "-q", cwd=folder).returncode == 0
    # Folders on the way are made, as of every -o.
    assert provision("config", "-o", "new/out.yaml", cwd=folder).returncode == 0
    assert (folder / "new" / "out.yaml").exists()
    refused = provision("config", "-o", "out.yaml/below", cwd=folder)
    assert (refused.returncode, "out.yaml/below can not be written" in refused.stderr) == (1, True)


def test_what_a_reading_leaves_out(tmp_path: Path) -> None:
    write(tmp_path, "more.env", "B=2\n")
    body = "name: shop\nservices:\n  web: {image: 'busybox:1.36', env_file: more.env, ports: ['80:80']%s}\n"
    write(tmp_path, "compose.yaml", body % "")

    def shown(*options: str) -> dict[str, Any]:
        done = provision("config", "--format", "json", *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["services"]["web"]
        return found

    assert shown()["environment"] == {"B": "2"}
    assert "environment" not in shown("--no-env-resolution")
    assert "networks" in shown()
    assert "networks" not in shown("--no-normalize")
    write(tmp_path, "compose.yaml", body % ", volumes: ['data:/data']")
    refused = provision("config", "-q", cwd=tmp_path)
    assert refused.returncode == 65
    assert "no volume 'data' is declared" in refused.stderr
    assert provision("config", "-q", "--no-consistency", cwd=tmp_path).returncode == 0
