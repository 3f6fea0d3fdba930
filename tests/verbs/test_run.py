"""`run`: one command with what its service has, in both modes. All but the last on one environment, in this order."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.engine.environment import interrupt
from tests.verbs.conftest import Verbs, service

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.engine


def _write(verbs: Verbs, **more: object) -> None:
    environment = verbs.environment
    (environment.folder / "token").write_text("s3cret-canary\n")
    playbook: Mapping[str, object] = {
        "services": {
            "db": service(),
            "web": service(
                depends_on=["db"], secrets=["token"], configs=["conf"], environment={"A": "1"}, volumes=["data:/data"],
                **more,
            ),
        },
        "secrets": {"token": {"file": "./token"}},
        "configs": {"conf": {"content": "hello\n"}},
        "volumes": {"data": {}},
    }  # fmt: skip
    environment.write(playbook)


def test_the_command_has_what_the_service_has_and_its_exit_code_is_the_runs(module: Verbs) -> None:
    _write(module)
    script = "cat /run/secrets/token /conf; echo $A $B; pwd; id -u; touch /data/x && ls /data; echo said >&2; exit 7"
    done = module.environment.run("run", "--rm", "-e", "B=2", "-w", "/tmp", "-u", "0", "web", "sh", "-c", script)
    assert done.code == 7, done
    assert done.stdout == "s3cret-canary\nhello\n1 2\n/tmp\n0\nx\n"
    assert done.stderr.splitlines()[-1] == "said"
    assert "s3cret" not in done.stderr
    assert module.one_offs() == []
    assert len(module.containers("db")) == 1
    assert module.containers("web") == []


def test_interrupted_it_leaves_nothing(module: Verbs) -> None:
    _write(module)
    process = module.environment.start("run", "web", "sh", "-c", "echo up; sleep 300")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        interrupt(process)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.communicate()
    deadline = time.monotonic() + 20
    while module.one_offs() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert module.one_offs() == []


def test_an_unknown_service_and_a_wrong_mount_are_said(module: Verbs) -> None:
    _write(module)
    done = module.environment.run("run", "wep", "true")
    assert done.code == 64
    assert "did you mean 'web'?" in done.stderr
    done = module.environment.run("run", "--no-deps", "-v", "data:/x:ro:more", "web", "true")
    assert done.code == 64, done
    assert "volumes" in done.stderr
    assert module.one_offs() == []


def test_piped_input_arrives_byte_for_byte_and_ends(module: Verbs) -> None:
    _write(module)
    content = bytes(range(256)) * 4096
    done = subprocess.run(
        module.environment.arguments("run", "--rm", "-T", "--no-deps", "web", "cat"), input=content, timeout=60,
        cwd=module.environment.folder, env=module.environment.surroundings(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if module.swarm:
        # It can not have any, and nobody is to believe that it had.
        assert (done.stdout, b"what is piped in is not read" in done.stderr) == (b"", True), done.stderr
    else:
        assert done.stdout == content


def test_detached_it_says_what_it_made(module: Verbs) -> None:
    _write(module)
    done = module.environment.run(
        "run", "-d", "--no-deps", "--name", f"{module.environment.project}-run-x", "web", "sleep", "60"
    )
    assert done.code == 0, done
    identity = done.stdout.strip()
    api = module.environment.engine.api
    found = api.inspect_service(identity)["Spec"]["Name"] if module.swarm else api.inspect_container(identity)["Name"]
    assert found.lstrip("/") == f"{module.environment.project}-run-x"
    # What runs once is no guest of others on the network: it goes with the environment.
    gone = module.environment.run("down", "-t", "1")
    assert gone.code == 0, gone
    # The container of a task ends in its own time.
    assert api.services(filters={"name": found}) == [] if module.swarm else module.one_offs() == []


def test_what_was_detached_is_shown_and_goes_at_its_end_where_that_is_asked_for(module: Verbs) -> None:
    _write(module)
    environment = module.environment
    kept, gone = (f"{environment.project}-run-{end}" for end in ("kept", "gone"))
    assert environment.run("run", "-d", "--no-deps", "--name", kept, "web", "sleep", "0").code == 0
    done = environment.run("run", "-d", "--rm", "--no-deps", "--name", gone, "web", "sleep", "600")
    assert done.code == 0, done
    assert ("waits for `down`" in done.stderr) == module.swarm
    for name, words, shown in (
        (gone, ["-a"], True), (kept, ["-a", "web"], True), (kept, ["--status", "exited"], True),
        (gone, ["-a", "db"], False), (gone, ["--status", "paused"], False),
    ):  # fmt: skip
        _shown(module, name, *words, there=shown)
    if not module.swarm:
        environment.engine.containers.get(gone).kill()
        _shown(module, gone, "-a", there=False)
        _shown(module, kept, "-a", there=True)
    assert environment.run("down", "-t", "1").code == 0


def _shown(verbs: Verbs, name: str, *words: str, there: bool) -> None:
    """`ps` comes to show it under its service, or not: what ends and begins does so in its own time."""
    deadline = time.monotonic() + 30
    while True:
        said = verbs.environment.run("ps", "--format", "{{.Name}} {{.Service}}", *words)
        names = [line.split(".")[0].split()[0] for line in said.stdout.splitlines() if line.endswith(" web")]
        if (name in names) == there:
            return
        assert time.monotonic() < deadline, said
        time.sleep(0.2)


def test_nothing_that_runs_is_changed_and_a_later_apply_does_not_know_of_it(module: Verbs) -> None:
    _write(module)
    module.environment.apply()
    [before] = module.containers("web")
    done = module.environment.run("run", "--no-deps", "--entrypoint", "echo", "web", "a", "b c")
    assert (done.code, done.stdout) == (0, "a b c\n"), done
    [kept] = module.one_offs()
    assert kept.startswith(f"{module.environment.project}{'_' if module.swarm else '-'}web-run-")
    assert [one.id for one in module.containers("web")] == [before.id]
    assert module.environment.plan()["changes"] == []
    assert module.environment.run("ps", "-q", "web").stdout == f"{before.id}\n"
    # What it left does not stand in the way of a destroy, and goes with it.
    module.environment.destroy("--volumes")
    assert module.one_offs() == []


def test_it_is_one_task_however_many_the_service_has(module: Verbs) -> None:
    once = (
        "run",
        "--rm",
        "-T",
        "--no-deps",
        "web",
        "sh",
        "-c",
        "echo once >> /data/runs; cat /data/runs; rm /data/runs",
    )
    quick = service()["deploy"]
    numbers: dict[str, tuple[Mapping[str, object], int | None]] = {"none is kept": ({}, 0)}
    if module.swarm:
        numbers |= {
            "three are kept": ({}, 3),
            "declared": ({"deploy": {**quick, "replicas": 3}}, None),
            "everywhere": ({"deploy": {**quick, "mode": "global"}}, None),
        }
    for how, (more, kept) in numbers.items():
        _write(module, **more)
        if kept is not None:
            done = module.environment.run("scale", "--no-deps", f"web={kept}")
            assert done.code == 0, done
        done = module.environment.run(*once)
        assert (done.code, done.stdout) == (0, "once\n"), (how, done)
        assert "the Swarm began this command" not in done.stderr
    module.environment.destroy("--volumes")


def test_a_fixed_address_and_a_published_port_are_left_to_the_service(verbs: Verbs) -> None:
    if verbs.swarm:
        pytest.skip("services of a Swarm have no fixed addresses")
    environment = verbs.environment
    subnet, _ = environment.subnets
    address = subnet.rpartition(".")[0] + ".5"
    port = "127.0.0.1:39418:80"
    own = f"{environment.project}-own"
    web = service(networks={"n": {"ipv4_address": address}}, ports=[port], container_name=own)
    environment.write({
        "services": {"web": web},
        "networks": {"n": {"ipam": {"config": [{"subnet": subnet}]}}},
    })  # fmt: skip
    environment.apply()
    done = environment.run("run", "--rm", "web", "hostname", "-i")
    assert done.code == 0, done
    assert done.stdout.strip() not in ("", address)
    environment.destroy()
