"""Backups on a real engine: what is in them, that they are whole or not there, and that services go on afterwards."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from tests.engine.environment import Environment, interrupt, service

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.engine

FILES = """
mkdir -p /data/deep && echo one > /data/a && chown 70:71 /data/a && chmod 640 /data/a && ln /data/a /data/deep/hard
ln -s a /data/link && ln -s ../../nowhere /data/out && ln -s /nowhere/at/all /data/deep/absolute
ln -s ../../../../../../../../../../../../nowhere /data/deep/far
touch -d '2001-02-03 04:05:06' /data/a && chmod 1777 /data && chown 5:6 /data
"""


def playbook(**more: Any) -> dict[str, Any]:
    """A service with a volume, and one whose data are dumped by a command."""
    keeper = service(volumes=["files:/data"])
    store = service(
        volumes=["rows:/rows"],
        backup={
            "command": ["sh", "-c", "cat /rows/table"], "restore": ["sh", "-c", "cat > /rows/table"],
            "replaces": ["rows"],
        },
    )  # fmt: skip
    return {
        "services": {"keeper": keeper, "store": store},
        "volumes": {"files": {}, "rows": {}},
        "backup": {"to": "./archives"},
        **more,
    }


def run_in(environment: Environment, name: str, script: str) -> str:
    done = environment.container(f"{name}-1").exec_run(["sh", "-c", script])
    assert done.exit_code == 0, done.output
    return str(done.output.decode())


def fill(environment: Environment) -> None:
    run_in(environment, "keeper", FILES)
    run_in(environment, "store", "seq 1000 > /rows/table")


def take(environment: Environment, *arguments: str) -> dict[str, Any]:
    done = environment.run("backup", "--json", *arguments)
    assert done.code == 0, done
    manifest: dict[str, Any] = json.loads(done.stdout)
    return manifest


def archives(environment: Environment) -> list[str]:
    folder = environment.folder / "archives"
    return sorted(one.name for one in folder.iterdir()) if folder.exists() else []


def members(file: Path) -> Mapping[str, tarfile.TarInfo]:
    with file.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as plain:
        content = io.BytesIO(plain.read())
    with tarfile.open(fileobj=content) as archive:
        return {member.name: member for member in archive}


def test_an_archive_holds_dumps_and_volumes_and_can_be_read_without_us(environment: Environment) -> None:
    environment.write(playbook())
    environment.apply()
    fill(environment)
    before = environment.inventory()
    assert environment.proxy is not None
    environment.proxy.clear()
    manifest = take(environment)
    asked = [one for one in environment.proxy.requests if one.path.endswith("/archive") and one.method == "GET"]
    assert {one.headers.get("accept-encoding") for one in asked} == {"identity"}, "nothing is compressed on the way"
    assert environment.inventory() == before, "nothing was started, stopped or left behind"
    environment.require_inert()
    folder = environment.folder / "archives" / manifest["id"]
    assert [part["address"] for part in manifest["parts"]] == ["playbook", "service.store", "volume.files"]
    assert (folder / "service.store.dump").read_text() == "".join(f"{n}\n" for n in range(1, 1001))
    found = members(folder / "volume.files.tar.zst")
    a = found["data/a"]
    assert (a.uid, a.gid, a.mode & 0o7777, a.mtime) == (70, 71, 0o640, 981173106)
    assert (found["data"].uid, found["data"].mode & 0o7777) == (5, 0o1777)
    assert found["data/link"].linkname == "a"
    assert {found["data/a"].islnk(), found["data/deep/hard"].islnk()} == {True, False}
    assert manifest["revision"] == 1
    assert manifest["images"]["store"]["reference"] == "busybox:1.36"
    assert folder.stat().st_mode & 0o77 == 0


def test_list_show_check_prune(environment: Environment) -> None:
    environment.write(playbook(backup={"to": "./archives", "keep": {"last": 2}}))
    environment.apply()
    fill(environment)
    empty = environment.run("backup", "list")
    assert (empty.code, "There is no archive." in empty.stdout) == (0, True), empty
    made = [take(environment)["id"] for _ in range(3)]
    listed = json.loads(environment.run("backup", "list", "--json").stdout)
    assert [one["id"] for one in listed["places"][0]["archives"]] == made
    shown = environment.run("backup", "show", "latest")
    assert (shown.code, made[-1] in shown.stdout, "volume.files" in shown.stdout) == (0, True, True), shown
    assert environment.run("backup", "check", made[0]).code == 0
    only = environment.run("backup", "prune", "--check")
    assert (only.code, made[0] in only.stdout) == (0, True), only
    assert archives(environment) == made
    pruned = environment.run("backup", "prune", "--yes")
    assert pruned.code == 0, pruned
    assert archives(environment) == made[1:]
    again = environment.run("backup", "prune", "--yes", "--json")
    assert json.loads(again.stdout)["removed"] == []


@pytest.mark.parametrize("damage", ["cut", "changed", "manifest"])
def test_what_is_damaged_is_told(environment: Environment, damage: str) -> None:
    environment.write(playbook())
    environment.apply()
    fill(environment)
    manifest = take(environment)
    folder = environment.folder / "archives" / manifest["id"]
    file = folder / ("manifest.json" if damage == "manifest" else "volume.files.tar.zst")
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-20])
    elif damage == "changed":
        file.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    else:
        file.write_bytes(content.replace(b'"revision": 1', b'"revision": 2'))
    checked = environment.run("backup", "check", manifest["id"])
    assert (checked.code, "is damaged" in checked.stderr) == (1, True), checked
    listed = environment.run("backup", "list")
    assert (listed.code, manifest["id"] in listed.stdout) == (0 if damage == "changed" else 1, True), listed


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"command": ["sh", "-c", "echo half; echo no such database >&2; exit 3"]}, "no such database"),
        ({"command": ["true"]}, "wrote nothing"),
        ({"command": ["sh", "-c", "(echo no such role >&2; exit 1) | gzip"]}, "no such role"),
        ({"command": ["mysqldump", "app"]}, "there is no program `mysqldump` in the container {project}-store-1"),
        ({"command": ["/etc/passwd"]}, "`/etc/passwd` can not be run in the container {project}-store-1"),
        ({"command": ["sh", "-c", "mysqldump app"]}, "a program that it calls is not there, in the container"),
    ],
)
def test_where_one_part_fails_there_is_no_archive(environment: Environment, broken: dict[str, Any], said: str) -> None:
    said = said.format(project=environment.project)
    book = playbook()
    book["services"]["store"]["backup"] = {**broken, "replaces": ["rows"]}
    environment.write(book)
    environment.apply()
    failed = environment.run("backup")
    assert (failed.code, said in failed.stderr, "service.store" in failed.stderr) == (1, True, True), failed
    assert archives(environment) == []


def test_a_pipe_in_a_volume_is_refused_by_name(environment: Environment) -> None:
    environment.write(playbook())
    environment.apply()
    fill(environment)
    run_in(environment, "keeper", "mkfifo /data/deep/queue")
    failed = environment.run("backup")
    assert (failed.code, "deep/queue (a pipe)" in failed.stderr) == (1, True), failed
    assert archives(environment) == []
    assert environment.container("keeper-1").status == "running"


@pytest.mark.parametrize("consistency", ["pause", "stop", "none"])
def test_writers_are_held_still_and_go_on(environment: Environment, consistency: str) -> None:
    environment.write(playbook(volumes={"files": {"backup": {"consistency": consistency}}, "rows": {}}))
    environment.apply()
    fill(environment)
    assert environment.proxy is not None
    environment.proxy.clear()
    take(environment)
    asked = [request.path.partition("?")[0].rpartition("/")[2] for request in environment.proxy.mutating]
    # The engine may need to be asked more than once to freeze what is being started.
    seen = [verb for verb, _ in itertools.groupby(verb for verb in asked if verb in ("pause", "unpause", "stop"))]
    assert seen == {"pause": ["pause", "unpause"], "stop": ["stop"], "none": []}[consistency]
    assert environment.container("keeper-1").status == "running"
    environment.require_inert()


def test_volumes_can_be_left_out_and_named(environment: Environment) -> None:
    environment.write(playbook(volumes={"files": {"backup": False}, "rows": {}}))
    environment.apply()
    fill(environment)
    assert [part["address"] for part in take(environment)["parts"]] == ["playbook", "service.store"]
    refused = environment.run("backup", "volume.files")
    assert (refused.code, "has nothing that is backed up" in refused.stderr) == (64, True), refused
    assert [part["address"] for part in take(environment, "service.store")["parts"]] == ["playbook", "service.store"]


def test_nobody_says_where(environment: Environment) -> None:
    environment.write({key: value for key, value in playbook().items() if key != "backup"})
    environment.apply()
    refused = environment.run("backup")
    assert (refused.code, "does not say where archives are kept" in refused.stderr) == (1, True), refused


def test_an_apply_holds_it_off(environment: Environment) -> None:
    slow = service(command=["sh", "-c", "sleep 8; sleep infinity"],
                   healthcheck={"test": ["CMD", "false"], "interval": "1s", "retries": 100})  # fmt: skip
    book = playbook()
    environment.write(book)
    environment.apply()
    book["services"]["slow"] = slow
    environment.write(book)
    applying = environment.start("apply", "--yes", "--wait-timeout", "8")
    try:
        while f"container {environment.project}.lease" not in environment.objects():
            assert applying.poll() is None
        held = environment.run("backup")
        assert (held.code, archives(environment)) == (75, []), held
    finally:
        interrupt(applying)
        applying.communicate(timeout=60)


def test_what_a_killed_backup_has_paused_goes_on_with_the_next(environment: Environment) -> None:
    environment.write(playbook())
    environment.apply()
    fill(environment)
    run_in(environment, "keeper", "dd if=/dev/urandom of=/data/large bs=1M count=300 2>/dev/null")
    process = environment.start("backup")
    while environment.container("keeper-1").status != "paused":
        assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()
    assert environment.container("keeper-1").status == "paused"
    assert json.loads(environment.run("backup", "list", "--json").stdout)["places"][0]["archives"] == []
    run_in(environment, "store", "true")
    manifest = take(environment)
    assert environment.container("keeper-1").status == "running"
    assert environment.run("backup", "check", manifest["id"]).code == 0
    assert f"container {environment.project}.backup" not in environment.objects()


def test_a_dump_that_hangs_ends_with_an_interrupt(environment: Environment) -> None:
    book = playbook()
    book["services"]["store"]["backup"]["command"] = ["sh", "-c", "touch /tmp/begun; exec sleep 300"]
    environment.write(book)
    environment.apply()
    process = environment.start("backup")
    run_in(environment, "store", "until [ -e /tmp/begun ]; do sleep 0.1; done")
    interrupt(process)
    process.communicate(timeout=60)
    assert (process.returncode, archives(environment)) == (130, [])


def test_a_full_disk_leaves_nothing(environment: Environment) -> None:
    environment.write(playbook(backup={"to": "/dev/full/archives"}))
    environment.apply()
    fill(environment)
    failed = environment.run("backup")
    assert failed.code == 1, failed
    assert environment.container("keeper-1").status == "running"


def test_encrypted_to_a_key(environment: Environment, tmp_path: Path) -> None:
    import pyrage

    identity, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"# created by a test\n{identity}\n")
    (tmp_path / "other.txt").write_text(f"{other}\n")
    environment.write(playbook(backup={"to": "./archives", "recipients": [str(identity.to_public())]}))
    environment.apply()
    run_in(environment, "keeper", "echo the-canary-1234567 > /data/a")
    run_in(environment, "store", "echo the-canary-1234567 > /rows/table")
    manifest = take(environment)
    folder = environment.folder / "archives" / manifest["id"]
    assert all(b"canary" not in file.read_bytes() for file in folder.iterdir())
    dump = pyrage.decrypt((folder / "service.store.dump.age").read_bytes(), [identity])
    assert dump == b"the-canary-1234567\n"
    assert environment.run("backup", "check", "latest").code == 0
    assert environment.run("backup", "check", "latest", "--identity", str(tmp_path / "key.txt")).code == 0
    wrong = environment.run("backup", "check", "latest", "--identity", str(tmp_path / "other.txt"))
    assert (wrong.code, "another key" in wrong.stderr) == (1, True), wrong


def test_a_snapshot_before_a_job_and_nothing_is_applied_without_it(environment: Environment) -> None:
    job = service(command=["true"], job={"run": "on_change"})
    job.pop("healthcheck")
    book = playbook(backup={"to": "./archives", "before": ["migration"]})
    book["services"]["migrate"] = job
    environment.write(book)
    environment.apply()
    assert archives(environment) == [], "there were no data yet"
    fill(environment)
    environment.require_inert()
    book["services"]["migrate"] = {**job, "environment": {"STEP": "2"}}
    environment.write(book)
    environment.apply()
    [name] = archives(environment)
    shown = json.loads(environment.run("backup", "show", name, "--json").stdout)
    assert (shown["reason"], shown["revision"]) == ("before migration", 1)
    environment.require_inert()
    assert archives(environment) == [name]
    book["services"]["migrate"] = {**job, "environment": {"STEP": "3"}}
    book["services"]["keeper"] = {**book["services"]["keeper"], "environment": {"STEP": "3"}}
    book["services"]["store"]["backup"]["command"] = ["sh", "-c", "exit 4"]
    environment.write(book)
    before = environment.inventory()
    failed = environment.run("apply", "--yes")
    assert (failed.code, "nothing was applied" in failed.text) == (1, True), failed
    assert (environment.inventory(), archives(environment)) == (before, [name])


@pytest.mark.whole
def test_five_gigabytes_in_bounded_memory(environment: Environment) -> None:
    environment.write(playbook())
    environment.apply()
    fill(environment)
    run_in(environment, "keeper", "truncate -s 5G /data/sparse")
    process = environment.start("backup")
    peak = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        found = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        peak = max([peak, *found])
        time.sleep(0.1)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert 0 < peak < 150 * 1024, f"{peak} KiB"
