"""Secrets that already exist: mounted files and the Swarm's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.model.secret import Found, Held, Missing, SecretRef, SecretValue
from provisioner.model.state import Facts
from provisioner.secrets.docker_tier import DockerTier
from tests.contract.secret_sources.settings import Swarm

if TYPE_CHECKING:
    from pathlib import Path

JWT = SecretRef("jwt", ("shop-prod_jwt", "jwt"), "JWT", "x", ("docker",))


class PlainEngine(Swarm):
    def facts(self) -> Facts:
        return Facts()

    def list(self, kind: str, labels: object) -> list[dict[str, object]]:
        raise AssertionError("a plain engine answers 503 when it is asked for secrets")


def fetch(folder: Path, engine: object, ref: SecretRef = JWT) -> object:
    return DockerTier(folder, engine).fetch([ref])[ref]  # type: ignore[arg-type]


def test_a_mounted_file_wins_over_the_swarm_since_it_has_the_value(tmp_path: Path) -> None:
    (tmp_path / "jwt").write_bytes(b"mounted\n")
    assert fetch(tmp_path, Swarm(["jwt"])) == Found(SecretValue(b"mounted\n"), "", "docker")


def test_the_environments_own_name_comes_before_the_plain_one(tmp_path: Path) -> None:
    assert fetch(tmp_path, Swarm(["jwt", "shop-prod_jwt"])) == Held(
        "shop-prod_jwt", version="id-shop-prod_jwt", created=1704164645.0
    )


def test_an_external_secret_is_the_engines_alone(tmp_path: Path) -> None:
    (tmp_path / "jwt").write_bytes(b"mounted")
    external = SecretRef("jwt", ("theirs",), "JWT", "x", ("docker",), external=True)
    answer = fetch(tmp_path, Swarm(["theirs"]), external)
    assert isinstance(answer, Held)
    assert answer.name == "theirs"


def test_a_plain_engine_has_no_secrets_and_is_not_asked(tmp_path: Path) -> None:
    answer = fetch(tmp_path, PlainEngine())
    assert isinstance(answer, Missing)
    assert "the engine is not a Swarm manager" in answer.tried[0]


@pytest.mark.parametrize("name", ["jwt2", "JWT", "shop-prod_jwt.abc", "_jwt", "j"])
def test_names_are_compared_exactly(tmp_path: Path, name: str) -> None:
    assert isinstance(fetch(tmp_path, Swarm([name])), Missing)
