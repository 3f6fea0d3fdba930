"""Checks that run inside containers, on a real engine."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_api import connect
from provisioner.model.playbook import Check
from provisioner.model.span import Span
from provisioner.verify.kind import CheckContext
from provisioner.verify.run import run

pytestmark = pytest.mark.engine

CLOCK = SimpleNamespace(now=time.monotonic, sleep=time.sleep)


@pytest.fixture
def network(engine, project):
    return engine.networks.create(f"{project}_net")


@pytest.fixture
def start(engine, project, network):
    """Start a container of a service on the test's network; it is reachable under the service's name."""

    def make(service, image, command, *, init=True, **options):
        engine.images.pull(image)
        endpoint = engine.api.create_endpoint_config(aliases=[service])
        made = engine.api.create_container(
            image,
            entrypoint=command,
            name=f"{project}-{service}-1",
            networking_config=engine.api.create_networking_config({network.name: endpoint}),
            host_config=engine.api.create_host_config(init=init),
            **options,
        )
        engine.api.start(made["Id"])
        return made["Id"]

    return make


@pytest.fixture
def world(engine_url, engine, project):
    def containers(service):
        found = engine.api.containers(filters={"name": f"^/{project}-{service}-1$"})
        return [each["Id"] for each in found]

    return CheckContext(connect(Endpoint(engine_url, "the test")), containers, CLOCK)


def check(kind, within=0.0, **arguments):
    return Check("it holds", kind, {key.rstrip("_"): value for key, value in arguments.items()}, within, Span("p.yml"))


def listening(start):
    start("server", "busybox:1.36", ["sh", "-c", "mkdir /www && exec httpd -f -p 8080 -h /www"])


# Each image is cut down to the named programs: the probe has to manage with what is there.
@pytest.mark.parametrize(
    "programs",
    [
        ("sh", "bash", "sleep"),
        ("sh", "python3"),
        ("sh", "perl"),
        ("python3",),
        ("perl",),
    ],
    ids=" ".join,
)
def test_a_port_is_told_from_inside_whatever_the_image_brings(start, world, engine, programs):
    listening(start)
    links = "; ".join(f"ln -s $(command -v {program}) /only/{program}" for program in programs)
    # /bin/sh stays where it is, but no program is found outside /only. The first process asks for no other's end.
    client = start(
        "client",
        "python:3.12-slim",
        ["/bin/sh", "-c", f"PATH=/usr/local/bin:/usr/bin:/bin; mkdir /only; {links}; exec sleep 300"],
        environment={"PATH": "/only"},
        init=False,
    )
    ready = run(check("tcp", 10.0, from_="client", to="server:8080"), world)
    assert (ready.ok, ready.message) == (True, "server:8080 from 'client' is reachable")
    closed = run(check("tcp", from_="client", to="server:81", reachable=False), world)
    assert (closed.ok, closed.message) == (True, "server:81 from 'client' is not reachable: connection refused")
    unknown = run(check("tcp", from_="client", to="nobody:80", reachable=False), world)
    assert (unknown.ok, unknown.message) == (
        True,
        "nobody:80 from 'client' is not reachable: the name does not resolve",
    )
    silent = run(check("tcp", from_="client", to="192.0.2.1:80", reachable=False, timeout=1.0), world)
    assert silent.ok
    assert [one[-1] for one in engine.api.top(client)["Processes"]] == ["sleep 300"], "no process is left behind"


def test_busybox_manages_with_its_own_nc(start, world):
    listening(start)
    assert run(check("tcp", 10.0, from_="server", to="server:8080"), world).ok
    refused = run(check("tcp", from_="server", to="server:81"), world)
    assert not refused.ok
    assert refused.message == ("server:81 from 'server' is not reachable: connection refused, expected to be reachable")


def test_a_port_that_never_answers_is_not_reachable(start, world):
    # 192.0.2.0/24 is reserved for documentation: nothing there ever answers, or the host says so at once.
    start("client", "python:3.12-slim", ["sleep", "300"])
    before = time.monotonic()
    result = run(check("tcp", 0.0, from_="client", to="192.0.2.1:80", reachable=False, timeout=1.0), world)
    assert result.ok
    assert time.monotonic() - before < 8


@pytest.mark.parametrize("reachable", [True, False])
def test_an_image_with_nothing_to_try_with_says_so(start, world, reachable):
    start(
        "client",
        "python:3.12-slim",
        ["/bin/sh", "-c", "PATH=/bin; mkdir /only; exec sleep 300"],
        environment={"PATH": "/only"},
    )
    result = run(check("tcp", from_="client", to="client:80", reachable=reachable), world)
    assert not result.ok
    assert result.message.startswith("can not tell from 'client': the image has none of bash, python,")


def test_a_command_is_judged_by_its_code_and_output(start, world):
    start("one", "busybox:1.36", ["sleep", "300"])
    assert run(check("exec", service="one", command=["echo", "t"], stdout="t"), world).ok
    assert run(check("exec", service="one", command="echo a | tr a b; exit 3", stdout="b", exit_code=3), world).ok
    assert run(check("exec", service="one", command=["id", "-u"], user="1234", stdout="1234"), world).ok
    assert run(
        check(
            "exec", service="one", command=["sh", "-c", "echo $MOOD >&2"], environment={"MOOD": "fine"}, stderr="fine"
        ),
        world,
    ).ok
    failed = run(check("exec", service="one", command="echo why >&2; exit 4"), world)
    assert (failed.ok, failed.message) == (False, "exit code 4, expected 0: 'why'")


def test_a_program_that_is_not_there_is_a_failed_check(start, world):
    start("one", "busybox:1.36", ["sleep", "300"])
    result = run(check("exec", service="one", command=["psql"]), world)
    assert not result.ok
    assert "executable file not found" in result.message


def test_a_service_that_does_not_run_is_a_failed_check(start, world):
    result = run(check("exec", service="gone", command=["true"]), world)
    assert (result.ok, result.message) == (False, "no container of 'gone' is running")
