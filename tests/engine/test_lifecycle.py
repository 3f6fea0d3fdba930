"""Environments from nothing to nothing: order, replicas, jobs, volumes, what is kept and what goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Environment, addresses, differences, service

if TYPE_CHECKING:
    from tests.engine.decoys import Decoys

pytestmark = pytest.mark.engine


def job(command: str, **more: Any) -> dict[str, Any]:
    return {"image": "busybox:1.36", "command": ["sh", "-c", command], **more}


def after(name: str, condition: str) -> dict[str, Any]:
    return {"depends_on": {name: {"condition": condition}}}


def test_from_nothing_to_nothing(environment: Environment, decoys: Decoys) -> None:
    others = environment.objects()
    environment.write(
        {
            "services": {
                "web": service(volumes=["data:/data"], networks=["front", "back"]),
                "worker": service(networks=["back"], volumes=["/scratch"]),
            },
            "networks": {"front": {}, "back": {}},
            "volumes": {"data": {}},
        }
    )
    applied = environment.apply()
    assert applied.summary["changed"] == 5
    environment.container("web-1").exec_run(["sh", "-c", "echo kept > /data/file"])
    environment.require_inert()

    destroyed = environment.destroy()
    assert destroyed.summary["changed"] == 4
    left = environment.objects() - others
    assert {name for name in left if not name.endswith("_data")} == {environment.ledger}
    assert environment.destroy().summary["changed"] == 0

    environment.apply()
    assert environment.container("web-1").exec_run(["cat", "/data/file"]).output == b"kept\n"
    environment.destroy("--volumes")
    assert environment.objects() - others == {environment.ledger}
    forgotten = environment.destroy("--volumes", "--history")
    assert "history.revisions" in forgotten.text
    assert environment.objects() - others == set()


def test_destroy_with_volumes_takes_anonymous_ones_along(environment: Environment) -> None:
    before = set(_volumes(environment))
    environment.services(web=service(volumes=["/scratch"]))
    environment.apply()
    assert len(set(_volumes(environment)) - before) >= 1
    mine = environment.container("web-1").attrs["Mounts"][0]["Name"]
    environment.destroy("--volumes")
    assert mine not in _volumes(environment)


def _volumes(environment: Environment) -> list[str]:
    return [one["Name"] for one in environment.engine.api.volumes()["Volumes"] or ()]


def test_anonymous_volumes_stay_with_a_replaced_container(environment: Environment) -> None:
    environment.services(web=service(volumes=["/scratch"]))
    environment.apply()
    before = environment.container("web-1")
    before.exec_run(["sh", "-c", "echo kept > /scratch/file"])
    environment.services(web=service(volumes=["/scratch"], environment={"NEW": "1"}))
    environment.apply()
    now = environment.container("web-1")
    assert now.id != before.id
    assert now.exec_run(["cat", "/scratch/file"]).output == b"kept\n"
    environment.require_inert()


def test_a_volume_gets_a_name_in_the_place_of_one_without(environment: Environment) -> None:
    environment.services(web=service(volumes=["/scratch", "/other"]))
    environment.apply()
    before = {mount["Destination"]: mount["Name"] for mount in environment.container("web-1").attrs["Mounts"]}
    named = f"{environment.project}_data"
    environment.write({"services": {"web": service(volumes=["data:/scratch", "/other"])}, "volumes": {"data": None}})
    assert f"what is in the volume {before['/scratch']} at /scratch stays there" in environment.run("plan").stdout
    environment.apply()
    environment.require_inert()
    now = {mount["Destination"]: mount["Name"] for mount in environment.container("web-1").attrs["Mounts"]}
    assert now == {"/scratch": named, "/other": before["/other"]}
    assert before["/scratch"] in _volumes(environment), "what was in the one without a name is still there"
    environment.destroy("--volumes", "--history")
    environment.engine.volumes.get(before["/scratch"]).remove()


@pytest.mark.parametrize("protected", [False, True])
def test_a_volume_that_is_gone_is_an_alarm(protected: bool, environment: Environment) -> None:
    """An empty volume is no substitute for the one with the data: that is said, and refused for a protected one."""
    declared = {"services": {"db": service(volumes=["data:/data"])}, "volumes": {"data": {"protect": protected}}}
    environment.write(declared)
    environment.apply()
    environment.container("db-1").remove(force=True)
    environment.engine.volumes.get(f"{environment.project}_data").remove()

    told = environment.run("plan")
    assert "its data with it" in told.stdout, told
    environment.apply(code=1 if protected else 0)
    made = [name for name in environment.objects() if name == f"volume {environment.project}_data"]
    assert len(made) == (0 if protected else 1)


def test_replicas_up_and_down(environment: Environment, decoys: Decoys) -> None:
    environment.services(web=service(deploy={"replicas": 3}))
    environment.apply()
    before = environment.inventory()
    environment.require_inert()

    environment.services(web=service(deploy={"replicas": 1}))
    plan = environment.plan()
    assert differences(plan) == [("service.web", "replicas")]
    assert environment.apply().summary["changed"] == 1
    now = environment.inventory()
    assert now[f"container {environment.project}-web-1"] == before[f"container {environment.project}-web-1"]
    assert f"container {environment.project}-web-2" not in now
    environment.require_inert()

    scaled = environment.apply("--scale", "web=2")
    assert scaled.summary["changed"] == 1
    environment.require_inert("--scale", "web=2")


def test_one_replica_removed_by_hand(environment: Environment) -> None:
    environment.services(web=service(deploy={"replicas": 3}))
    environment.apply()
    untouched = environment.container("web-1").id
    environment.container("web-2").remove(force=True)
    plan = environment.plan()
    assert differences(plan) == [("service.web", "replicas")]
    assert plan["changes"][0]["drift"] is True
    environment.apply()
    assert environment.container("web-1").id == untouched
    environment.require_inert()


def test_one_replica_changed_by_hand(environment: Environment) -> None:
    environment.services(web=service(deploy={"replicas": 2}))
    environment.apply()
    environment.container("web-2").stop(timeout=0)
    plan = environment.plan()
    assert differences(plan) == [("service.web[2]", "state")]
    # Who or what stopped it is not known.
    assert [change["reason"] for change in plan["changes"]] == ["not running: exited (137)"]
    environment.apply()
    environment.require_inert()


def test_a_service_that_is_no_longer_declared(environment: Environment, decoys: Decoys) -> None:
    environment.services(web=service(), old=service())
    environment.apply()
    environment.services(web=service())
    plan = environment.plan()
    assert plan["changes"] == []
    assert [note["path"] for note in plan["notes"]] == ["service.old[1]"]
    assert "--prune" in plan["notes"][0]["hint"]
    assert environment.apply().summary["changed"] == 0
    environment.require_inert()
    assert environment.container("old-1").status == "running"

    pruned = environment.apply("--prune")
    assert pruned.summary["changed"] == 1
    assert f"container {environment.project}-old-1" not in environment.objects()
    environment.require_inert("--prune")


def test_a_target_prunes_nothing_else(environment: Environment) -> None:
    environment.services(web=service(), other=service())
    environment.apply()
    environment.services(web=service(environment={"NEW": "1"}), other=service())
    environment.apply("--target", "service.web", "--prune")
    assert environment.container("other-1").status == "running"
    assert environment.apply().summary["changed"] == 0
    environment.require_inert()


def test_profiles(environment: Environment) -> None:
    environment.services(web=service(), extra=service(profiles=["more"]))
    environment.apply()
    assert f"container {environment.project}-extra-1" not in environment.objects()
    assert list(addresses(environment.plan("--profile", "more"))) == ["service.extra"]
    environment.apply("--profile", "more")
    environment.require_inert("--profile", "more")
    assert environment.apply().summary["changed"] == 0
    environment.require_inert()
    assert environment.container("extra-1").status == "running"


# Order -----------------------------------------------------------------------------------------------------------


def test_conditions_of_dependencies_hold_before_a_service_starts(environment: Environment) -> None:
    marks = "data:/data"
    environment.write(
        {
            "services": {
                "store": service(
                    command=["sh", "-c", "sleep 0.5; touch /data/ready; exec sleep infinity"],
                    healthcheck={"test": ["CMD", "test", "-e", "/data/ready"], "interval": "0.2s", "retries": 100},
                    volumes=[marks],
                ),
                "migrate": job("test -e /data/ready && sleep 0.5 && touch /data/migrated",
                               volumes=[marks], **after("store", "service_healthy")),
                "web": service(command=["sh", "-c", "test -e /data/migrated && exec sleep infinity"],
                               volumes=[marks], **after("migrate", "service_completed_successfully")),
                "page": service(command=["sh", "-c", "exec sleep infinity"], **after("web", "service_started")),
            },
            "volumes": {"data": {}},
        }
    )  # fmt: skip
    environment.apply()
    started = {
        name: environment.container(f"{name}-1").attrs["State"]["StartedAt"] for name in ("web", "page", "migrate")
    }
    assert started["migrate"] < started["web"] < started["page"]
    environment.require_inert()


def test_a_failed_job_keeps_what_waits_for_it_from_starting(environment: Environment) -> None:
    environment.services(
        migrate=job("echo the table exists; exit 3"),
        web=service(**after("migrate", "service_completed_successfully")),
    )
    failed = environment.apply(code=1)
    assert "it exited with code 3" in failed.errors
    assert "the table exists" in failed.errors
    assert f"container {environment.project}-web-1" in environment.objects()
    assert environment.container("web-1").status == "created"

    environment.services(migrate=job("true"), web=service(**after("migrate", "service_completed_successfully")))
    environment.apply()
    assert environment.container("web-1").status == "running"
    environment.require_inert()


COUNT = "echo run >> /data/runs"


@pytest.mark.parametrize(("kind", "runs"), [("on_change", [1, 1, 2]), ("once", [1, 1, 1]), ("always", [1, 2, 3])])
def test_when_a_job_runs_again(kind: str, runs: list[int], environment: Environment) -> None:
    def declared(note: str) -> dict[str, Any]:
        counter = job(COUNT, volumes=["data:/data"], environment={"NOTE": note}, job={"run": kind})
        return {"services": {"reader": service(volumes=["data:/data"]), "counter": counter}, "volumes": {"data": {}}}

    seen = []
    for note in ("first", "first", "second"):
        environment.write(declared(note))
        environment.apply()
        output = environment.container("reader-1").exec_run(["cat", "/data/runs"]).output
        seen.append(output.count(b"run"))
    assert seen == runs


def test_what_runs_before_a_container(environment: Environment) -> None:
    """In order, with its mounts and networks, once; one that fails is kept, and the running one goes on."""

    def declared(second: str, **more: Any) -> dict[str, Any]:
        before = [
            {"image": "busybox:1.36", "command": ["sh", "-c", "echo one >> /data/log"], "user": "root"},
            {"command": ["sh", "-c", second], "environment": {"WORD": "two"}},
        ]
        return {
            "services": {"web": service(pre_start=before, volumes=["data:/data"], networks=["front", "back"], **more)},
            "networks": {"front": {}, "back": {}},
            "volumes": {"data": {}},
        }

    def log() -> bytes:
        output: bytes = environment.container("web-1").exec_run(["cat", "/data/log"]).output
        return output

    good = 'echo "$$WORD" >> /data/log'
    environment.write(declared(good))
    environment.apply()
    assert log() == b"one\ntwo\n"
    environment.require_inert()
    assert [name for name in environment.objects() if "initial" in name] == []

    before = environment.container("web-1").id
    environment.write(declared("echo no luck; exit 4", deploy={"replicas": 2}))
    failed = environment.apply(code=3)
    kept = f"{environment.project}-web-1.initial.2"
    assert f"{kept}, failed and is kept: it exited with code 4" in failed.errors
    assert "no luck" in failed.errors
    assert f"container {kept}" in environment.objects()
    assert (environment.container("web-1").id, environment.container("web-1").status) == (before, "running")

    environment.write(declared(good, deploy={"replicas": 2}, environment={"NEW": "1"}))
    environment.apply()
    assert log() == b"one\ntwo\none\none\ntwo\n"
    assert [name for name in environment.objects() if "initial" in name] == []
    environment.require_inert()


# Sharing ---------------------------------------------------------------------------------------------------------


def test_a_service_in_the_network_of_another_goes_with_it(environment: Environment) -> None:
    environment.services(web=service(), probe=service(network_mode="service:web"))
    environment.apply()
    environment.require_inert()
    web = environment.container("web-1")
    assert environment.container("probe-1").attrs["HostConfig"]["NetworkMode"] == f"container:{web.id}"

    environment.services(web=service(environment={"NEW": "1"}), probe=service(network_mode="service:web"))
    plan = environment.plan()
    assert differences(plan) == [("service.web", "environment.NEW")]
    assert {change["address"]: change["reason"] for change in plan["changes"]}["service.probe"] == (
        "service.web is replaced, and it lives in it"
    )
    environment.apply()
    web = environment.container("web-1")
    assert environment.container("probe-1").attrs["HostConfig"]["NetworkMode"] == f"container:{web.id}"
    environment.require_inert()

    web.stop(timeout=0)
    plan = environment.plan()
    assert differences(plan) == [("service.probe", "network"), ("service.web", "state")]
    assert [change["address"] for change in plan["changes"]] == ["service.probe", "service.web"]
    environment.apply()
    interfaces = environment.container("probe-1").exec_run(["ip", "addr"]).output
    assert b"eth0" in interfaces, "it was left in a network namespace that is gone"
    environment.require_inert()


def test_a_container_with_the_name_of_its_service(environment: Environment) -> None:
    """Its name is one of its aliases then."""
    name = f"{environment.project}-same"
    environment.services(**{name: service(container_name=name), "other": service()})
    environment.apply()
    environment.require_inert()
    assert environment.container("other-1").exec_run(["nslookup", name]).exit_code == 0


@pytest.mark.parametrize("mode", ["host", "none", "bridge"])
def test_network_modes_of_the_engine(mode: str, environment: Environment) -> None:
    environment.services(web=service(network_mode=mode))
    environment.apply()
    environment.require_inert()
    environment.services(web=service())
    assert differences(environment.plan())[0] == ("service.web", "network_mode")
    environment.apply()
    environment.require_inert()


def test_external_networks_and_volumes(environment: Environment) -> None:
    project = environment.project
    playbook = {
        "services": {"web": service(networks=["shared"], volumes=["stock:/stock"])},
        "networks": {"shared": {"external": True, "name": f"{project}ext_net"}},
        "volumes": {"stock": {"external": True, "name": f"{project}ext_stock"}},
    }
    environment.write(playbook)
    refused = environment.run("apply", "--yes")
    assert refused.code == 1
    assert f"the external network {project}ext_net does not exist" in refused.stdout + refused.stderr
    assert f"the external volume {project}ext_stock does not exist" in refused.stdout + refused.stderr

    network = environment.engine.networks.create(f"{project}ext_net")
    volume = environment.engine.volumes.create(f"{project}ext_stock")
    before = volume.attrs
    environment.apply()
    environment.require_inert()
    environment.destroy("--volumes")
    network.reload()
    assert environment.engine.volumes.get(volume.name).attrs == before


# Strangers -------------------------------------------------------------------------------------------------------


def test_strangers_with_the_same_names_are_refused_before_anything_is_touched(environment: Environment) -> None:
    api, project = environment.engine.api, environment.project
    api.create_network(f"{project}_default")
    api.create_volume(f"{project}_data", labels={"com.docker.compose.project": "shop"})
    api.create_container("busybox:1.36", ["true"], name=f"{project}-web-1", labels={"provisioner.environment": "other"})
    environment.write({"services": {"web": service(volumes=["data:/data"])}, "volumes": {"data": {}}})
    before = environment.inventory()
    refused = environment.run("apply", "--yes", "--json")
    assert refused.code == 1
    messages = {one["path"]: one["message"] for one in refused.lines[0]["refusals"]}
    assert "somebody else" in messages["network.default"]
    assert "the Compose project shop" in messages["volume.data"]
    assert "service.web[1]" in messages
    assert environment.proxy is not None
    assert environment.proxy.mutating == []
    assert environment.inventory() == before


def test_a_network_with_guests_is_not_taken_away_under_them(environment: Environment) -> None:
    environment.write({"services": {"web": service()}, "networks": {"default": {"labels": {"a": "1"}}}})
    environment.apply()
    api = environment.engine.api
    guest = api.create_container("busybox:1.36", ["sleep", "infinity"], name=f"{environment.project}guest")["Id"]
    api.start(guest)
    api.connect_container_to_network(guest, f"{environment.project}_default")
    before = environment.inventory()
    environment.write({"services": {"web": service()}, "networks": {"default": {"labels": {"a": "2"}}}})
    refused = environment.run("apply", "--yes", "--json")
    assert refused.code == 1
    assert f"{environment.project}guest" in json.dumps(refused.lines[0]["refusals"])
    assert environment.inventory() == before
    api.remove_container(guest, force=True)
    environment.apply()
    environment.require_inert()


def test_a_hand_made_network_is_found_and_left(environment: Environment) -> None:
    environment.services(web=service())
    environment.apply()
    extra = environment.engine.networks.create(f"{environment.project}extra")
    extra.connect(environment.container("web-1"))
    plan = environment.plan()
    assert differences(plan) == [("service.web", f"networks.{environment.project}extra")]
    assert plan["changes"][0]["drift"] is True
    environment.apply()
    extra.reload()
    assert extra.attrs["Containers"] == {}
    environment.require_inert()


def test_a_one_shot_that_nobody_awaits_has_done_its_work(environment: Environment) -> None:
    """Exit code 0 under a policy that starts nothing again is what was asked for; it runs again when it is changed."""
    once = {name: job("true", **more) for name, more in {
        "no": {"restart": "no"}, "limited": {"restart": "on-failure:3"}, "silent": {},
        "deployed": {"deploy": {"restart_policy": {"condition": "on-failure"}}},
    }.items()}  # fmt: skip
    slow = job("sleep 2", restart="on-failure")
    environment.services(app=service(depends_on=["no"]), slow=slow, **once)
    environment.apply()
    # It runs, or ends just now: neither is a change.
    assert environment.apply().summary["changed"] == 0
    assert environment.run("drift").code == 0
    for name in (*once, "slow"):
        assert environment.container(f"{name}-1").wait()["StatusCode"] == 0
    environment.require_inert()
    assert environment.run("status").stdout.count("finished, exit 0") == len(once) + 1

    environment.services(app=service(depends_on=["no"]), slow=slow, **once | {"no": job("echo again", restart="no")})
    environment.apply()
    assert environment.container("no-1").logs() == b"again\n"
    environment.require_inert()


def test_a_one_shot_that_fails_is_a_failure(environment: Environment) -> None:
    environment.services(once=job("exit 3", restart="no"))
    assert "exited with code 3" in environment.apply(code=1).errors
    environment.services(once=job("true", expose=["80"]))
    assert "`job: {run: on_change}`" in environment.apply(code=1).errors
