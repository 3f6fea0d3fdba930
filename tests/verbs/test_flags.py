"""What single options do, on one environment that stays up: each row is a command line and what it has to say."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.swarm.environment import SwarmEnvironment
from tests.verbs.conftest import IMAGE, Verbs, made, service

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"
_SAYS = ["sh", "-c", "echo one; exec sleep infinity"]


@pytest.fixture(params=("containers", "swarm"), scope="module")
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verbs]:
    """Two replicas of `web`, `says` that has said a line, `open` with a port over UDP, `gone` that is declared no more,
    `rests` that is stopped."""
    with made(request, tmp_path_factory.mktemp("shop")) as verbs:
        environment = verbs.environment
        environment.write({"services": {**_services(verbs), "gone": service()}})
        environment.apply()
        environment.write({"services": _services(verbs)})
        assert environment.run("stop", "-t", "0", "rests").code == 0
        yield verbs


def _services(verbs: Verbs) -> dict[str, Any]:
    twice = {"endpoint_mode": "dnsrr", "update_config": {"monitor": "100ms"}, "replicas": 2}
    port = 20000 + int(verbs.environment.project[-4:], 16) % 10000
    reached = {"deploy": {"update_config": {"monitor": "100ms"}}} if verbs.swarm else {}
    return {
        "web": service(deploy=twice, depends_on=["says"]),
        "says": service(command=_SAYS, develop={"watch": [{"path": "watched", "action": "sync", "target": "/tmp"}]}),
        "rests": service(),
        "open": {**service(), **reached, "ports": [f"{port}:53/udp"]},
    }  # fmt: skip


def _replica(verbs: Verbs, number: int) -> Any:
    """The container of a replica of `web`."""
    wanted = "com.docker.swarm.task.name" if verbs.swarm else "provisioner.address"
    mark = f"web.{number}." if verbs.swarm else f"[{number}]"
    [one] = [each for each in verbs.containers("web") if mark in each.labels[wanted]]
    return one


def _done(verbs: Verbs, *words: str, code: int = 0) -> str:
    done = verbs.environment.run(*words)
    assert done.code == code, (words, done)
    return done.stdout


# Words, and what standard output has to be (a regular expression).
LOOKS: tuple[tuple[str, str], ...] = (
    ("logs --timestamps --no-log-prefix says", rf"{_TIME} one\n"),
    ("logs -t says", rf"service\.says\[1\] *\| {_TIME} one\n|service\.says *\| {_TIME} one\n"),
    ("logs -n 0 says", ""),
    ("port --protocol udp open 53", r"(0\.0\.0\.0|\[::\]):2\d{4}\n"),
    ("ps --services", r"gone\nopen\nsays\nweb\n"),
    ("ps --services --no-orphans", r"open\nsays\nweb\n"),
    ("ps --services --orphans --all", r"gone\nopen\n(rests\n)?says\nweb\n"),
    ("ps --no-trunc --format {{.ID}} says", r"[0-9a-f]{64}\n"),
    ("ps --filter status=running --services --no-orphans", r"open\nsays\nweb\n"),
    ("stats --no-stream --no-trunc --format {{.ID}} says", r"[0-9a-f]{64}\n"),
    ("images -q says", r"[0-9a-f]{64}\n"),
)  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), LOOKS, ids=[words for words, _ in LOOKS])
def test_what_is_shown(shop: Verbs, words: str, expected: str) -> None:
    shown = _done(shop, *words.split())
    assert re.fullmatch(expected, shown), shown


def test_what_is_shown_to_programs(shop: Verbs) -> None:
    said = json.loads(_done(shop, "logs", "--json", "says"))
    assert "one" in json.dumps(said)
    [one] = json.loads(_done(shop, "images", "--json", "says"))
    assert f"{one['Repository']}:{one['Tag']}" == IMAGE
    [figures] = [json.loads(line) for line in _done(shop, "stats", "--no-stream", "--json", "says").splitlines()]
    assert figures["PIDs"] == "1"
    project = shop.environment.project
    for words in (["--json"], ["--all", "--json"], ["-a", "--format", "json"]):
        assert project in {one["Name"] for one in json.loads(_done(shop, "ls", *words))}


def test_a_replica_is_named_by_its_number(shop: Verbs) -> None:
    first, second = _replica(shop, 1), _replica(shop, 2)
    assert _done(shop, "exec", "-T", "--index", "2", "web", "hostname") == f"{second.id[:12]}\n"
    assert _done(shop, "exec", "-T", "web", "hostname") == f"{first.id[:12]}\n"
    assert shop.environment.run("exec", "-T", "--index", "3", "web", "true").code != 0
    assert _done(shop, "exec", "--detach", "--index", "2", "web", "touch", "/tmp/detached") == ""
    deadline = time.monotonic() + 20
    while second.exec_run(["ls", "/tmp/detached"]).exit_code and time.monotonic() < deadline:
        time.sleep(0.1)
    assert second.exec_run(["ls", "/tmp/detached"]).exit_code == 0
    assert first.exec_run(["ls", "/tmp/detached"]).exit_code != 0
    assert _done(shop, "port", "--protocol", "udp", "--index", "1", "open", "53")


def test_what_makes_it_run_is_said_where_it_does_not(shop: Verbs) -> None:
    for verb in (["exec", "-T", "rests", "true"], ["attach", "rests"]):
        done = shop.environment.run(*verb)
        assert (done.code, "Next: provision start rests" in done.stderr) == (1, True), done
    if shop.swarm:
        return
    _done(shop, "pause", "says")
    try:
        done = shop.environment.run("exec", "-T", "says", "true")
        assert (done.code, "Next: provision unpause says" in done.stderr) == (1, True), done
    finally:
        _done(shop, "unpause", "says")


def test_a_variable_without_a_value_has_the_shells(shop: Verbs) -> None:
    for words in ("exec -T", "run --rm -T --no-deps"):
        line = [*words.split(), "-e", "OWN", "-e", "NOWHERE", "-e", "SAID=2", "web", "sh", "-c"]
        done = shop.environment.run(*line, "echo $OWN ${NOWHERE-none} $SAID", OWN="of the shell")
        assert (done.code, done.stdout) == (0, "of the shell none 2\n"), done


def test_files_go_to_one_replica_or_to_all_and_belong_to_its_user(shop: Verbs) -> None:
    first, second = _replica(shop, 1), _replica(shop, 2)
    (shop.environment.folder / "file").write_text("x\n")
    _done(shop, "cp", "--index", "2", "file", "web:/tmp/second")
    _done(shop, "cp", "--archive", "file", "web:/tmp/everywhere")
    for container, there in ((first, ["everywhere"]), (second, ["everywhere", "second"])):
        listed = container.exec_run(["ls", "/tmp"]).output.decode().split()
        assert [name for name in listed if name in ("everywhere", "second")] == there
        assert container.exec_run(["stat", "-c", "%u:%g", "/tmp/everywhere"]).output == b"0:0\n"
    _done(shop, "cp", "--index", "2", "web:/tmp/second", "back")
    assert (shop.environment.folder / "back").read_text() == "x\n"
    assert shop.environment.run("cp", "--index", "1", "web:/tmp/second", "back").code == 1


def test_files_go_into_what_run_has_started_where_that_is_asked_for(shop: Verbs) -> None:
    (shop.environment.folder / "file").write_text("x\n")
    name = f"{shop.environment.project}-run-files"
    _done(shop, "run", "-d", "--no-deps", "--name", name, "says", "sleep", "600")
    engine = shop.environment.engine
    try:
        one = _started(shop, name)
        _done(shop, "cp", "file", "says:/tmp/not-asked")
        _done(shop, "cp", "--all", "file", "says:/tmp/asked")
        assert one.exec_run(["ls", "/tmp"]).output == b"asked\n"
        [whole] = shop.containers("says")
        assert b"not-asked" in whole.exec_run(["ls", "/tmp"]).output
    finally:
        if shop.swarm:
            engine.api.remove_service(name)
        else:
            engine.api.remove_container(name, force=True)


def _started(verbs: Verbs, name: str) -> Any:
    """The container that `run` made under a name, once it runs."""
    deadline = time.monotonic() + 30
    while True:
        found = [one for one in verbs.environment.engine.containers.list() if one.name.startswith(name)]
        if found or time.monotonic() > deadline:
            return found[0]
        time.sleep(0.1)


def test_a_command_of_its_own_has_what_is_said(shop: Verbs) -> None:
    (shop.environment.folder / "more.env").write_text("FROM_FILE=1\nBOTH=file\n")
    shown = _done(
        shop, "run", "--rm", "-T", "--no-deps", "--quiet-pull", "--quiet-build", "--env-from-file", "more.env",
        "-e", "BOTH=line", "says", "sh", "-c", "echo $FROM_FILE $BOTH",
    )  # fmt: skip
    assert shown == "1 line\n"
    # CAP_CHOWN is the lowest bit of what a process may do, CAP_SYS_TIME the 25th (capabilities(7)).
    script = "sed -n 's/^CapBnd:.//p' /proc/self/status"
    words = ["--rm", "-T", "--no-deps", "--cap-add", "SYS_TIME", "--cap-drop", "CHOWN", "says", "sh", "-c", script]
    allowed = int(_done(shop, "run", *words), 16)
    assert (allowed & 1, allowed >> 25 & 1) == (0, 1)
    never = shop.environment.run("run", "--rm", "-T", "--no-deps", "--pull", "never", "--no-build", "says", "true")
    assert never.code == (64 if shop.swarm else 0), never


@pytest.mark.parametrize(
    "words", [["--service-ports"], ["-P"], ["--publish", "{port}:53/udp"], ["-p", "{port}:53/udp"]]
)
def test_a_command_of_its_own_publishes_what_is_said(shop: Verbs, words: list[str], unused_port: int) -> None:
    """The service's own port is taken by the service, so that asking for it is refused by the engine."""
    given = [word.format(port=unused_port) for word in words]
    name = f"{shop.environment.project}-run-port"
    done = shop.environment.run("run", "-d", "--no-deps", "--name", name, *given, "open", "sleep", "600")
    api = shop.environment.engine.api
    try:
        if len(words) == 1:
            assert done.code != 0, done
            assert "port" in done.stderr
        else:
            assert done.code == 0, done
            found = api.inspect_service(name)["Spec"] if shop.swarm else api.inspect_container(name)["HostConfig"]
            assert str(unused_port) in json.dumps(found)
    finally:
        left = [one["Spec"]["Name"] for one in api.services()] if shop.swarm else shop.one_offs()
        for one in left:
            if one == name:
                api.remove_service(one) if shop.swarm else api.remove_container(one, force=True)


def test_a_command_of_its_own_is_found_under_the_services_name_where_that_is_asked_for(shop: Verbs) -> None:
    if shop.swarm:
        return
    api = shop.environment.engine.api
    for words, found in (([], False), (["--use-aliases"], True)):
        name = f"{shop.environment.project}-run-alias"
        _done(shop, "run", "-d", "--no-deps", "--name", name, *words, "says", "sleep", "600")
        networks = api.inspect_container(name)["NetworkSettings"]["Networks"].values()
        assert ("says" in {alias for one in networks for alias in one["Aliases"] or ()}) == found
        api.remove_container(name, force=True)


def test_attached_to_a_replica_without_input(shop: Verbs) -> None:
    joined = shop.environment.start("attach", "--index", "2", "--no-stdin", "--no-sig-proxy", "web")
    try:
        time.sleep(1.5)
        assert joined.poll() is None
        os.kill(joined.pid, signal.SIGINT)
        assert joined.wait(30) == 130
    finally:
        joined.kill()
        joined.communicate()
    assert shop.environment.run("attach", "--index", "3", "web").code == 64


def test_sources_are_watched_without_an_apply(shop: Verbs) -> None:
    environment = shop.environment
    (environment.folder / "watched").mkdir()
    environment.write({"services": {**_services(shop), "later": service()}})
    watching = environment.start("watch", "--no-up", "--interval", "0.1", "says")
    try:
        assert watching.stdout is not None
        assert "watching" in watching.stdout.readline()
        (environment.folder / "watched" / "new").write_text("x\n")
        assert "to /tmp" in watching.stdout.readline()
    finally:
        watching.kill()
        watching.communicate()
        environment.write({"services": _services(shop)})
    [says] = shop.containers("says")
    assert says.exec_run(["cat", "/tmp/new"]).output == b"x\n"
    assert shop.containers("later", running=False) == []


def test_started_and_scaled_with_a_limit_of_time(shop: Verbs) -> None:
    """Last: they change what is there."""
    _done(shop, "start", "--wait", "--wait-timeout", "60", "rests")
    assert len(shop.containers("rests")) == 1
    _done(shop, "scale", "--no-deps", "--wait-timeout", "60", "web=1")
    _until_there_are(shop, 1, "web")
    _done(shop, "up", "-d", "--scale", "web=2", "--no-verify", "--wait-timeout", "60", "--parallel", "2")
    _until_there_are(shop, 2, "web")
    before = {name: shop.containers(name)[0].id for name in ("says", "open")}
    _done(shop, "up", "-d", "--force-recreate", "--always-recreate-deps", "web")
    after = {name: shop.containers(name)[0].id for name in ("says", "open")}
    assert after["says"] != before["says"]
    assert after["open"] == before["open"]
    assert len(shop.containers("gone")) == 1
    _done(shop, "up", "-d", "--remove-orphans", "--quiet-pull", "--quiet-build")
    _until_there_are(shop, 0, "gone")


def _until_there_are(verbs: Verbs, number: int, name: str) -> None:
    """On a plain engine at once; the tasks of a Swarm end in their own time."""
    deadline = time.monotonic() + (30 if verbs.swarm else 0)
    while len(verbs.containers(name)) != number:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_waited_for_and_then_taken_down(verbs: Verbs) -> None:
    environment = verbs.environment
    once = service(command=["sleep", "6"], restart="no")
    if verbs.swarm:
        once["deploy"] = {**once["deploy"], "restart_policy": {"condition": "none"}}
    environment.services(web=service(), once=once)
    environment.apply("--no-verify")
    done = environment.run("wait", "--down-project", "once")
    assert done.code == 0, done
    assert verbs.containers("web") == []


def test_lines_of_what_stays_are_chosen_and_have_their_time(verbs: Verbs) -> None:
    environment = verbs.environment
    says = service(command=["sh", "-c", "echo noise; exec sleep infinity"])
    ends = service(command=["sh", "-c", "sleep 1; echo wanted"], depends_on=["says"])
    environment.services(says=says, ends=ends)
    done = environment.run("up", "--abort-on-container-exit", "--no-attach", "says", "--timestamps", "--no-log-prefix")
    # A Swarm may have needed more than one attempt to start it, and then another end was the first.
    assert done.code == 0 or verbs.swarm, done
    assert re.match(rf"{_TIME} wanted\n", done.stdout), done
    assert "noise" not in done.stdout


def test_created_as_is_said(verbs: Verbs) -> None:
    environment = verbs.environment
    environment.services(web=service())
    made_it = ["--no-recreate", "--quiet-pull", "--quiet-build", "--no-build"]
    pull = [] if verbs.swarm else ["--pull", "missing"]
    assert environment.run("create", *made_it, *pull, "--scale", "web=2").code == 0
    if isinstance(environment, SwarmEnvironment):
        assert environment.service("web")["Spec"]["Mode"] == {"Replicated": {"Replicas": 0}}
    else:
        assert len(verbs.containers("web", running=False)) == 2


@pytest.mark.parametrize(("asked", "left"), [("local", {"own"}), ("all", set())])
def test_images_go_along_where_that_is_asked_for(verbs: Verbs, asked: str, left: set[str]) -> None:
    if verbs.swarm:
        return
    environment, engine = verbs.environment, verbs.environment.engine
    (environment.folder / "Dockerfile").write_text(f"FROM {IMAGE}\nLABEL made={secrets.token_hex(4)}\n")
    own = f"{environment.project}/own:1"
    engine.images.get(IMAGE).tag(f"{environment.project}/own", "1")
    built = dict(service(build="."))
    del built["image"]
    environment.services(web=built, other=service(image=own))
    assert environment.run("up", "-d", "--build").code == 0
    done = environment.run("down", "--rmi", asked)
    assert done.code == 0, done
    tags = {tag for one in engine.images.list() for tag in one.tags if environment.project in tag}
    assert tags == ({own} if left else set())


def test_images_of_what_is_needed_are_pulled_where_that_is_asked_for(verbs: Verbs) -> None:
    """The image of `db` is nowhere, so that asking for it fails."""
    environment = verbs.environment
    environment.services(web=service(depends_on=["db"]), db=service(image="localhost:9/nowhere:1"))
    for words, code in (
        (["--policy", "missing"], 0),
        (["--policy", "missing", "--include-deps"], 1),
        (["--policy", "missing", "--include-deps", "--ignore-pull-failures"], 0),
    ):
        done = environment.run("pull", *words, "web")
        assert done.code == code, (words, done)
        assert ("nowhere" in done.text) == ("--include-deps" in words), (words, done)


def test_images_of_what_is_needed_are_built_where_that_is_asked_for(verbs: Verbs) -> None:
    if verbs.swarm:
        return
    environment = verbs.environment
    for name, said in (("good", f"FROM {IMAGE}\n"), ("bad", f"FROM {IMAGE}\nCOPY nowhere /\n")):
        (environment.folder / name).mkdir()
        (environment.folder / name / "Dockerfile").write_text(said)
    web, db = service(build="good", depends_on=["db"]), service(build="bad")
    del web["image"], db["image"]
    environment.services(web=web, db=db)
    assert environment.run("build", "web").code == 0
    assert environment.run("build", "--with-dependencies", "web").code == 1
