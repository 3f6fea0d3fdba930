"""Places that refuse, are slow, break off or are full: no archive is there then, and what was there stays."""

from __future__ import annotations

import errno
import http.client
import json
import os
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer

from provisioner.backup.archive import Archive, find_archive
from provisioner.backup.place import open_place
from provisioner.backup.restic import ResticPlace
from provisioner.backup.s3 import S3Place
from provisioner.backup.streams import Damaged
from provisioner.backup.writing import new_archive
from provisioner.errors import ProvisionError, Unreachable
from tests.command_line import carry_out
from tests.unit.backup.test_archives import EMPTY, repository, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provisioner.backup.place import Place
    from provisioner.model.backup import Part

LARGE = 9 << 20  # more than one part of an upload
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
SLOW = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


@dataclass
class Faulty:
    """An S3 server that does what `fault` says with the requests of a method, from the `after`th on: `deny` them,
    `throttle` so many of them, `break` off in their middle."""

    port: int
    fault: str = ""
    method: str = ""
    after: int = 0
    times: int = 1 << 30
    seen: dict[str, int] = field(default_factory=dict)

    def begin(self, fault: str, method: str, after: int = 0, times: int = 1 << 30) -> None:
        self.fault, self.method, self.after, self.times = fault, method, after, times
        self.seen = {}

    def strikes(self, method: str) -> bool:
        self.seen[method] = count = self.seen.get(method, 0) + 1
        return bool(self.fault) and method == self.method and self.after < count <= self.after + self.times


def handler(faulty: Faulty) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is told."""

        def _answer(self) -> None:
            if self.headers.get("Expect") == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            struck = faulty.strikes(self.command)
            if struck and faulty.fault != "break":
                status, said = (403, DENIED) if faulty.fault == "deny" else (503, SLOW)
                self._send(status, {"Content-Type": "application/xml"}, said)
                return
            connection = http.client.HTTPConnection("127.0.0.1", faulty.port)
            headers = {key: value for key, value in self.headers.items() if key.lower() != "expect"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            kept = {
                key: value
                for key, value in answer.getheaders()
                if key.lower() not in ("transfer-encoding", "connection")
            }
            kept.pop("Content-Length", None)
            connection.close()
            self._send(answer.status, kept, content, whole=not struck)

        def _send(self, status: int, headers: dict[str, str], content: bytes, *, whole: bool = True) -> None:
            self.send_response_only(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if whole else content[: len(content) // 2])
            if not whole:
                self.close_connection = True

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815

    return Handler


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """A real S3 server behind one that fails as it is told; a bucket `backups`."""
    import boto3

    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    found = Faulty(moto.get_host_and_port()[1])
    front = ThreadingHTTPServer(("127.0.0.1", 0), handler(found))
    threading.Thread(target=front.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{front.server_address[1]}", "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    # Between two attempts nothing is waited for.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=f"backups-{found.port}")
    try:
        yield found
    finally:
        front.shutdown()
        front.server_close()
        moto.stop()


def test_s3_that_denies(faulty: Faulty) -> None:
    place = open_place(f"s3://backups-{faulty.port}/shop", {})
    first = write(place, "shop-1", b"rows")
    faulty.begin("deny", "PUT")
    for content in (b"small", os.urandom(LARGE)):
        with pytest.raises(ProvisionError, match="AccessDenied") as told:
            write(place, "shop-2", content)
        assert told.value.hint and "let them list, get, put and delete" in told.value.hint
    faulty.begin("deny", "GET")
    with pytest.raises(ProvisionError, match="AccessDenied"):
        place.archives()
    faulty.begin("", "")
    assert place.archives() == [first.id]
    assert find_archive([place], "shop", "latest").manifest == first


def test_s3_that_throttles_is_asked_again(faulty: Faulty) -> None:
    place = open_place(f"s3://backups-{faulty.port}/shop", {})
    content = os.urandom(LARGE)
    faulty.begin("throttle", "PUT", after=1, times=2)
    made = write(place, "shop-1", content)
    assert b"".join(Archive(place, made).content(made.parts[0], None)) == content
    faulty.begin("throttle", "PUT")
    with pytest.raises(ProvisionError, match="SlowDown"):
        write(place, "shop-2", content)
    faulty.begin("", "")
    assert place.archives() == ["shop-1"]


def test_s3_that_breaks_off(faulty: Faulty) -> None:
    place = open_place(f"s3://backups-{faulty.port}/shop", {})
    made = write(place, "shop-1", os.urandom(LARGE))
    faulty.begin("break", "GET", after=1)
    with pytest.raises(Unreachable, match="S3 broke off"):
        Archive(place, made).check(None, lambda part: None)
    faulty.begin("break", "POST")
    with pytest.raises(ProvisionError):
        write(place, "shop-2", os.urandom(LARGE))
    faulty.begin("", "")
    assert place.archives() == ["shop-1"]


FULL = """
import os, sys
from pathlib import Path
from provisioner.backup.place import open_place
from provisioner.errors import ProvisionError
from tests.command_line import carry_out
from tests.unit.backup.test_archives import write
place = open_place(sys.argv[1], os.environ)
try:
    write(place, "shop-2", os.urandom(3 << 20))
except ProvisionError as error:
    print(error.message, error.hint)
    raise SystemExit(9)
"""


@pytest.mark.parametrize("kind", ["folder", "restic"])
def test_a_place_that_is_full(tmp_path: Path, kind: str) -> None:
    place = repository(tmp_path) if kind == "restic" else open_place(str(tmp_path / "archives"), {})
    write(place, "shop-1", b"rows")

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    surroundings = {**os.environ, "RESTIC_PASSWORD": "a password", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", FULL, place.url], env=surroundings, preexec_fn=no_room, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, place.url in done.stdout) == (9, True), done.stdout + done.stderr
    assert place.archives() == ["shop-1"]
    if kind == "folder":
        assert "MiB are free there" in done.stdout
        assert "free space, or name another place" in done.stdout
        assert [one.name for one in (tmp_path / "archives").iterdir()] == ["shop-1"]


@pytest.mark.parametrize(
    ("number", "said", "what"),
    [
        (errno.EROFS, "Read-only file system", "mounted read-only"),
        (errno.EACCES, "has the mode drwx", "run it as a user who may"),
        (errno.EDQUOT, "MiB are free there", "free space"),
        (errno.EIO, "Input/output error", "what is wrong with that disk"),
    ],
)
def test_a_folder_that_can_not_be_written_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, what: str
) -> None:
    def refuse(prefix: str, dir: Path) -> str:
        raise OSError(number, os.strerror(number), str(dir))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(ProvisionError, match=said) as told:
        write(open_place(str(tmp_path / "archives"), {}), "shop-1", b"rows")
    assert str(tmp_path / "archives") in told.value.message
    assert what in str(told.value.hint)


def test_a_file_where_a_folder_is_expected(tmp_path: Path) -> None:
    (tmp_path / "archives").write_text("")
    for place in (open_place(str(tmp_path / "archives"), {}), open_place(str(tmp_path / "archives" / "deep"), {})):
        with pytest.raises(ProvisionError, match="archives is a file, and a folder is expected") as told:
            write(place, "shop-1", b"rows")
        assert "name another place" in str(told.value.hint)


@pytest.mark.parametrize("kind", ["folder", "restic", "s3"])
def test_a_part_that_is_gone_is_named_before_anything_is_read(tmp_path: Path, faulty: Faulty, kind: str) -> None:
    urls = {"folder": str(tmp_path / "archives"), "s3": f"s3://backups-{faulty.port}/shop"}
    place = repository(tmp_path) if kind == "restic" else open_place(urls[kind], {})
    made = write(place, "shop-1", b"rows")
    gone = made.parts[0].file
    if isinstance(place, ResticPlace):
        [identity] = [one for _, file, one in place._snapshots() if file == gone]
        place.run("forget", identity)
    elif isinstance(place, S3Place):
        place.client().delete_object(Bucket=place.bucket, Key=place.key("shop-1", gone))
    else:
        (tmp_path / "archives" / "shop-1" / gone).unlink()
    told: list[Part] = []
    with pytest.raises(Damaged, match=f"shop-1 is damaged: it has no {gone}, in {place.url}") as damaged:
        Archive(place, made).check(None, told.append)
    assert (told, "provision backup list" in str(damaged.value.hint)) == ([], True)


def test_a_place_that_does_not_answer_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    surroundings = {
        **os.environ, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }  # fmt: skip
    playbook: dict[str, Any] = {
        "name": "shop", "services": {"db": {"image": "postgres:16"}},
        "backup": {"to": ["s3://backups/shop", "./kept", "./empty"], "keep": {"last": 1}},
    }  # fmt: skip

    def said(*words: str) -> tuple[int, str, str]:
        (tmp_path / "compose.yaml").write_text(json.dumps(playbook))
        done = carry_out(["backup", *words], folder=tmp_path, environment=surroundings)
        return done.code, done.stdout, done.stderr

    for name in ("shop-1", "shop-2"):
        write(open_place(str(tmp_path / "kept"), {}), name, b"content")
    silent = "s3://backups/shop: S3 does not answer"
    code, told, _ = said("list")
    assert (code, "shop-2" in told, silent in told) == (69, True, True), told
    code, told, _ = said("list", "--json")
    [listed] = [one for one in json.loads(told)["places"] if one["archives"]]
    assert ([one["id"] for one in listed["archives"]], json.loads(told)["silent"][0]["error"]["exit_code"]) == (
        ["shop-1", "shop-2"], 69,
    )  # fmt: skip
    code, told, notes = said("show", "latest")
    assert (code, "shop-2" in told, f"{silent}, and was not looked through" in notes) == (0, True, True), notes
    code, told, error = said("show", "shop-9")
    assert (code, silent in error, "is http://127.0.0.1:1 reached from here?" in error) == (69, True, True), error
    code, told, error = said("prune", "--yes")
    assert (code, silent in error) == (69, True), error
    assert len(list((tmp_path / "kept").iterdir())) == 2, "nothing is removed where not everything is seen"
    playbook["backup"]["to"] = ["./kept", "./empty"]
    code, told, _ = said("check", "latest")
    assert code == 0
    assert told.splitlines() == [
        f"✔ service.db.dump  7 B  in {tmp_path}/kept", "shop-2 is whole", f"It is not in {tmp_path}/empty."
    ]  # fmt: skip
    code, told, _ = said("check", "latest", "--json")
    assert [json.loads(told)[key] for key in ("places", "lacking")] == [[f"{tmp_path}/kept"], [f"{tmp_path}/empty"]]


def test_the_latest_is_that_of_all_places_and_a_whole_copy_of_it(tmp_path: Path) -> None:
    first, second, third = places = [open_place(str(tmp_path / name), {}) for name in ("a", "b", "c")]
    old, new = "shop-20260101T000001Z", "shop-20260101T000002Z"

    def write_to(these: list[Place], name: str) -> None:
        with new_archive(these, name, ()) as writer:
            part = writer.dump("service.db", [b"content"], "", ())
            writer.finish(replace(EMPTY, id=name, parts=(part,), created_at=f"2026-01-01T00:00:0{name[-2]}+00:00"))

    write_to([first, second], old)
    write_to([second, third], new)
    found = find_archive(places, "shop", "latest")
    assert (found.id, found.place, found.notes) == (new, second, ()), "the first place has an older one only"
    assert find_archive(places, "shop", old).place is first

    (tmp_path / "b" / new / "service.db.dump").write_bytes(b"cont")
    found = find_archive(places, "shop", "latest")
    [note] = found.notes
    assert (found.id, found.place) == (new, third)
    assert note.endswith(f"in {second.url}; the copy in {third.url} is taken")
    (tmp_path / "c" / new / "service.db.dump").unlink()
    assert find_archive(places, "shop", "latest").place is second, "no copy is whole: it is refused when it is read"

    (tmp_path / "b" / new / "manifest.json").write_bytes(b"")
    assert find_archive(places, "shop", "latest").place is third
    (tmp_path / "c" / new / "manifest.json").write_bytes(b"")
    found = find_archive(places, "shop", "latest")
    assert (found.id, found.place, len(found.passed_over)) == (old, first, 1)
