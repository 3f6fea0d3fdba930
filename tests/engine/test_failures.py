"""What goes wrong is told: the object, the reason, its last words, what was done and what was not."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import docker.errors
import pytest

from provisioner.engines.connect import Endpoint
from provisioner.engines.docker_api import connect
from provisioner.errors import Unreachable
from tests.engine.environment import Environment, Outcome, interrupt, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.decoys import Decoys

pytestmark = pytest.mark.engine


def _failed(environment: Environment, *arguments: str) -> Outcome:
    """One failed apply, told in words."""
    outcome = environment.run("apply", "--yes", *arguments)
    assert outcome.code == 1, outcome
    assert "Traceback" not in outcome.text
    return outcome


def test_a_port_that_is_taken_after_the_plan_was_made(environment: Environment, decoys: Decoys) -> None:
    slow = {"test": ["CMD", "true"], "interval": "2s"}
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        environment.services(
            first=service(healthcheck=slow),
            web=service(ports=[f"127.0.0.1:{port}:80"], depends_on={"first": {"condition": "service_healthy"}}),
            page=service(depends_on={"web": {"condition": "service_started"}}),
        )
        process = environment.start("apply", "--yes")
        while process.poll() is None and f"container {environment.project}-first-1" not in environment.objects():
            time.sleep(0.05)
        holder.listen()
        stdout, _ = process.communicate(timeout=120)
        assert process.returncode == 1, stdout
        refused = _failed(environment)
    assert "service.web[1]" in stdout
    assert "address already in use" in stdout or "port is already allocated" in stdout
    assert "free it, or publish another" in stdout
    assert "Done:" in stdout
    assert "network.default: created" in stdout
    assert "Not done:" in stdout
    assert "service.page[1]" in stdout.partition("Not done:")[2]
    # Now that it is there when the plan is made, nothing is touched.
    held = f"host port 127.0.0.1:{port} is held by a process of the engine's machine, not a container"
    assert held in refused.stdout + refused.stderr
    environment.apply()
    environment.require_inert()


def test_an_image_that_does_not_exist(environment: Environment) -> None:
    environment.services(web=service(image="busybox:no-such-tag-at-all"), other=service())
    told = _failed(environment)
    assert "image busybox:no-such-tag-at-all can not be pulled" in told.stdout
    assert "check the name and the tag" in told.stdout
    environment.services(web=service(), other=service())
    environment.apply()
    environment.require_inert()


def test_a_health_check_that_never_passes(environment: Environment) -> None:
    broken = service(
        command=["sh", "-c", "echo no database in sight; exec sleep infinity"],
        # The second apply waits for another verdict for as long as a probe may take.
        healthcheck={
            "test": ["CMD-SHELL", "echo connection refused; exit 7"], "interval": "0.2s", "timeout": "4s", "retries": 2,
        },
    )  # fmt: skip
    environment.services(web=broken)
    began = time.monotonic()
    told = _failed(environment)
    assert time.monotonic() - began < 30
    assert "its health check fails" in told.stdout
    assert "health check exited with 7: connection refused" in told.stdout
    assert "no database in sight" in told.stdout
    again = _failed(environment)
    assert "its health check fails" in again.stdout, "what is not healthy is not well the second time either"
    assert environment.proxy is not None


def test_a_verdict_of_before_keeps_nobody_from_starting(environment: Environment) -> None:
    """An engine calls a container unhealthy until its check is run again, though what was wrong is mended by then."""
    check = {"test": ["CMD", "test", "-e", "/tmp/ok"], "interval": "3s", "retries": 1}
    environment.services(
        api=service(command=["sh", "-c", "touch /tmp/ok; exec sleep 999"], healthcheck=check),
        web=service(depends_on={"api": {"condition": "service_healthy"}}),
    )
    environment.apply()
    environment.container("api-1").exec_run(["rm", "/tmp/ok"])
    environment.container("web-1").stop(timeout=0)
    while environment.container("api-1").attrs["State"]["Health"]["Status"] != "unhealthy":
        time.sleep(0.1)
    environment.container("api-1").exec_run(["touch", "/tmp/ok"])
    assert environment.container("api-1").attrs["State"]["Health"]["Status"] == "unhealthy"
    environment.apply()
    assert environment.container("web-1").status == "running"
    environment.require_inert()


def test_a_wait_has_an_end(environment: Environment) -> None:
    environment.services(web=service(healthcheck={"test": ["CMD", "false"], "interval": "0.2s", "retries": 10_000}))
    told = _failed(environment, "--wait-timeout", "2")
    assert "not ready after 2 s" in told.stdout
    assert "--wait-timeout" in told.stdout


def test_a_container_that_exits_at_once(environment: Environment) -> None:
    lines = "; ".join(f"echo line {number}" for number in range(30))
    environment.services(web={"image": "busybox:1.36", "command": ["sh", "-c", f"{lines}; exit 9"]})
    told = _failed(environment)
    assert "it exited with code 9" in told.stdout
    assert "line 29" in told.stdout
    assert "line 1\n" not in told.stdout
    environment.services(web=service())
    environment.apply()
    environment.require_inert()


def test_a_container_that_restarts_again_and_again(environment: Environment) -> None:
    environment.services(
        web={"image": "busybox:1.36", "command": ["sh", "-c", "echo oops; exit 4"], "restart": "always"}
    )
    told = _failed(environment)
    assert "oops" in told.stdout
    assert _failed(environment).code == 1, "a crash loop is not well the second time either"
    environment.services(web=service())
    environment.apply()
    environment.require_inert()


def test_a_command_that_is_not_in_the_image(environment: Environment) -> None:
    environment.services(web=service(command=["no-such-program"]))
    told = _failed(environment)
    assert "no-such-program" in told.stdout
    environment.services(web=service())
    environment.apply()
    environment.require_inert()


def test_a_build_that_fails(environment: Environment) -> None:
    environment.write("FROM busybox:1.36\nRUN echo compiling && exit 12\n", "app/Dockerfile")
    environment.services(web=service(build="app", image=f"{environment.project}-web:1"))
    told = _failed(environment)
    assert "can not be built" in told.stdout
    assert "12" in told.stdout


def test_no_engine(environment: Environment) -> None:
    environment.services(web=service())
    environment.proxy, environment.url = None, f"unix://{environment.folder}/none.sock"
    outcome = environment.run("apply", "--yes")
    assert outcome.code == 69
    assert "no Docker Engine answers at unix://" in outcome.stderr
    assert "start the Docker Engine" in outcome.stderr


def test_a_socket_that_is_not_allowed(environment: Environment) -> None:
    assert environment.proxy is not None
    path = Path(environment.proxy.url.removeprefix("unix://"))
    path.chmod(0)
    with warnings.catch_warnings():
        # The client library leaves the socket that it could not connect to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        code, hint = _refusal(environment.proxy.url)
        gc.collect()
    assert code == 69
    assert "group docker" in hint


def _refusal(url: str) -> tuple[int, str]:
    """How a user who may not use the socket is refused: exit code and hint."""
    with _nobody(), pytest.raises(Unreachable) as refused:
        connect(Endpoint(url, "--host"))
    return refused.value.exit_code, str(refused.value.hint)


@contextlib.contextmanager
def _nobody() -> Iterator[None]:
    """As a user without rights, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


BAD = {
    "duplicate key": 'services:\n  web:\n    image: a\n    image: b\n',
    "unknown key": "services:\n  web:\n    image: a\n    imege: b\n",
    "wrong type": "services:\n  web:\n    image: [a]\n",
    "dependency cycle": "services:\n  a:\n    image: x\n    depends_on: [b]\n  b:\n    image: x\n    depends_on: [a]\n",
    "include cycle": "include: [compose.yaml]\nservices:\n  web:\n    image: a\n",
    "unset required variable": "services:\n  web:\n    image: ${NOBODY_SETS_THIS:?give it}\n",
    "missing file": "services:\n  web:\n    image: a\n    env_file: nowhere.env\n",
    "tabs": "services:\n\tweb:\n\t\timage: a\n",
    "invalid UTF-8": b"services:\n  web:\n    image: \xff\xfe\n",
    "alias bomb": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{n}: &{n} [{','.join(['*' + p] * 9)}]\n" for p, n in zip("abcdefghi", "bcdefghij", strict=True))
    + "services: {}\n",
    "empty file": "",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_touches_nothing(name: str, environment: Environment) -> None:
    text = BAD[name]
    (environment.folder / "compose.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = environment.run("apply", "--yes")
    assert outcome.code == 65, outcome
    assert "compose.yaml" in outcome.stderr
    if name != "empty file":
        assert "compose.yaml:" in outcome.stderr, "there is no position"
    assert environment.proxy is not None
    assert environment.proxy.mutating == []


def test_all_problems_at_once(environment: Environment) -> None:
    environment.write(
        "services:\n  web:\n    imege: a\n    ports: 80\n  page:\n    image: a\n    depends_on: [wep]\n", "compose.yaml"
    )
    told = environment.run("apply", "--yes")
    assert told.code == 65
    assert "compose.yaml:3:5" in told.stderr
    assert "compose.yaml:4:" in told.stderr
    assert "image" in told.stderr


def test_ctrl_c_finishes_the_step_in_hand(environment: Environment, decoys: Decoys) -> None:
    before = environment.objects()
    slow = service(healthcheck={"test": ["CMD", "false"], "interval": "1s", "retries": 1000})
    environment.services(web=slow, page=service(depends_on={"web": {"condition": "service_healthy"}}))
    process = environment.start("apply", "--yes")
    for _ in range(200):
        if f"container {environment.project}-web-1" in environment.objects():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    interrupt(process)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stdout + stderr
    assert "finishing the steps in hand" in stderr
    assert "Done:" in stdout
    assert "Not done:" in stdout
    assert f"container {environment.project}.lease" not in environment.objects() - before
    environment.services(web=service(), page=service(depends_on={"web": {"condition": "service_healthy"}}))
    environment.apply()
    environment.require_inert()


def test_two_applies_at_once(environment: Environment) -> None:
    slow = service(healthcheck={"test": ["CMD-SHELL", "test -e /go"], "interval": "0.2s", "retries": 1000})
    environment.services(web=slow)
    first = environment.start("apply", "--yes")
    for _ in range(200):
        if f"container {environment.project}-web-1" in environment.objects():
            break
        time.sleep(0.1)
    environment.services(web=service(environment={"NEW": "1"}))
    second = environment.run("apply", "--yes")
    assert second.code == 75, second
    assert f"(process {first.pid})" in second.stderr
    assert "since" in second.stderr
    assert environment.run("destroy", "--yes").code == 75
    while first.poll() is None:
        environment.container("web-1").exec_run(["touch", "/go"])
        time.sleep(0.3)
    stdout, stderr = first.communicate(timeout=30)
    assert first.returncode == 0, stdout + stderr
    environment.apply()
    environment.require_inert()


def test_the_lease_of_a_dead_holder_is_taken_over_at_once(environment: Environment) -> None:
    slow = service(healthcheck={"test": ["CMD", "false"], "interval": "1s", "retries": 1000})
    environment.services(web=slow)
    first = environment.start("apply", "--yes")
    for _ in range(200):
        if f"container {environment.project}-web-1" in environment.objects():
            break
        time.sleep(0.1)
    first.kill()
    first.communicate(timeout=30)
    assert f"container {environment.project}.lease" in environment.objects()
    environment.services(web=service())
    began = time.monotonic()
    environment.apply()
    assert time.monotonic() - began < 15
    assert f"container {environment.project}.lease" not in environment.objects()
    environment.require_inert()


def test_a_network_whose_name_another_client_takes_at_the_same_moment(environment: Environment) -> None:
    """Engines before 25 make both, and then put no container on either by name."""
    environment.services(web=service())
    assert environment.proxy is not None
    name = f"{environment.project}_default"
    others: list[str] = []

    def make(request: object) -> None:
        with contextlib.suppress(docker.errors.APIError):
            others.append(environment.engine.api.create_network(name)["Id"])

    environment.proxy.fail(1, where=lambda request: request.path.endswith("/networks/create"), after=make)
    outcome = environment.run("apply", "--yes")
    if not others:
        # This engine gives a name once.
        assert outcome.code == 0, outcome
        return
    assert outcome.code == 1, outcome
    assert f"a network named {name} is there already" in outcome.text
    assert [network.id for network in environment.engine.networks.list(names=[name])] == others
    environment.engine.api.remove_network(others[0])
    environment.apply()
    environment.require_inert()
