"""Restores on a real engine: the same rows, bytes, owners and modes; and what happens when it goes wrong."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.ssh_server import SshServer, ssh_server
from tests.engine.test_backup import archives, fill, playbook, run_in, take

if TYPE_CHECKING:
    from tests.engine.environment import Environment, Outcome

__all__ = ["ssh_server"]
pytestmark = pytest.mark.engine

STATE = """
cd /data && find . | sort | xargs stat -c '%n %u:%g %a %Y %h %F' && cat a
find . -type l | sort | xargs -n 1 readlink
"""


def state(environment: Environment) -> tuple[str, str]:
    """Everything that can be told of the data."""
    return run_in(environment, "keeper", STATE), run_in(environment, "store", "md5sum < /rows/table")


def spoil(environment: Environment) -> None:
    run_in(environment, "keeper", "rm -rf /data/a /data/deep; echo other > /data/new; chown 0:0 /data; chmod 700 /data")
    run_in(environment, "store", "echo lost > /rows/table")


def restore(environment: Environment, *arguments: str, code: int = 0) -> Outcome:
    done = environment.run("restore", "latest", "--yes", *arguments, timeout=300)
    assert done.code == code, done
    return done


def saved(environment: Environment, **more: Any) -> tuple[str, str]:
    """An environment with data that are in an archive; what they are."""
    environment.write(playbook(**more))
    environment.apply()
    fill(environment)
    before = state(environment)
    take(environment)
    return before


def kept(environment: Environment) -> set[str]:
    return {name for name in environment.objects() if name.endswith(".before-restore")}


def test_what_was_there_is_there_again(environment: Environment) -> None:
    before = saved(environment)
    spoil(environment)
    spoilt = run_in(environment, "store", "cat /rows/table")
    refused = restore(environment, code=1)
    assert "volume.files holds data" in refused.stdout, refused
    assert (run_in(environment, "store", "cat /rows/table"), kept(environment)) == (spoilt, set())
    done = json.loads(restore(environment, "--replace", "--json").stdout)
    assert (done["restored"], [one["replaced"] for one in done["volumes"]]) == (True, [True, True])
    assert state(environment) == before
    assert kept(environment) == {f"volume {environment.project}_{key}.before-restore" for key in ("files", "rows")}
    environment.require_inert()
    only = json.loads(environment.run("restore", "--undo", "--check", "--json").stdout)
    undone = json.loads(environment.run("restore", "--undo", "--yes", "--json").stdout)
    assert (only.pop("undone"), undone.pop("undone"), only) == (False, True, undone)
    assert [one["address"] for one in undone["volumes"]] == ["volume.files", "volume.rows"]
    assert run_in(environment, "store", "cat /rows/table") == "lost\n"
    assert kept(environment) == set()
    environment.require_inert()


def test_into_an_environment_that_is_gone(environment: Environment) -> None:
    before = saved(environment)
    environment.destroy("--volumes")
    restore(environment)
    assert state(environment) == before
    environment.require_inert()
    restore(environment, "--replace", "--prune")
    assert (state(environment), kept(environment)) == (before, set())


def test_only_what_is_named(environment: Environment) -> None:
    before = saved(environment)
    run_in(environment, "keeper", "echo other > /data/new")
    run_in(environment, "store", "echo lost > /rows/table")
    restore(environment, "volume.files", "--replace")
    assert run_in(environment, "keeper", STATE) == before[0]
    assert run_in(environment, "store", "cat /rows/table") == "lost\n"


def test_a_dump_that_can_not_be_read_puts_the_data_back(environment: Environment) -> None:
    saved(environment)
    book = playbook()
    broken = ["sh", "-c", "head -c 10 > /rows/half; echo no such role >&2; exit 1"]
    book["services"]["store"]["backup"]["restore"] = broken
    environment.write(book)
    run_in(environment, "keeper", "echo other > /data/new")
    run_in(environment, "store", "echo now > /rows/table")
    failed = restore(environment, "--replace", "--json", code=1)
    error = json.loads(failed.stderr)["error"]
    assert error["evidence"] == ["no such role"], failed
    assert error["message"].startswith("service.store: its dump could not be restored"), failed
    assert error["message"].endswith("; the data of before are back"), failed
    assert run_in(environment, "store", "cat /rows/table; ls /rows") == "now\ntable\n"
    assert run_in(environment, "keeper", "cat /data/new") == "other\n"
    assert kept(environment) == set()
    assert f"container {environment.project}.restore" not in environment.objects()
    environment.require_inert()


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_what_is_damaged_touches_nothing(environment: Environment, damage: str) -> None:
    saved(environment)
    file = environment.folder / "archives" / archives(environment)[0] / "volume.files.tar.zst"
    content = file.read_bytes()
    file.write_bytes(content[:-9] if damage == "cut" else content[:50] + bytes([content[50] ^ 1]) + content[51:])
    before = environment.inventory()
    assert environment.proxy is not None
    environment.proxy.clear()
    refused = restore(environment, "--replace", code=1)
    assert "is damaged" in refused.stderr
    assert [str(request) for request in environment.proxy.mutating] == []
    assert environment.inventory() == before


@pytest.mark.parametrize("moment", ["kept", "filled"])
def test_killed_the_next_one_finishes(environment: Environment, moment: str) -> None:
    before = saved(environment)
    spoil(environment)
    process = environment.start("restore", "latest", "--yes", "--replace")
    said = ""
    assert process.stderr is not None
    wanted = {"kept": "what is there is kept in", "filled": "files from"}[moment]
    until = time.monotonic() + 120
    while wanted not in said:
        assert time.monotonic() < until, said
        said += process.stderr.readline()
    process.kill()
    process.communicate()
    restore(environment, "--replace")
    assert state(environment) == before
    assert f"container {environment.project}.restore" not in environment.objects()
    environment.require_inert()
    assert environment.run("restore", "--undo", "--yes").code == 0
    assert run_in(environment, "store", "cat /rows/table") == "lost\n", "the old data are not half of the new"


def test_encrypted_needs_its_key(environment: Environment) -> None:
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    (environment.folder / "key.txt").write_text(f"{identity}\n")
    before = saved(environment, backup={"to": "./archives", "recipients": [str(identity.to_public())]})
    spoil(environment)
    (environment.folder / "other.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    there = environment.inventory()
    refused = restore(environment, "--replace", code=1)
    assert "is encrypted" in refused.stderr
    refused = restore(environment, "--replace", "--identity", "other.txt", code=1)
    assert "encrypted to another key" in refused.stderr
    assert environment.inventory() == there
    restore(environment, "--replace", "--identity", "key.txt")
    assert state(environment) == before


def test_from_s3_with_a_key(environment: Environment) -> None:
    import boto3
    import pyrage
    from moto.server import ThreadedMotoServer

    identity = pyrage.x25519.Identity.generate()
    (environment.folder / "key.txt").write_text(f"{identity}\n")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    access = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": "us-east-1"}
    try:
        s3 = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
        )  # fmt: skip
        s3.create_bucket(Bucket="backups")
        environment.write(playbook(backup={"to": "s3://backups/shop", "recipients": [str(identity.to_public())]}))
        environment.apply()
        fill(environment)
        before = state(environment)
        saved = environment.run("backup", AWS_ENDPOINT_URL_S3=url, **access)
        assert saved.code == 0, saved
        kept = [one["Key"] for one in s3.list_objects_v2(Bucket="backups")["Contents"]]
        assert {key.rpartition("/")[2] for key in kept} == {
            "manifest.json", "playbook.json.age", "service.store.dump.age", "volume.files.tar.zst.age"
        }  # fmt: skip
        spoil(environment)
        arguments = ("restore", "latest", "--yes", "--replace", "--identity", "key.txt")
        done = environment.run(*arguments, timeout=300, AWS_ENDPOINT_URL_S3=url, **access)
        assert done.code == 0, done
        assert state(environment) == before
    finally:
        server.stop()


def test_through_ssh(environment: Environment, ssh_server: SshServer) -> None:
    before = saved(environment)
    spoil(environment)
    over = ("--host", "ssh://box")
    made = environment.run("backup", *over, PATH=ssh_server.path)
    assert made.code == 0, made
    [good, _] = archives(environment)
    done = environment.run("restore", good, "--yes", "--replace", *over, PATH=ssh_server.path, timeout=400)
    assert done.code == 0, done
    assert state(environment) == before
