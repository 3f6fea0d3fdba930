"""What Compose users type: ids of containers, one service by its bare name, a service beside one that can not be."""

from __future__ import annotations

import json

import pytest

from tests.engine.environment import Environment, service

pytestmark = pytest.mark.engine


def test_one_service_is_used_by_its_name_while_others_can_not_be(environment: Environment) -> None:
    # A menu of services, of which two never run at once: they have one host port.
    port = "127.0.0.1:39417:80"
    environment.services(web=service(), pg=service(ports=[port]), my=service(ports=[port]))
    refused = environment.run("plan")
    assert refused.code == 65
    assert "services.my.ports" in refused.stderr
    for target in ("service.web", "web", "pg"):
        assert environment.run("plan", "--target", target).code == 0

    environment.apply("--target", "pg")
    assert environment.plan("--target", "pg")["summary"]["unchanged"] > 0
    assert environment.apply("--target", "pg").summary["changed"] == 0
    shown = environment.run("ps", "-q")
    assert (shown.code, shown.stdout) == (0, f"{environment.container('pg-1').id}\n")
    assert environment.run("ps", "-q", "web").stdout == ""
    assert environment.run("exec", "-it", "pg", "true").code == 0
    assert "service.web" in environment.run("ps").stdout
    only = environment.run("ps", "pg").stdout
    assert "service.pg" in only
    assert "service.web" not in only
    environment.destroy()


def test_a_mount_whose_source_is_not_there_is_noted(environment: Environment) -> None:
    (environment.folder / "there").mkdir()
    environment.services(web=service(volumes=["./there:/a", "./typo:/b"]))
    plan = environment.run("plan", "--json")
    notes = json.loads(plan.stdout)["notes"]
    assert [note["path"] for note in notes if "does not exist" in note["message"]] == ["services.web.volumes.1"]
    assert not (environment.folder / "typo").exists()
    (environment.folder / "typo").mkdir()
    assert "does not exist" not in environment.run("plan").stdout


def test_everything_that_can_not_be_is_told_at_once(environment: Environment) -> None:
    environment.services(
        web=service(cpus=999, logging={"driver": "nope"}), job=service(mac_address="zz", labels={"a": "${NOPE}"})
    )
    first = environment.run("plan")
    assert first.code == 65
    assert "is no MAC address" in first.stderr
    assert "the variable NOPE is not set" in first.stderr
    environment.services(web=service(cpus=999, logging={"driver": "nope"}, runtime="nope"))
    for command in (("plan",), ("apply", "--yes")):
        refused = environment.run(*command)
        assert refused.code == 65
        assert all(f"services.web.{key}: " in refused.stderr for key in ("cpus", "logging.driver", "runtime"))
    assert environment.objects() & {environment.project} == set()


def test_what_compose_takes_without_a_word_is_made_once_and_kept(environment: Environment) -> None:
    # Ports in the network of the host, labels of Compose's own, keys that begin with no letter.
    own = {"com.docker.compose.project": "another", "com.example.mine": "1"}
    services = {
        "web": service(network_mode="host", ports=["39418:80"]), "_api": service(labels=own, volumes=["_data:/data"]),
    }  # fmt: skip
    environment.write({"services": services, "volumes": {"_data": None}})
    assert "services.web.ports: has no effect here" in environment.run("plan").stdout
    environment.apply()
    environment.require_inert()
    environment.destroy("--volumes", "--history")
    assert environment.objects() == set()
