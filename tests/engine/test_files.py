"""Configs and secrets as files of containers: every byte, its owner and its mode, and nothing left in the way."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import pytest

from tests.engine.environment import Environment, differences, service
from tests.recording_proxy import RecordingProxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.decoys import Decoys
    from tests.engine_in_container import Engines

pytestmark = pytest.mark.engine

BINARY = bytes(range(256)) * 3
VALUES = {"one_byte": b"x", "binary": BINARY, "lines": b"a\nb$HOME ${X}\r\n\n", "letters": "žluťoučký 🐎".encode()}


def _read(environment: Environment, path: str, container: str = "web-1") -> bytes:
    output: bytes = environment.container(container).exec_run(["cat", path]).output
    return output


def test_secrets_arrive_byte_for_byte_with_owner_and_mode(environment: Environment, decoys: Decoys) -> None:
    for name, value in VALUES.items():
        (environment.folder / name).write_bytes(value)
    uses: list[Any] = [{"source": name, "uid": "1234", "gid": "4321", "mode": 0o400} for name in VALUES]
    uses.append({"source": "binary", "target": "/etc/app/elsewhere", "mode": 0o440})
    web = service(secrets=uses, read_only=True, user="1234:4321")
    environment.write({"services": {"web": web}, "secrets": {name: {"file": f"./{name}"} for name in VALUES}})
    environment.apply()
    for name, value in VALUES.items():
        assert _read(environment, f"/run/secrets/{name}") == value
        stat = environment.container("web-1").exec_run(["stat", "-c", "%u:%g %a", f"/run/secrets/{name}"]).output
        assert stat.strip() == b"1234:4321 400"
    stat = environment.container("web-1").exec_run(["stat", "-c", "%u:%g %a", "/etc/app/elsewhere"]).output
    assert stat.strip() == b"0:0 440"
    environment.require_inert()
    environment.container("web-1").restart(timeout=0)
    assert _read(environment, "/run/secrets/binary") == BINARY
    assert [name for name in environment.objects() if "carrier" in name] == []


def test_files_beside_a_mount_behind_a_link_of_the_image(engines: Engines, project: str, tmp_path: Path) -> None:
    """As of who reads the engine's socket. Engines from 28.5 on refuse each look into it."""
    nested = engines.start("28.5")
    with (
        contextlib.closing(docker.DockerClient(base_url=nested.url, timeout=60)) as engine,
        contextlib.closing(RecordingProxy(nested.url)) as proxy,
    ):
        environment = Environment(tmp_path, project, engine, nested.url, proxy)

        def declare(content: str) -> None:
            web = service(
                image="debian:12-slim", volumes=["/var/run/docker.sock:/var/run/docker.sock:ro"],
                configs=[{"source": "app", "target": "/etc/app/app.conf"}],
            )  # fmt: skip
            environment.write({"services": {"web": web}, "configs": {"app": {"content": content}}})

        declare("one")
        environment.apply()
        with pytest.raises(docker.errors.APIError, match=r"path escapes from parent|file exists"):
            environment.container("web-1").get_archive("/etc/app/app.conf")
        for content in ("one", "two"):
            declare(content)
            environment.apply()
            assert _read(environment, "/etc/app/app.conf") == content.encode()
            assert environment.container("web-1").exec_run(["test", "-S", "/var/run/docker.sock"]).exit_code == 0
            environment.require_inert()


def test_files_that_do_not_arrive_make_no_container(environment: Environment) -> None:
    """Neither the container nor what was to fill its volume is left, and the next apply fills that."""
    environment.write({"services": {"web": service(configs=["app"])}, "configs": {"app": {"content": "port = 80\n"}}})
    assert environment.proxy is not None
    environment.proxy.fail(
        1, "status:500", times=100,
        where=lambda request: request.method == "GET" and request.query.get("path", [""])[0].startswith("/files/"),
    )  # fmt: skip
    failed = environment.run("apply", "--yes", "--json")
    assert failed.code == 1, failed
    containers = {one for one in environment.objects() if one.startswith("container")}
    assert containers == {f"container {environment.project}.ledger"}
    environment.proxy.clear()
    environment.apply()
    assert _read(environment, "/app") == b"port = 80\n"
    environment.require_inert()


def test_half_a_megabyte(environment: Environment) -> None:
    value = (b"0123456789abcdef" * 32000)[:500_000]
    (environment.folder / "large").write_bytes(value)
    environment.write({"services": {"web": service(secrets=["large"])}, "secrets": {"large": {"file": "./large"}}})
    environment.apply()
    assert _read(environment, "/run/secrets/large") == value


def test_a_secret_is_nowhere_else(environment: Environment) -> None:
    value = "canary-5f1e-value"
    (environment.folder / "token").write_text(value)
    environment.write({"services": {"web": service(secrets=["token"])}, "secrets": {"token": {"file": "./token"}}})
    planned, applied = environment.run("plan", "--json"), environment.apply("-v")
    for text in (planned.text, applied.text):
        assert value not in text
    api = environment.engine.api
    everything = api.volumes()["Volumes"]
    for one in api.containers(all=True):
        with contextlib.suppress(docker.errors.NotFound):  # somebody else's, and gone by now
            everything.append(api.inspect_container(one["Id"]))
    assert value not in json.dumps(everything)
    assert environment.proxy is not None
    carried = [request.path for request in environment.proxy.requests if value.encode() in request.body]
    assert len(carried) == 1
    assert carried[0].endswith("/archive")


def test_a_seccomp_profile_is_sent_and_compared_by_what_it_says(environment: Environment) -> None:
    """Its path is relative to the playbook; a file that is missing or broken is told before anything is done."""

    def profile(forbidden: str, indent: int | None = None) -> str:
        rules = [{"names": [forbidden], "action": "SCMP_ACT_ERRNO"}]
        return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}, indent=indent)

    environment.services(web=service(security_opt=["seccomp:./strict.json"]))
    missing = environment.run("apply", "--yes")
    assert missing.code == 65
    assert "the seccomp profile ./strict.json can not be read" in missing.text
    assert "compose.yaml:" in missing.text
    (environment.folder / "strict.json").write_text("{not json")
    assert "can not be used: line 1" in environment.run("plan").text
    assert environment.objects() == set()

    (environment.folder / "strict.json").write_text(profile("mkdir"))
    environment.apply()
    refused = environment.container("web-1").exec_run(["mkdir", "/tmp/x"])
    assert (refused.exit_code, b"not permitted" in refused.output) == (1, True)
    environment.require_inert()
    (environment.folder / "strict.json").write_text(profile("mkdir", indent=4))
    environment.require_inert()

    (environment.folder / "strict.json").write_text(profile("chmod"))
    assert differences(environment.plan()) == [("service.web", "security_opt")]
    environment.apply()
    assert environment.container("web-1").exec_run(["mkdir", "/tmp/x"]).exit_code == 0
    environment.require_inert()


@pytest.mark.parametrize("target", ["/etc/app.conf", "/app.conf", "/run/configs/app.conf"])
def test_configs_stand_where_they_are_wanted(target: str, environment: Environment) -> None:
    web = service(configs=[{"source": "app", "target": target}], read_only=True)
    environment.write({"services": {"web": web}, "configs": {"app": {"content": "port = 80\n"}}})
    environment.apply()
    assert _read(environment, target) == b"port = 80\n"
    environment.require_inert()


def test_any_target_that_compose_takes(environment: Environment) -> None:
    """Below /run/secrets, several in one folder, elsewhere: each file has its own content and is seen once."""
    values = {"one": "1", "two": "2"}
    targets = {
        "tls/key": "one", "tls/deep/cert": "two", "./plain": "one", "/etc/app/a__b": "one", "/etc/app/a/b": "two",
        "/etc/hosts": "two",
    }  # fmt: skip
    uses = [{"source": source, "target": target, "override": True} for target, source in targets.items()]
    configs = [{"source": "conf", "target": "/etc/conf/x__y"}, {"source": "other", "target": "/etc/conf/x/y"}]
    for name, value in values.items():
        environment.write(value, name)
    playbook = {
        "services": {"web": service(secrets=uses, configs=configs, read_only=True, user="1000")},
        "secrets": {name: {"file": f"./{name}"} for name in values},
        "configs": {"conf": {"content": "c"}, "other": {"content": "o"}},
    }
    environment.write(playbook)
    environment.apply()
    for target, source in targets.items():
        path = target if target.startswith("/") else f"/run/secrets/{target}"
        assert _read(environment, path) == values[source].encode(), target
    assert (_read(environment, "/etc/conf/x__y"), _read(environment, "/etc/conf/x/y")) == (b"c", b"o")
    listed = environment.container("web-1").exec_run(["find", "/run/secrets", "-type", "f"], user="0").output.split()
    assert {one.decode() for one in listed} == {
        f"/run/secrets/{name}" for name in ("tls/key", "tls/deep/cert", "plain")
    }
    environment.require_inert()


def test_a_target_that_is_a_folder_of_the_image_is_found_before_anything_stops(environment: Environment) -> None:
    environment.write("1", "one")
    secrets = {"one": {"file": "./one"}}
    environment.write({"services": {"web": service(secrets=["one"])}, "secrets": secrets})
    environment.apply()
    before = environment.container("web-1").id
    target = {"source": "one", "target": "/var/www"}
    environment.write({"services": {"web": service(secrets=[target])}, "secrets": secrets})
    refused = environment.run("apply", "--yes")
    assert refused.code == 1, refused
    assert "/var/www, the target of one, is a folder in the image" in refused.text
    assert environment.container("web-1").id == before
    assert environment.container("web-1").status == "running"


def test_replicas_share_one_volume_and_a_new_one_gets_its_files(environment: Environment) -> None:
    def declared(replicas: int) -> dict[str, Any]:
        web = service(configs=["app"], deploy={"replicas": replicas})
        return {"services": {"web": web}, "configs": {"app": {"content": "x = 1\n"}}}

    environment.write(declared(1))
    environment.apply()
    environment.write(declared(2))
    environment.apply()
    assert _read(environment, "/app", "web-2") == b"x = 1\n"
    assert len([name for name in environment.objects() if name.startswith("volume ")]) == 1
    environment.require_inert()
    environment.destroy()
    assert environment.objects() == {environment.ledger}, "volumes of files are not data"


def test_a_mode_changed_in_the_file(environment: Environment) -> None:
    (environment.folder / "token").write_text("x")
    for mode in (0o400, 0o444):
        web = service(secrets=[{"source": "token", "mode": mode}])
        environment.write({"services": {"web": web}, "secrets": {"token": {"file": "./token"}}})
        environment.apply()
        stat = environment.container("web-1").exec_run(["stat", "-c", "%a", "/run/secrets/token"]).output
        assert stat.strip() == f"{mode:o}".encode()
    environment.require_inert()


def test_status_where_secrets_can_not_be_compared(environment: Environment) -> None:
    """Without the key, or the value, everything else is told as ever; only a plan has to stop."""

    def rows() -> dict[str, tuple[bool | None, str]]:
        outcome = environment.run("status", "--json")
        assert outcome.code == 0, outcome
        return {one["address"]: (one["drift"], one["detail"]) for one in json.loads(outcome.stdout)["objects"]}

    environment.write({"services": {"web": service(secrets=["token"])}, "secrets": {"token": {}}})
    local = environment.folder / ".env.local"
    local.write_text("TOKEN=canary-41c\n")
    local.chmod(0o600)
    environment.apply()
    [key] = (environment.folder / ".provision").glob("*.key")
    kept = key.read_bytes()
    key.unlink()
    assert rows()["secret.token"] == (None, "can not compare: this machine has not the fingerprint key")
    assert rows()["service.web[1]"] == (False, "")
    assert environment.run("plan").code == 77
    key.write_bytes(kept.replace(kept[:8], b"00000000"))
    key.chmod(0o600)
    assert rows()["secret.token"] == (None, "can not compare: it was applied with another fingerprint key")
    key.write_bytes(kept)
    local.unlink()
    environment.container("web-1").stop(timeout=0)
    assert rows()["secret.token"] == (None, "can not compare: no tier has it")
    assert rows()["service.web[1]"][0] is True


def test_what_provision_keeps_beside_the_playbook_is_in_no_image(environment: Environment) -> None:
    """The context is the playbook's own folder: neither the values nor the key are in it, and a rotation builds
    nothing."""
    environment.write("FROM busybox:1.36\nCOPY . /app\n", "Dockerfile")
    web = service(build=".", secrets=["token"])
    del web["image"]
    environment.write({"services": {"web": web}, "secrets": {"token": {"generate": {"length": 20}}}})
    environment.apply()
    before = _read(environment, "/run/secrets/token")
    output = environment.container("web-1").exec_run(["find", "/app", "-type", "f"]).output.decode()
    assert {name.rpartition("/")[2] for name in output.split()} == {"Dockerfile", "compose.yaml"}
    image = environment.container("web-1").image.id
    done = environment.run("secrets", "rotate", "token", "--yes")
    assert done.code == 0, done
    assert _read(environment, "/run/secrets/token") != before
    assert environment.container("web-1").image.id == image
    environment.require_inert()


def test_a_lost_key_is_no_dead_end(environment: Environment) -> None:
    """What needs no comparison goes on, a new use of a secret is refused, and a new key is taken where that is said."""
    playbook: dict[str, Any] = {
        "services": {"web": service(secrets=["token"]), "other": service()},
        "secrets": {"token": {"generate": {"length": 12}}},
    }
    environment.write(playbook)
    environment.apply()
    [key] = (environment.folder / ".provision").glob("*.key")
    key.unlink()
    before = environment.container("web-1").id
    playbook["services"]["other"]["environment"] = {"A": "1"}
    environment.write(playbook)
    done = environment.run("apply", "--yes")
    assert done.code == 77, done
    assert "secret.token: can not be compared, and is left as it is: the fingerprint key that it was" in done.text
    assert str(key) in done.text
    assert environment.container("other-1").attrs["Config"]["Env"].count("A=1") == 1
    assert environment.container("web-1").id == before
    assert not key.exists()
    assert environment.run("apply", "--yes", "--target", "service.other").code == 0
    playbook["services"]["other"]["secrets"] = ["token"]
    environment.write(playbook)
    refused = environment.run("apply", "--yes")
    assert refused.code == 77, refused
    assert "service.other needs secret token, which can not be compared" in refused.text
    accepted = environment.run("apply", "--yes", "--accept-new-key")
    assert accepted.code == 0, accepted
    assert key.exists()
    assert environment.container("web-1").id != before
    environment.require_inert()
