"""`post_start` and `pre_stop`: one step after the other, and what a failure of each means."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.errors import EngineRefused, ProvisionError, StepFailed
from provisioner.kinds import container
from provisioner.kinds.context import DecodeContext, EncodeContext
from provisioner.kinds.fields import decode_fields, encode_fields
from provisioner.kinds.hooks import POST_START, PRE_START, PRE_STOP, parse
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.model.operation import RunHook
from provisioner.model.plan import Verb
from provisioner.model.state import Observed, Runtime
from provisioner.reconcile.hooks import run_hook, run_hooks
from provisioner.reconcile.steps import Steps

API = Address("service", "api", 1)
HOOKS = [{"command": ["first"]}, {"command": ["second"], "user": "1", "working_dir": "/", "environment": {"A": "1"}}]


class Container:
    """Answers every command alike, and remembers what was asked of it."""

    def __init__(self, code: int = 0, output: bytes = b"", error: ProvisionError | None = None) -> None:
        self.answer = code, output, b""
        self.error = error
        self.asked: list[Any] = []

    def execute(self, container_id: str, command: list[str], **options: Any) -> tuple[int, bytes, bytes]:
        self.asked.append((container_id, command, options))
        if self.error:
            raise self.error
        return self.answer

    def stop(self, container_id: str) -> None:
        self.asked.append(("stop", container_id))


def second(section: str) -> RunHook:
    return RunHook(section, HOOKS[1])


def test_what_is_recorded_is_read_back() -> None:
    body: dict[str, Any] = {
        "post_start": [{"command": ["a"], "privileged": True, "environment": {"A": None}}],
        "pre_stop": None,
    }
    body["pre_start"] = [{"command": ["b"], "image": "c", "per_replica": False}]
    spec = {key: parse(body, key) for key in (POST_START, PRE_STOP, PRE_START)}
    assert spec == {
        POST_START: [{"command": ["a"], "privileged": True, "environment": {"A": ""}}],
        PRE_STOP: [],
        PRE_START: [{"command": ["b"], "image": "c"}],
    }
    assert recorded(spec) == spec
    nothing: dict[str, Any] = {POST_START: [], PRE_STOP: [], PRE_START: []}
    assert recorded(nothing) == nothing


def recorded(spec: dict[str, Any]) -> dict[str, Any]:
    """The hooks as they are read back; nothing is recorded of those that are not set."""
    raw: dict[str, Any] = {"Config": {"Labels": {}}}
    fields = [field for field in container.FIELDS if field.key in spec]
    encode_fields(fields, raw, spec, EncodeContext())
    assert bool(raw["Config"]["Labels"]) is any(spec.values())
    return decode_fields(fields, raw, DecodeContext())


def test_hooks_are_run_one_after_the_other() -> None:
    steps = Steps()
    last = run_hooks(steps, Change(API, Action.CREATE, ""), POST_START, {POST_START: HOOKS}, [None], made_by=7)
    assert [(one.id, one.verb, one.needs, one.made_by) for one in steps.all] == [
        (1, Verb.EXECUTE, (7,), 7),
        (2, Verb.EXECUTE, (1, 7), 7),
    ]
    assert last == [2]


def test_without_hooks_what_was_waited_for_is_waited_for() -> None:
    steps = Steps()
    assert run_hooks(steps, Change(API, Action.CREATE, ""), POST_START, {POST_START: []}, [3, None, 4]) == [3, 4]
    assert steps.all == []


@pytest.mark.parametrize(("status", "run"), [("running", 2), ("paused", 0), ("restarting", 0), ("exited", 0)])
def test_only_what_runs_is_asked_before_it_stops(status: str, run: int) -> None:
    found = Observed(API, "container", "1", "api", {}, runtime=Runtime(status))
    steps = Steps()
    run_hooks(steps, Change(API, Action.DELETE, "", observed=found), PRE_STOP, {PRE_STOP: HOOKS}, [], object_id="1")
    assert len(steps.all) == run


def test_a_hook_is_run_as_it_says() -> None:
    engine = Container()
    run_hook(engine, "id", second(POST_START), pytest.fail)  # type: ignore[arg-type]
    options = {"user": "1", "environment": {"A": "1"}, "workdir": "/", "privileged": False}
    assert engine.asked == [("id", ["second"], options)]


def test_a_failed_post_start_stops_the_container() -> None:
    engine = Container(3, b"one\ntwo\n")
    with pytest.raises(StepFailed, match="'second' ended with exit code 3") as failed:
        run_hook(engine, "id", second(POST_START), pytest.fail)  # type: ignore[arg-type]
    assert failed.value.evidence == ("one", "two")
    assert engine.asked[-1] == ("stop", "id")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EngineRefused("the container is not running", status=409), "could not be run"),
        (StepFailed("its output stopped"), "ended, and it is not known how"),
    ],
)
def test_a_hook_without_an_exit_code_has_failed_too(error: ProvisionError, said: str) -> None:
    engine = Container(error=error)
    with pytest.raises(StepFailed, match=f"'second' {said}") as failed:
        run_hook(engine, "id", second(POST_START), pytest.fail)  # type: ignore[arg-type]
    assert failed.value.evidence == (error.message,)
    assert engine.asked[-1] == ("stop", "id")
    told: list[str] = []
    run_hook(engine, "id", second(PRE_STOP), told.append)  # type: ignore[arg-type]
    assert told == [f"its pre_stop command 'second' {said}: {error.message}"]


def test_a_failed_pre_stop_is_told_and_keeps_nothing() -> None:
    engine = Container(1, b"no\n")
    told: list[str] = []
    run_hook(engine, "id", second(PRE_STOP), told.append)  # type: ignore[arg-type]
    assert told == ["its pre_stop command 'second' ended with exit code 1: no"]
    assert len(engine.asked) == 1
