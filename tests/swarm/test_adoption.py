"""A stack of `docker stack deploy` becomes an environment's without a restarted task, with its own file or another."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.swarm.environment import SwarmEnvironment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]


def stack(environment: SwarmEnvironment, value: str = "1") -> dict[str, Any]:
    """The stack file, as a playbook for a Swarm too. A busy machine's engine loses a task now and then as it starts it
    (exit code 137): `max_failure_ratio` lets an update get over that."""
    (environment.folder / "page.html").write_text("costs $5\n")
    (environment.folder / "token.txt").write_text("s3")
    return {
        "services": {
            "web": {
                "image": "busybox:1.36", "command": ["sleep", "infinity"], "stop_signal": "SIGKILL",
                "networks": {"back": {"aliases": ["www"]}, "default": None},
                "environment": {"A": value, "API_TOKEN": "t0p"}, "labels": {"c": "d"},
                "configs": [{"source": "page", "target": "/page.html"}],
                "secrets": [{"source": "token", "mode": 0o400, "uid": "7"}],
                "volumes": ["data:/data", "/etc/hosts:/hosts:ro",
                            {"type": "tmpfs", "target": "/scratch", "tmpfs": {"size": 65536}}],
                "healthcheck": {"test": ["CMD", "true"], "interval": "1s"}, "extra_hosts": ["db:10.0.0.1"],
                "stop_grace_period": "3s", "logging": {"driver": "json-file", "options": {"max-size": "1m"}},
                "deploy": {"replicas": 2, "labels": {"a": "b"}, "endpoint_mode": "dnsrr",
                           "resources": {"limits": {"memory": "64M"}, "reservations": {"cpus": "0.01"}},
                           "restart_policy": {"condition": "on-failure", "max_attempts": 5},
                           "update_config": {"parallelism": 2, "monitor": "100ms", "max_failure_ratio": 1},
                           "placement": {"constraints": ["node.role == manager"]}},
            },
            "agent": {"image": "busybox:1.36", "command": "sleep infinity", "stop_signal": "SIGKILL",
                      "deploy": {"mode": "global", "endpoint_mode": "dnsrr"}},
        },
        "networks": {"back": {"attachable": True, "labels": {"n": "m"}}, "default": {}},
        "volumes": {"data": {"labels": {"v": "w"}}},
        "configs": {"page": {"file": "./page.html"}},
        "secrets": {"token": {"file": "./token.txt"}},
    }  # fmt: skip


def deploy(environment: SwarmEnvironment) -> None:
    """`docker stack deploy`, as a user runs it."""
    file = environment.folder / "stack.json"
    file.write_text(json.dumps({"version": "3.8", **stack(environment)}))
    line = ["docker", "stack", "deploy", "-c", str(file), "--resolve-image", "never", environment.project]
    done = subprocess.run(
        line, env=environment.surroundings(), cwd=environment.folder, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    environment.wait_until(lambda: len(running(environment)) == 3, within=60)


def running(environment: SwarmEnvironment) -> set[str]:
    return {task["ID"] for name in ("web", "agent") for task in environment.tasks(name)}


def verdicts(environment: SwarmEnvironment, **variables: str) -> set[str]:
    adopted = environment.run("adopt", "--yes", "--json", **variables)
    assert adopted.code == 0, adopted
    told = json.loads(adopted.stdout)
    assert not any("uses it too" in note["message"] for note in told["notes"]), told["notes"]
    return {one["verdict"] for one in told["objects"]}


def test_a_stack_is_adopted_without_a_restarted_task(environment: SwarmEnvironment) -> None:
    environment.write(stack(environment))
    deploy(environment)
    before = running(environment)
    refused = environment.run("plan")
    assert refused.code == 1
    assert "belong to the stack" in refused.stdout
    assert "`provision adopt -f compose.yaml` takes them over as they are" in refused.stdout

    assert verdicts(environment) == {"adopt"}
    assert environment.plan()["changes"] == []
    assert environment.apply().summary["changed"] == 0
    assert running(environment) == before
    assert environment.service("web")["Spec"]["Labels"]["com.docker.stack.namespace"] == environment.project

    environment.write(stack(environment, "2"))
    environment.apply()
    assert environment.plan()["changes"] == []
    assert environment.run("rollback", "--yes").code == 0
    environment.write(stack(environment))
    assert environment.plan()["changes"] == []
    kept = running(environment)
    released = environment.run("adopt", "--release", "--yes")
    assert released.code == 0, released
    assert environment.run("plan").code == 1
    assert running(environment) == kept
    assert verdicts(environment) == {"adopt"}
    assert environment.plan()["changes"] == []

    # A file that leaves out what the stack's own said of updates: it is taken anew as it runs, once.
    says = stack(environment)
    del says["services"]["web"]["deploy"]["update_config"]
    environment.write(says)
    assert {change["address"] for change in environment.plan()["changes"]} == {"service.web"}
    again = environment.run("adopt", "--yes", "--json")
    assert again.code == 0, again
    told = json.loads(again.stdout)
    assert [one["address"] for one in told["adopted"]] == ["service.web"]
    assert "update_config.parallelism" in str([row["settled"] for row in told["objects"]])
    assert environment.plan()["changes"] == []
    assert json.loads(environment.run("adopt", "--yes", "--json").stdout)["adopted"] == []
    assert running(environment) == kept
    environment.destroy("--volumes")


def test_what_changes_no_task_restarts_none_of_an_adopted_stack(environment: SwarmEnvironment) -> None:
    """Another tool writes the same task in another form: sent in our own, all tasks would be made anew for it."""
    environment.write(stack(environment))
    deploy(environment)
    assert verdicts(environment) == {"adopt"}
    template, before = environment.service("web")["Spec"]["TaskTemplate"], running(environment)
    says = stack(environment)
    says["services"]["web"]["deploy"] |= {"replicas": 3, "labels": {"a": "c"}, "rollback_config": {"delay": "1s"}}
    says["services"]["agent"]["deploy"]["update_config"] = {"monitor": "1s"}
    environment.write(says)
    told = environment.run("plan").stdout
    assert told.count("update in place: ") == 2, told
    environment.apply()
    assert environment.plan()["changes"] == []
    assert environment.service("web")["Spec"]["TaskTemplate"] == template
    assert running(environment) > before

    environment.write(stack(environment))
    environment.apply()
    assert environment.plan()["changes"] == []
    assert environment.run("rollback", "--yes").code == 0
    assert environment.service("web")["Spec"]["Mode"]["Replicated"]["Replicas"] == 3
    assert environment.service("web")["Spec"]["TaskTemplate"] == template
    assert len(running(environment) & before) >= 2, "a Swarm scales down whichever it likes"

    kept = running(environment)
    environment.write(stack(environment, "2"))
    told = environment.run("plan").stdout
    assert "update, its tasks are made anew: " in told
    environment.apply()
    assert environment.plan()["changes"] == []
    assert not {task["ID"] for task in environment.tasks("web")} & kept
    environment.destroy("--volumes")


def test_what_a_stack_was_can_be_gone_back_to_though_the_file_says_something_else(
    environment: SwarmEnvironment,
) -> None:
    deploy(environment)
    before = environment.service("web")["Spec"]["TaskTemplate"]
    says = stack(environment, "2")
    web = says["services"]["web"]
    web |= {"labels": {"c": "e"}, "command": ["sleep", "1000"], "networks": ["back"]}
    web["deploy"] |= {"replicas": 1, "labels": {"a": "c"}, "resources": {"limits": {"memory": "32M"}}}
    says["services"]["new"] = says["services"]["agent"] | {"networks": ["more"]}
    environment.write(says | {"networks": {**says["networks"], "more": {}}})
    adopted = environment.run("adopt", "--yes", "--json")
    assert adopted.code == 0, adopted
    assert json.loads(adopted.stdout)["revision"] == 1, adopted.stdout
    environment.apply()
    assert environment.plan()["changes"] == []
    assert environment.run("rollback", "--yes", "--prune").code == 0
    after = environment.service("web")["Spec"]
    assert after["TaskTemplate"]["ContainerSpec"]["Labels"]["c"] == "d"
    for part in ("Env", "Args"):
        assert after["TaskTemplate"]["ContainerSpec"][part] == before["ContainerSpec"][part], part
    assert after["TaskTemplate"]["Resources"]["Limits"] == before["Resources"]["Limits"]
    assert after["Mode"]["Replicated"]["Replicas"] == 2
    environment.write(stack(environment))
    assert environment.plan()["changes"] == []
    environment.destroy("--volumes")


def test_a_stack_is_imported_and_adopted(environment: SwarmEnvironment) -> None:
    deploy(environment)
    before = running(environment)
    imported = environment.run("import", "--running", environment.project, "--json")
    assert imported.code == 0, imported
    told = json.loads(imported.stdout)
    assert (told["file"], told["services"]) == ("compose.yaml", ["agent", "web"])
    assert any("API_TOKEN" in note for note in told["notes"])
    text = (environment.folder / "compose.yaml").read_text()
    assert "t0p" not in text
    assert verdicts(environment, API_TOKEN="t0p") == {"adopt"}
    plan = environment.run("plan", "--json", API_TOKEN="t0p")
    assert json.loads(plan.stdout)["changes"] == []
    assert running(environment) == before
    assert environment.run("destroy", "--volumes", "--yes", API_TOKEN="t0p").code == 0
    # What is external is not this environment's: it is never removed.
    assert any(one["Spec"]["Name"] == f"{environment.project}_token" for one in environment.engine.api.secrets())


def test_a_service_of_another_name_is_mapped_and_keeps_it(environment: SwarmEnvironment) -> None:
    """No Swarm can rename a service."""
    body = {"image": "busybox:1.36", "command": ["sleep", "infinity"], "stop_signal": "SIGKILL",
            "deploy": {"endpoint_mode": "dnsrr", "update_config": {"monitor": "100ms"}}}  # fmt: skip
    environment.write({"services": {"web": body}})
    environment.apply()
    identity = environment.service("web")["ID"]
    assert environment.run("destroy", "--yes").code == 0
    name = f"{environment.project}-by-hand"
    made = environment.engine.services.create(
        "busybox:1.36", name=name, args=["sleep", "infinity"], stop_signal="SIGKILL",
        networks=[environment.engine.networks.create(f"{environment.project}_default", driver="overlay").id],
    )  # fmt: skip
    assert made.id != identity
    environment.wait_until(lambda: any(one["Status"]["State"] == "running" for one in made.tasks()))
    adopted = environment.run("adopt", "--yes", "--map", f"service.web={name}")
    assert adopted.code == 0, adopted
    environment.apply()
    environment.require_inert()
    body["environment"] = {"A": "1"}
    environment.write({"services": {"web": body}})
    environment.apply()
    environment.require_inert()
    assert environment.engine.services.get(made.id).name == name
    environment.destroy()
    assert environment.engine.services.list(filters={"name": name}) == []
