"""The form of archives without an engine: streams, checksums, tar, retention, and every kind of place."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from provisioner.backup.archive import Archive, find_archive, list_archives
from provisioner.backup.manifest import read_manifest, write_manifest
from provisioner.backup.place import open_place
from provisioner.backup.retention import expired, prunable
from provisioner.backup.streams import restored, store
from provisioner.backup.tar_check import TarCheck
from provisioner.backup.writing import new_archive
from provisioner.errors import ProvisionError, Unreachable, UsageError
from provisioner.model.backup import Keep, Manifest
from tests.command_line import carry_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provisioner.backup.place import Place

EMPTY = Manifest("shop-1", "shop", "shop", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00", "backup", "0",
                 {}, "containers", 0, False, ())  # fmt: skip


def tar(*members: tuple[str, bytes, bytes]) -> bytes:
    """A tar archive of names, types and contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.mtime = kind, len(content), 1000
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@given(
    names=st.lists(st.text("abcü/", min_size=1, max_size=200).map(lambda text: f"data/{text.strip('/')}x"), max_size=5),
    size=st.integers(0, 2000),
    cut=st.integers(1, 3000),
)
def test_a_tar_stream_is_followed_whatever_its_chunks(names: list[str], size: int, cut: int) -> None:
    whole = tar(("data", tarfile.DIRTYPE, b""), *((name, tarfile.REGTYPE, b"x" * size) for name in names))
    check = TarCheck("volume.a")
    chunks = [whole[start : start + cut] for start in range(0, len(whole), cut)]
    assert b"".join(check.watch(chunks)) == whole
    assert check.entries == len(names)
    assert check.changed == (1000 if names else 0)


@pytest.mark.parametrize("left", [0, 511, 512, 700, 1535])
def test_a_tar_stream_that_is_cut_is_refused(left: int) -> None:
    whole = tar(("data", tarfile.DIRTYPE, b""), ("data/a", tarfile.REGTYPE, b"x" * 300))
    with pytest.raises(ProvisionError, match="ends before its end"):
        list(TarCheck("volume.a").watch([whole[:left]]))


def test_special_files_are_refused_by_name() -> None:
    whole = tar(("data/q", tarfile.FIFOTYPE, b""), ("data/d/tty", tarfile.CHRTYPE, b""))
    with pytest.raises(ProvisionError, match=r"q \(a pipe\), d/tty \(a device\)"):
        list(TarCheck("volume.a").watch([whole]))


@given(content=st.binary(max_size=100_000), compress=st.booleans())
def test_what_is_stored_comes_back(content: bytes, compress: bool) -> None:
    kept = io.BytesIO()
    stored = store([content[:7], content[7:]], kept, compress=compress, recipients=())
    assert (stored.size, stored.content_size) == (len(kept.getvalue()), len(content))
    assert b"".join(restored([kept.getvalue()], compressed=compress, identities=None)) == content


def test_age_opens_what_is_encrypted_and_nobody_else_does() -> None:
    import pyrage

    one, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    kept, content = io.BytesIO(), os.urandom(300_000)
    store([content], kept, compress=True, recipients=[str(one.to_public())])
    assert b"".join(restored([kept.getvalue()], compressed=True, identities=[str(one)])) == content
    with pytest.raises(ProvisionError, match="another key"):
        list(restored([kept.getvalue()], compressed=True, identities=[str(other)]))
    with pytest.raises(ProvisionError, match="can not be decrypted"):
        list(restored([kept.getvalue()[:-50]], compressed=True, identities=[str(one)]))


def test_an_error_of_the_stream_is_what_is_raised() -> None:
    import pyrage

    def broken() -> Iterator[bytes]:
        yield zstandard.compress(os.urandom(100_000))[:-10]
        raise Unreachable("the engine went away")

    with pytest.raises(Unreachable, match="went away"):
        list(restored(broken(), compressed=True, identities=None))
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    for recipients in ((), (recipient,)):
        with pytest.raises(Unreachable, match="went away"):
            store(broken(), io.BytesIO(), compress=True, recipients=recipients)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"no"])
def test_a_torn_manifest_is_told(damage: bytes) -> None:
    with pytest.raises(ProvisionError, match="is damaged"):
        read_manifest(damage, "shop-1")
    content = write_manifest(EMPTY)
    assert read_manifest(content, "shop-1") == EMPTY
    with pytest.raises(ProvisionError, match="is damaged"):
        read_manifest(content.replace(b'"mode": "containers"', b'"mode": "swarm"'), "shop-1")


def dated(*days: str) -> list[Manifest]:
    return [replace(EMPTY, id=day, created_at=f"{day}T03:00:00+00:00") for day in days]


def test_grandfather_father_son() -> None:
    archives = dated("2025-11-30", "2025-12-24", "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03")
    gone = expired(archives, Keep(last=1, daily=2, monthly=2))
    assert [one.id for one in gone] == ["2025-11-30", "2025-12-24", "2026-01-01"]
    assert expired(archives, Keep()) == ()


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 40))
def test_pruning_is_idempotent_and_keeps_the_newest(
    last: int, daily: int, weekly: int, monthly: int, count: int
) -> None:
    keep = Keep(last, daily, weekly, monthly)
    archives = dated(*(f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}" for day in range(count)))
    gone = {one.id for one in expired(archives, keep)}
    left = [one for one in archives if one.id not in gone]
    assert expired(left, keep) == ()
    assert not archives or archives[-1] in left


def made(day: str, reason: str = "backup", revision: int = 1) -> Manifest:
    return replace(dated(day)[0], reason=reason, revision=revision)


def test_the_snapshot_of_a_revision_that_there_is_a_way_back_to_stays() -> None:
    archives = [
        made("2026-01-01", "before migration"), made("2026-01-02", "before data_loss"),
        made("2026-01-03", "before migration", 2), *dated("2026-01-04", "2026-01-05"),
    ]  # fmt: skip
    for known, gone in (
        ((1, 2), ["2026-01-01", "2026-01-04"]),
        ((2,), ["2026-01-01", "2026-01-02", "2026-01-04"]),
        ((), ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]),
        (None, ["2026-01-01", "2026-01-04"]),
    ):
        assert [one.id for one in prunable(archives, Keep(last=1), known)] == gone
    assert prunable(archives, Keep(), ()) == ()


def test_archives_for_clones_are_counted_by_themselves() -> None:
    clones = [made(day, "clone to shop/staging") for day in ("2026-01-03", "2026-01-04", "2026-01-05")]
    archives = [*dated("2026-01-01", "2026-01-02"), *clones]
    assert [one.id for one in prunable(archives, Keep(last=2), ())] == ["2026-01-03"]
    assert [one.id for one in prunable(archives, Keep(daily=1), ())] == ["2026-01-01", "2026-01-03", "2026-01-04"]


@pytest.fixture(params=["folder", "s3", "restic"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A folder, a bucket of a real S3 server, a repository of the real restic."""
    if request.param == "restic":
        yield repository(tmp_path)
        return
    if request.param == "folder":
        yield open_place(str(tmp_path / "archives"), {})
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        import boto3

        # The servers of one process have their buckets in common.
        bucket = f"backups-{os.urandom(4).hex()}"
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=bucket)
        yield open_place(f"s3://{bucket}/shop", {})
    finally:
        server.stop()


def repository(folder: Path, **more: str) -> Place:
    """A repository of restic, with its password in the environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "RESTIC_PASSWORD": "a password", **more}
    url = f"restic:{folder}/repository"
    if not (folder / "repository").exists():
        line = ["restic", "init", "--quiet", "--repo", f"{folder}/repository"]
        subprocess.run(line, env=environment, check=True, capture_output=True)
    return open_place(url, environment)


def write(place: Place, name: str, content: bytes) -> Manifest:
    with new_archive([place], name, ()) as writer:
        part = writer.dump("service.db", [content[:100], content[100:]], "sha256:x", ())
        manifest = replace(EMPTY, id=name, parts=(part,), created_at=f"2026-01-01T00:00:0{name[-1]}+00:00")
        writer.finish(manifest)
    return manifest


def test_every_place_keeps_lists_reads_and_removes(place: Place) -> None:
    assert list_archives(place, "shop").archives == ()
    content = os.urandom(9 << 20)  # more than one part of an upload
    first, second = write(place, "shop-1", content), write(place, "shop-2", b"small")
    assert [one.manifest for one in list_archives(place, "shop").archives] == [first, second]
    assert list_archives(place, "other").archives == ()
    found = find_archive([place], "shop", "latest")
    assert found.id == "shop-2"
    assert b"".join(Archive(place, first).content(first.parts[0], None)) == content
    seen: list[str] = []
    Archive(place, first).check(None, lambda part: seen.append(part.file))
    assert seen == ["service.db.dump"]
    place.remove("shop-1")
    assert [one.id for one in list_archives(place, "shop").archives] == ["shop-2"]
    with pytest.raises(UsageError):
        find_archive([place], "shop", "shop-1")


def test_damage_is_seen_by_names_and_sizes(tmp_path: Path) -> None:
    place = open_place(str(tmp_path), {})
    write(place, "shop-1", b"whole")
    for name in ("shop-2", "shop-3", "shop-4"):
        write(place, name, b"to be damaged")
    (tmp_path / "shop-2" / "service.db.dump").write_bytes(b"to be")
    (tmp_path / "shop-3" / "service.db.dump").unlink()
    (tmp_path / "shop-4" / "manifest.json").write_bytes(b"")
    for name in ("shop-20260101T000000Z", "shop-prod-20260101T000000Z", "notes"):
        (tmp_path / name).mkdir()
    listed = list_archives(place, "shop")
    assert [one.id for one in listed.whole] == ["shop-1"]
    assert listed.damaged == {
        "shop-2": "shop-2 is damaged: service.db.dump has 5 bytes, and 13 were written",
        "shop-3": "shop-3 is damaged: it has no service.db.dump",
        "shop-4": "shop-4 is damaged: its manifest is torn or was changed",
        "shop-20260101T000000Z": "shop-20260101T000000Z is damaged: it has no manifest.json",
    }
    # One that is named by its manifest is refused when it is read; it is not passed over.
    latest = find_archive([place], "shop", "latest")
    assert (latest.id, latest.passed_over) == ("shop-3", (listed.damaged["shop-4"],))
    assert latest.notes == (
        "a newer archive can not be used: shop-4 is damaged: its manifest is torn or was changed; this is shop-3",
    )
    with pytest.raises(ProvisionError, match=r"it has no service\.db\.dump"):
        latest.check(None, lambda part: None)
    shutil.rmtree(tmp_path / "shop-4")
    assert find_archive([place], "shop", "latest").passed_over == ()
    with pytest.raises(ProvisionError, match=r"that can be used: shop-prod-20260101T000000Z is damaged"):
        find_archive([place], "shop-prod", "latest")


def test_commands_say_what_is_damaged(tmp_path: Path) -> None:
    playbook = {
        "name": "shop",
        "services": {"db": {"image": "postgres:16"}},
        "backup": {"to": "./kept", "keep": {"last": 1}},
    }
    (tmp_path / "compose.yaml").write_text(json.dumps(playbook))
    place = open_place(str(tmp_path / "kept"), {})
    for name in ("shop-1", "shop-2", "shop-3"):
        write(place, name, b"content")
    (tmp_path / "kept" / "shop-2" / "service.db.dump").write_bytes(b"cont")
    (tmp_path / "kept" / "shop-3" / "manifest.json").write_bytes(b"")

    def said(*words: str) -> tuple[int, str]:
        done = carry_out(["backup", *words], folder=tmp_path, environment=dict(os.environ))
        return done.code, f"{done.stdout}{done.stderr}"

    for words, code, parts in (
        (["list"], 1, ["shop-1 ", "service.db.dump has 4 bytes, and 7 were written", "shop-3 is damaged"]),
        (["show", "latest"], 0, ["a newer archive can not be used: shop-3 is damaged", "this is shop-2"]),
        (["check", "latest"], 1, ["shop-3 is damaged", "the newest that can be read is shop-2"]),
        (["prune", "--yes"], 0, ["shop-2 is damaged", "is not removed", "shop: 0 removed, 1 kept"]),
    ):  # fmt: skip
        ended = said(*words)
        assert (ended[0], [part for part in parts if part not in ended[1]]) == (code, []), ended
    assert place.archives() == ["shop-1", "shop-2", "shop-3"]


def test_every_place_tells_the_sizes_of_files(place: Place) -> None:
    manifest = write(place, "shop-1", b"whole")
    part = manifest.parts[0].file
    told = place.sizes("shop-1")
    assert (set(told), told[part] in (5, -1)) == ({"manifest.json", part}, True)
    assert list_archives(place, "shop").damaged == {}


def test_what_is_not_finished_is_not_there(place: Place) -> None:
    with pytest.raises(RuntimeError), new_archive([place], "shop-1", ()) as writer:
        writer.dump("service.db", [os.urandom(9 << 20)], "", ())
        assert not place.archives()
        raise RuntimeError
    assert not place.archives()
    write(place, "shop-1", b"again")
    assert place.archives() == ["shop-1"]


def test_s3_that_is_not_there_or_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_MAX_ATTEMPTS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with pytest.raises(Unreachable, match="S3 does not answer"):
        open_place("s3://backups/shop", {}).archives()


def test_a_bucket_that_is_not_there(place: Place) -> None:
    if place.url.startswith("restic"):
        with pytest.raises(ProvisionError, match="restic: ") as told:
            open_place(f"{place.url}/nowhere", {"PATH": os.environ["PATH"], "RESTIC_PASSWORD": "x"}).archives()
        assert told.value.hint and "restic init" in told.value.hint
    elif place.url.startswith("s3"):
        with pytest.raises(ProvisionError, match="NoSuchBucket"):
            open_place("s3://another-bucket/x", {}).archives()
    else:
        assert open_place(f"{place.url}/nowhere", {}).archives() == ()


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProvisionError, match="file"):
        open_place(str(tmp_path / "file" / "archives"), {}).begin("shop-1")


def test_the_larger_the_stream_the_same_memory() -> None:
    import tracemalloc

    class Nowhere:
        def write(self, data: bytes) -> int:
            return len(data)

    tracemalloc.start()
    store((bytes(1 << 20) for _ in range(300)), Nowhere(), compress=True, recipients=())
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("left", [0, 1, 50, -1, -5])
def test_a_volume_that_is_cut_is_told(tmp_path: Path, left: int) -> None:
    place = open_place(str(tmp_path), {})
    whole = tar(("data", tarfile.DIRTYPE, b""), ("data/a", tarfile.REGTYPE, os.urandom(300_000)))
    with new_archive([place], "shop-1", ()) as writer:
        part = writer.volume("volume.a", "shop_a", [whole])
        writer.finish(replace(EMPTY, parts=(part,)))
    file = tmp_path / "shop-1" / part.file
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(ProvisionError, match="is damaged"):
        list(Archive(place, EMPTY).content(part, None))


def test_what_is_mostly_holes_is_read_in_the_same_memory(tmp_path: Path) -> None:
    """Gigabytes of zeros are a few kilobytes when they are compressed."""
    import tracemalloc

    place = open_place(str(tmp_path), {})
    size = 600 << 20
    header = tarfile.TarInfo("data/holes")
    header.size = size
    stream = itertools.chain([header.tobuf()], (bytes(1 << 20) for _ in range(600)), [bytes(10240)])
    with new_archive([place], "shop-1", ()) as writer:
        part = writer.volume("volume.a", "shop_a", stream)
        writer.finish(replace(EMPTY, parts=(part,)))
    assert part.size < 1 << 20
    tracemalloc.start()
    Archive(place, replace(EMPTY, parts=(part,))).check(None, lambda part: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20, f"{peak >> 20} MiB"


def test_what_a_killed_backup_left_holds_off_nobody_of_the_same_second(tmp_path: Path) -> None:
    place = open_place(str(tmp_path), {})
    place.begin("shop-1")
    with new_archive([place], "shop-1", ()) as writer:
        writer.playbook(b"{}")
        writer.finish(EMPTY)
    assert place.archives() == ["shop-1"]
    place.begin("shop-1")
    place.remove("shop-1")
    assert place.archives() == []


def test_restic_is_told_its_password_by_the_environment_only(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    real = shutil.which("restic")
    assert real
    (programs / "restic").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/lines\nexec {real} "$@"\n')
    (programs / "restic").chmod(0o755)
    place = repository(tmp_path, PATH=f"{programs}:{os.environ['PATH']}")
    made = write(place, "shop-1", b"rows")
    assert b"".join(Archive(place, made).content(made.parts[0], None)) == b"rows"
    place.remove("shop-1")
    lines = (tmp_path / "lines").read_text()
    assert "backup" in lines and "dump" in lines
    assert "a password" not in lines


@pytest.mark.parametrize(
    ("surroundings", "said"),
    [
        ({"PATH": "/nowhere", "RESTIC_PASSWORD": "x"}, "restic is not installed"),
        ({"PATH": os.environ["PATH"]}, "there is no password"),
        ({"PATH": os.environ["PATH"], "RESTIC_PASSWORD": "another"}, "wrong password"),
    ],
)
def test_restic_that_can_not_work_says_why(tmp_path: Path, surroundings: dict[str, str], said: str) -> None:
    place = repository(tmp_path)
    with pytest.raises(ProvisionError, match=said) as told:
        open_place(place.url, surroundings).archives()
    assert told.value.hint


def test_restic_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="names no repository"):
        open_place("restic:", {"PATH": os.environ["PATH"], "RESTIC_PASSWORD": "x"}).archives()
    named = {"RESTIC_REPOSITORY": f"{tmp_path}/repository", "RESTIC_PASSWORD": "a password"}
    assert repository(tmp_path).archives() == []
    assert open_place("restic:", {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **named}).archives() == []
