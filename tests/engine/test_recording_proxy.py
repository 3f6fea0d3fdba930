"""The proxy that other tests rely on, between a real client and the real engine."""

from __future__ import annotations

import contextlib
import io
import subprocess
import time
from typing import TYPE_CHECKING

import docker
import docker.errors
import pytest
import requests.exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.recording_proxy import RecordedRequest, RecordingProxy

pytestmark = [pytest.mark.engine, pytest.mark.timeout(60)]

IMAGE = "busybox:1.36"


@pytest.fixture
def client(engine: docker.DockerClient, recording_proxy: RecordingProxy) -> Iterator[docker.DockerClient]:
    engine.images.pull(IMAGE)
    with contextlib.closing(docker.DockerClient(base_url=recording_proxy.url, timeout=10)) as through_proxy:
        yield through_proxy


def test_records_what_changes_and_what_only_reads(
    client: docker.DockerClient, recording_proxy: RecordingProxy, project: str
) -> None:
    client.ping()
    volume = client.volumes.create(f"{project}-data", labels={"a": "b"})
    client.volumes.list()
    volume.remove()
    assert [str(request) for request in recording_proxy.mutating] == [
        "POST /volumes/create 201",
        f"DELETE /volumes/{project}-data 204",
    ]
    assert recording_proxy.mutating[0].json()["Labels"] == {"a": "b"}
    assert [request.path for request in recording_proxy.requests if not request.mutating][-1] == "/volumes"


def test_streams_pass_both_ways(client: docker.DockerClient, project: str) -> None:
    container = client.containers.run(IMAGE, ["sh", "-c", "echo ready; sleep 60"], name=f"{project}-one", detach=True)
    assert container.exec_run(["echo", "hello"]).output == b"hello\n"
    lines = container.logs(stream=True, follow=True)
    assert next(lines) == b"ready\n"
    container.kill()
    assert list(lines) == []
    archive, _ = container.get_archive("/etc/passwd")
    assert b"root:x:0" in b"".join(archive)


def test_standard_input_reaches_the_container_to_its_end(
    recording_proxy: RecordingProxy, engine: docker.DockerClient, project: str
) -> None:
    engine.images.pull(IMAGE)
    text = "line\n" * 50_000
    run = subprocess.run(
        ["docker", "-H", recording_proxy.url, "run", "--rm", "-i", "--name", f"{project}-one", IMAGE, "wc", "-l"],
        input=text,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (run.stdout.strip(), run.stderr) == ("50000", "")


def test_a_build_passes(client: docker.DockerClient, project: str) -> None:
    recipe = io.BytesIO(f"FROM {IMAGE}\nRUN echo built >/result\n".encode())
    image, _ = client.images.build(fileobj=recipe, tag=f"{project}-image", rm=True)
    assert client.containers.run(image.id, ["cat", "/result"], name=f"{project}-one", remove=True) == b"built\n"


def test_an_injected_status_does_not_reach_the_engine(
    client: docker.DockerClient, engine: docker.DockerClient, recording_proxy: RecordingProxy, project: str
) -> None:
    recording_proxy.fail(2, "status:500")
    client.volumes.create(f"{project}-1")
    with pytest.raises(docker.errors.APIError, match="injected by a test"):
        client.volumes.create(f"{project}-2")
    client.volumes.create(f"{project}-3")
    assert _volumes(engine, project) == [f"{project}-1", f"{project}-3"]
    assert [request.fault for request in recording_proxy.mutating] == [None, "status:500", None]


@pytest.mark.parametrize(("mode", "done"), [("eof-before", False), ("eof-after", True), ("cut-body", True)], ids=str)
def test_a_lost_answer(
    client: docker.DockerClient,
    engine: docker.DockerClient,
    recording_proxy: RecordingProxy,
    project: str,
    mode: str,
    done: bool,
) -> None:
    recording_proxy.fail(1, mode)
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.volumes.create(f"{project}-data")
    assert _volumes(engine, project) == ([f"{project}-data"] if done else [])


@pytest.mark.parametrize(("mode", "done"), [("hang", False), ("hang-after", True)])
def test_an_engine_that_does_not_answer(
    engine: docker.DockerClient, recording_proxy: RecordingProxy, project: str, mode: str, done: bool
) -> None:
    recording_proxy.fail(1, mode)
    with (
        contextlib.closing(docker.DockerClient(base_url=recording_proxy.url, timeout=1)) as impatient,
        pytest.raises(requests.exceptions.ReadTimeout),
    ):
        impatient.volumes.create(f"{project}-data")
    assert _volumes(engine, project) == ([f"{project}-data"] if done else [])


def test_a_client_can_be_killed_before_and_after_the_engine_has_acted(
    engine: docker.DockerClient, recording_proxy: RecordingProxy, project: str
) -> None:
    seen: list[list[str]] = []

    def look(request: RecordedRequest) -> None:
        seen.append(_volumes(engine, project))

    def kill(request: RecordedRequest) -> None:
        look(request)
        process.kill()

    recording_proxy.fail(1, before=look, after=kill)
    process = subprocess.Popen(
        ["docker", "-H", recording_proxy.url, "volume", "create", f"{project}-data"], stdout=subprocess.PIPE
    )
    output, _ = process.communicate(timeout=30)
    assert seen == [[], [f"{project}-data"]]
    assert (process.returncode, output) == (-9, b"")


def test_the_engine_notices_that_a_client_has_gone(recording_proxy: RecordingProxy) -> None:
    follower = subprocess.Popen(["docker", "-H", recording_proxy.url, "events"], stdout=subprocess.DEVNULL)
    _until(lambda: any(request.path == "/events" for request in recording_proxy.requests))
    follower.kill()
    follower.wait(10)
    _until(lambda: recording_proxy.connections == 0)


def test_only_chosen_requests_are_counted(
    client: docker.DockerClient, engine: docker.DockerClient, recording_proxy: RecordingProxy, project: str
) -> None:
    recording_proxy.fail(1, "status:409", where=lambda request: request.method == "DELETE")
    volume = client.volumes.create(f"{project}-data")
    with pytest.raises(docker.errors.APIError, match="409"):
        volume.remove()
    volume.remove()
    assert _volumes(engine, project) == []


def test_an_unknown_mode_is_told(recording_proxy: RecordingProxy) -> None:
    with pytest.raises(ValueError, match="eof-before"):
        recording_proxy.fail(1, "explode")


def _volumes(engine: docker.DockerClient, project: str) -> list[str]:
    return sorted(volume.name for volume in engine.volumes.list() if volume.name.startswith(project))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
