from __future__ import annotations

import pkgutil
import socket
from importlib import import_module

import pytest

import provisioner.verify
from provisioner.errors import EngineRefused, StepFailed, Unreachable
from provisioner.model.playbook import Check
from provisioner.model.span import Span
from provisioner.model.verification import CheckResult
from provisioner.playbook.checks import WITHIN
from provisioner.verify.kind import CheckContext, Kind
from provisioner.verify.run import kinds, run


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.seconds = 100.0

    def now(self):
        return self.seconds

    def sleep(self, seconds):
        assert seconds > 0
        self.seconds += seconds


class Containers:
    """As much of an engine as a check uses: it answers commands in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def execute(self, container_id, command, *, user="", environment=None, seconds=None):
        self.seconds = seconds
        self.asked.append((container_id, tuple(command), user, dict(environment or {})))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def world(*answers, running=("c1", "c2")):
    return CheckContext(Containers(*answers), lambda service: running, Time())


def command(within=0.0, **arguments):
    return Check("it holds", "exec", {"service": "db", "command": ["psql"], **arguments}, within, Span("p.yml"))


def test_every_kind_of_check_that_a_playbook_may_name_can_be_run():
    assert set(kinds()) == set(WITHIN)


def test_no_two_kinds_share_a_name():
    names = [
        constant.name
        for module in pkgutil.iter_modules(provisioner.verify.__path__)
        if isinstance(constant := getattr(import_module(f"provisioner.verify.{module.name}"), "CHECK", None), Kind)
    ]
    assert sorted(names) == sorted(set(names))


def test_a_check_that_holds_is_tried_once():
    around = world((0, b"t\n", b""))
    assert run(command(within=30.0, stdout="t"), around) == CheckResult(
        "it holds", True, "exit code 0, stdout 't'", 0.0, 1, Span("p.yml")
    )
    assert around.engine.asked == [("c1", ("psql",), "", {})]


def test_a_check_is_tried_until_it_holds():
    result = run(command(within=30.0, stdout="t"), world((0, b"f", b""), (1, b"", b"starting"), (0, b"t", b"")))
    assert (result.ok, result.attempts) == (True, 3)
    assert 0 < result.seconds < 1


def test_a_check_that_never_holds_ends_with_its_time_and_its_last_finding():
    result = run(command(within=10.0, stdout="t"), world((0, b"f", b"")))
    assert (result.ok, result.message) == (False, "stdout is 'f', expected 't'")
    assert 10.0 <= result.seconds < 11.0
    assert result.attempts > 5


def test_without_time_there_is_one_attempt():
    assert run(command(stdout="t"), world((0, b"f", b""))).attempts == 1


def test_a_refusal_of_the_engine_is_a_failed_check():
    result = run(command(), world(EngineRefused("container c1 is paused", status=409)))
    assert (result.ok, result.message) == (False, "container c1 is paused")


@pytest.mark.parametrize(
    ("arguments", "within", "seconds"), [({}, 0.0, 60.0), ({}, 90.0, 90.0), ({"timeout": 5.0}, 90.0, 5.0)]
)
def test_a_command_has_so_long_to_end(arguments, within, seconds):
    around = world((0, b"", b""))
    assert run(command(within=within, **arguments), around).ok
    assert around.engine.seconds == seconds


def test_a_command_that_does_not_end_is_a_failed_check():
    result = run(command(), world(StepFailed("`psql` has not ended after 60 s")))
    assert (result.ok, result.message) == (False, "`psql` has not ended after 60 s")


def test_an_engine_that_is_away_is_an_error():
    with pytest.raises(Unreachable):
        run(command(within=5.0), world(Unreachable("no engine answers")))


@pytest.mark.parametrize(
    ("arguments", "answer", "message"),
    [
        ({}, (2, b"out", b"err\nmore"), "exit code 2, expected 0: 'err more'"),
        ({}, (2, b"out", b""), "exit code 2, expected 0: 'out'"),
        ({"exit_code": 1}, (0, b"", b""), "exit code 0, expected 1"),
        ({"stdout": "a"}, (0, b" b ", b""), "stdout is 'b', expected 'a'"),
        ({"stdout_matches": "^a+$"}, (0, b"ab", b""), "stdout is 'ab', which '^a+$' does not match"),
        ({"stderr": ""}, (0, b"", b"warning"), "stderr is 'warning', expected ''"),
    ],
)
def test_a_wrong_command_says_how(arguments, answer, message):
    result = run(command(**arguments), world(answer))
    assert (result.ok, result.message) == (False, message)


def test_a_line_is_for_the_shell():
    around = world((0, b"", b""))
    run(command(command="a | b", user="postgres", environment={"A": "1"}), around)
    assert around.engine.asked == [("c1", ("sh", "-c", "a | b"), "postgres", {"A": "1"})]


def test_a_port_of_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        check = Check("open", "tcp", {"to": f"127.0.0.1:{port}"}, 0.0, Span("p.yml"))
        assert run(check, world((0, b"", b""))).ok
        closed = Check("closed", "tcp", {"from": "host", "to": f"127.0.0.1:{port}", "reachable": False}, 0.0, Span("p"))
        result = run(closed, world((0, b"", b"")))
        assert not result.ok
        assert result.message == f"127.0.0.1:{port} from this machine is reachable, expected not to be reachable"


def test_a_closed_port_of_this_machine(unused_port):
    check = Check("closed", "tcp", {"to": f"127.0.0.1:{unused_port}", "reachable": False}, 0.0, Span("p.yml"))
    assert run(check, world((0, b"", b""))).ok


def test_a_probe_that_could_not_try_never_counts_as_unreachable():
    for answer in ((127, b"", b"sh: not found"), (0, b"provision-none\n", b""), (1, b"", b"killed")):
        check = Check("closed", "tcp", {"from": "db", "to": "web:80", "reachable": False}, 0.0, Span("p.yml"))
        result = run(check, world(answer))
        assert not result.ok
        assert result.message.startswith("can not tell from 'db'")


@pytest.mark.parametrize("reachable", [True, False])
def test_a_probe_whose_end_is_not_known_is_no_answer(reachable):
    check = Check("open", "tcp", {"from": "web", "to": "db:5432", "reachable": reachable}, 0.0, Span("p.yml"))
    result = run(check, world(StepFailed("how the command ended is not known")))
    assert (result.ok, result.message) == (False, "how the command ended is not known")
