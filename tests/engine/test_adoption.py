"""What Compose brought up on a real engine becomes an environment's as it is; its own requests are played back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests import compose_shapes
from tests.compose_recording import Recording
from tests.corpus_adoption import STACKS, Stack, play, remove_compose_project, stack_at

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
# A build, secrets, health checks and several networks; capabilities and sysctls: enough for every run.
QUICK = ("nginx-golang-mysql", "wireguard")


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in STACKS])
def test_a_stack_of_the_corpus_is_adopted_changed_rolled_back_and_released(
    name: str, engine: docker.DockerClient, engine_url: str, project: str, tmp_path: Path
) -> None:
    assert Recording.exists(f"corpus-{name}")
    with stack_at(name, engine, engine_url, project, tmp_path) as stack:
        proof = stack.prove(play)
    assert proof.well, proof


def test_a_project_of_many_shapes_is_adopted_and_imported(
    engine: docker.DockerClient, engine_url: str, project: str, tmp_path: Path
) -> None:
    """Half of it runs, and beside it a container of `docker compose run`, and one of a service that is gone."""
    folder, apart = tmp_path / project, tmp_path / "imported"
    folder.mkdir()
    apart.mkdir()
    compose_shapes.lay_out(folder, project)
    shapes = Stack("shapes", folder, project, engine, engine_url, compose_shapes.ARGUMENTS)
    imported = Stack("shapes", apart, project, engine, engine_url, ())
    try:
        engine.networks.create(f"{project}-outside-own")
        engine.volumes.create(f"{project}-outside-own")
        Recording.load(compose_shapes.NAME).play(engine, project=project, folder=folder)
        labels = {"com.docker.compose.project": project, "com.docker.compose.container-number": "1"}
        for name, service, one_off in (("once", "web", "True"), ("orphan", "gone", "False")):
            more = {"com.docker.compose.service": service, "com.docker.compose.oneoff": one_off}
            engine.containers.run(
                "busybox:1.36", ["sleep", "infinity"], name=f"{project}-{name}-own", labels={**labels, **more},
                stop_signal="SIGKILL", detach=True,
            )  # fmt: skip
        before = shapes.running()
        # The file says something else in many places: what runs is kept all the same, to go back to.
        said = (folder / "compose.yaml").read_text()
        (folder / "compose.yaml").write_text(_otherwise(said))
        other = json.loads(shapes.provision("adopt", "--yes", "--json"))
        assert other["revision"] == 1, other["notes"]
        pending = json.loads(shapes.provision("plan", "--json"))["changes"]
        assert {one["address"] for one in pending} >= {"service.web", "service.db", "service.worker"}
        assert not [one["address"] for one in pending if one["drift"]]
        shapes.provision("adopt", "--release", "--yes")
        (folder / "compose.yaml").write_text(said)
        told = json.loads(shapes.provision("adopt", "--yes", "--json"))
        assert {one["verdict"] for one in told["objects"]} == {"adopt"}, told
        notes = " ".join(note["message"] for note in told["notes"])
        assert "it is one of `docker compose run`" in notes
        assert "declares no service gone" in notes
        # Before 24.0 an engine takes the last change in a volume for the volume's creation.
        assert engine.containers.get(f"{project}-database-own").exec_run(["touch", "/data/new"]).exit_code == 0
        assert shapes.pending() == ()
        assert shapes.running() == before
        # Adopting twice changes nothing.
        again = json.loads(shapes.provision("adopt", "--yes", "--json"))
        assert again["adopted"] == []
        shapes.provision("adopt", "--release", "--yes")

        imported.provision("import", "--running", project)
        assert f"name: {project}-outside-own\n    external: true" in (apart / "compose.yaml").read_text()
        adopted = json.loads(imported.provision("adopt", "--yes", "--json"))
        assert {one["verdict"] for one in adopted["objects"]} == {"adopt"}, adopted
        assert imported.pending() == ()
        assert imported.running() == before

        imported.provision("adopt", "--release", "--yes")
        engine.containers.get(f"{project}-worker-2").stop(timeout=0)
        engine.containers.get(f"{project}-debug-1").remove(force=True)
        half = json.loads(shapes.provision("adopt", "--yes", "--json"))
        verdicts = {one["address"]: one["verdict"] for one in half["objects"]}
        assert verdicts["service.debug[1]"] == "not found"
        assert verdicts["service.worker[2]"] == "adopt, and change at the next apply"
        shapes.provision("apply", "--yes")
        assert shapes.pending() == ()
        left = {key: value for key, value in shapes.running().items() if key in before}
        assert {key for key, value in left.items() if value != before[key]} <= {
            key for key, value in before.items() if value[0] == f"/{project}-worker-2"
        }

        # All of it is stopped, as by `docker compose stop`: adopted as it is, and started by the next apply.
        shapes.provision("adopt", "--release", "--yes")
        ids = set(shapes.running())
        for identity in ids:
            engine.containers.get(identity).stop(timeout=0)
        stopped = json.loads(shapes.provision("adopt", "--yes", "--json"))
        found = {one["address"]: [d["path"] for d in one["differences"]] for one in stopped["objects"]}
        assert found["service.web[1]"] == found["service.db[1]"] == found["service.worker[3]"] == ["state"]
        assert stopped["revision"] is None
        shapes.provision("apply", "--yes")
        assert shapes.pending() == ()
        assert set(shapes.running()) == ids
    finally:
        remove_compose_project(engine, project)


def _otherwise(text: str) -> str:
    """The file with other mounts beside its configs and secrets, other links, networks and limits."""
    document = json.loads(text)
    services = document["services"]
    services["web"] |= {"volumes": ["./token.txt:/other.txt:ro"], "links": ["db:lines"], "mem_limit": "96m"}
    services["web"]["networks"] = {"front": {"aliases": ["edge"], "ipv4_address": "10.213.77.11"}}
    services["db"] |= {"volumes": ["data:/data2"], "networks": ["back"], "init": False}
    services["worker"] |= {"links": [], "devices": [], "restart": "always", "sysctls": {"net.core.somaxconn": 512}}
    del services["web"]["mac_address"]
    return json.dumps(document)
