"""The tier `docker` on a real Swarm: what the engine holds is recognised by its exact name and never read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import docker
import pytest

from provisioner.engines.connect import choose_endpoint
from provisioner.engines.docker_api import connect
from provisioner.model.secret import Held, Missing, SecretRef
from provisioner.secrets.docker_tier import DockerTier

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine_in_container import Engines

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]


def ref(key: str) -> SecretRef:
    return SecretRef(key, (f"shop-prod_{key}", key), key.upper(), key, ("docker",))


@pytest.mark.parametrize("version", ["20.10", "28.5"])
def test_a_docker_secret_is_held_by_its_exact_name(engines: Engines, tmp_path: Path, version: str) -> None:
    nested = engines.start(version)
    engine = connect(
        choose_endpoint(host=nested.url, context=None, playbook_host=None, playbook_context=None, environment={})
    )
    tier = DockerTier(tmp_path, engine)
    refs = [ref("jwt"), ref("db"), ref("jw"), ref("JWT")]
    before = tier.fetch(refs)
    assert all(isinstance(answer, Missing) and "not a Swarm manager" in answer.tried[0] for answer in before.values())
    with contextlib.closing(docker.DockerClient(base_url=nested.url, timeout=30)) as client:
        client.swarm.init(advertise_addr="127.0.0.1")
        plain = client.api.create_secret("jwt", b"canary")["ID"]
        prefixed = client.api.create_secret("shop-prod_db", b"canary")["ID"]
    engine = connect(
        choose_endpoint(host=nested.url, context=None, playbook_host=None, playbook_context=None, environment={})
    )
    after = DockerTier(tmp_path, engine).fetch(refs)
    jwt, db = after[refs[0]], after[refs[1]]
    assert isinstance(jwt, Held)
    assert isinstance(db, Held)
    assert (jwt.name, jwt.version, db.name, db.version) == ("jwt", plain, "shop-prod_db", prefixed)
    assert jwt.created is not None
    assert isinstance(after[refs[2]], Missing)
    assert isinstance(after[refs[3]], Missing)
