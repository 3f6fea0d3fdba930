"""What `config --no-…` leaves out of a reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.document import Sources, canonical, read
from provisioner.document.sources import CONSISTENCY, ENVIRONMENT, INTERPOLATION, NORMALISATION

ROOT = Path(__file__).parents[2] / "corpus" / "awesome-compose"

FILE = """
name: shop
services:
  web:
    image: "busybox:${TAG:-1.36}"
    build: ./${CONTEXT:-web}
    command: echo ${HELLO} $$PATH
    environment: {A: "${A:-x}", B: $$literal}
    env_file: [web.env]
    ports: ["${ADDRESS:-127.0.0.1}:81:81", "80:80"]
    volumes: ["${DATA:-./data}:/data:ro", "./x:/y/${Z}"]
    networks: ["${NETWORK:-front}"]
    depends_on: ["${DATABASE}"]
    mem_limit: ${MEMORY:-64m}
    healthcheck: {test: "curl ${URL}", interval: "${INTERVAL}"}
    deploy: {replicas: "${REPLICAS}"}
networks:
  front: {}
"""


def _read(folder: Path, text: str, *without: str) -> Any:
    (folder / "compose.yaml").write_text(text)
    sources = Sources(files=(str(folder / "compose.yaml"),), without=frozenset(without))
    return canonical(read(sources))


def test_variables_stay_as_they_are_written(tmp_path: Path) -> None:
    tree = _read(tmp_path, FILE, INTERPOLATION)
    web = tree["services"]["web"]
    assert web["image"] == "busybox:${TAG:-1.36}"
    assert web["build"] == {"context": f"{tmp_path}/${{CONTEXT:-web}}", "dockerfile": "Dockerfile"}
    assert web["command"] == "echo ${HELLO} $$PATH"
    assert web["environment"] == {"A": "${A:-x}", "B": "$$literal"}
    assert web["env_file"] == [{"path": f"{tmp_path}/web.env", "required": True}]
    assert web["ports"] == ["${ADDRESS:-127.0.0.1}:81:81", "80:80"]
    assert web["volumes"][0] == "${DATA:-./data}:/data:ro"
    assert (web["volumes"][1]["source"], web["volumes"][1]["target"]) == (f"{tmp_path}/x", "/y/${Z}")
    assert list(web["networks"]) == ["${NETWORK:-front}"]
    assert list(web["depends_on"]) == ["${DATABASE}"]
    assert (web["mem_limit"], web["deploy"]["replicas"]) == ("${MEMORY:-64m}", "${REPLICAS}")
    assert web["healthcheck"] == {"test": "curl ${URL}", "interval": "${INTERVAL}"}
    # What a variable may name is kept, though nothing seems to use it.
    assert "front" in tree["networks"]


@pytest.mark.parametrize("folder", sorted(ROOT.iterdir()), ids=lambda folder: folder.name)
def test_a_document_with_its_variables_reads_like_the_files(folder: Path, tmp_path: Path) -> None:
    (file,) = folder.glob("compose.y*ml")
    written = canonical(read(Sources(files=(str(file),), without=frozenset({INTERPOLATION}))))
    again = tmp_path / "compose.json"
    again.write_text(json.dumps(written))
    dotenv = tuple(str(one) for one in folder.glob(".env"))
    whole = canonical(read(Sources(files=(str(file),))))
    assert canonical(read(Sources(files=(str(again),), env_files=dotenv))) == whole


def test_env_files_implied_objects_and_checks_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "web.env").write_text("E=1\n")
    text = "name: shop\nservices:\n  web: {image: a, env_file: web.env, environment: [X]}\n"
    web = _read(tmp_path, text, ENVIRONMENT)["services"]["web"]
    assert web["environment"] == {"X": None}
    assert web["env_file"] == [{"path": f"{tmp_path}/web.env", "required": True}]
    assert "networks" not in _read(tmp_path, text, NORMALISATION)["services"]["web"]
    lost = "services:\n  web: {image: a, networks: [nowhere]}\n"
    assert list(_read(tmp_path, lost, CONSISTENCY)["services"]["web"]["networks"]) == ["nowhere"]


def test_env_files_see_the_environment_of_their_service(tmp_path: Path) -> None:
    """Compose 2.40.3: the service's own variables before those of an earlier file."""
    (tmp_path / "one.env").write_text("A=file\n")
    (tmp_path / "two.env").write_text("E=${A}z\n")
    text = "services:\n  web: {image: a, env_file: [one.env, two.env], environment: {A: own}}\n"
    assert _read(tmp_path, text)["services"]["web"]["environment"] == {"A": "own", "E": "ownz"}
