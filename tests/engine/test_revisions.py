"""Saved plans, history, drift and rollback as a user meets them on a plain engine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.environment import Outcome, service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


def of(environment: Environment, *arguments: str, code: int = 0, **variables: str) -> Outcome:
    outcome = environment.run(*arguments, **variables)
    assert outcome.code == code, outcome
    return outcome


def colored(color: str, **more: Any) -> dict[str, Any]:
    return service(environment={"COLOR": color}, **more)


def color(environment: Environment) -> str:
    variables = environment.container("web-1").attrs["Config"]["Env"]
    return next(one.partition("=")[2] for one in variables if one.startswith("COLOR="))


def mutating(environment: Environment) -> list[str]:
    assert environment.proxy is not None
    return [str(request) for request in environment.proxy.mutating]


def plan_file(environment: Environment, *arguments: str, name: str = "kept.plan") -> Path:
    of(environment, "plan", "-o", name, *arguments)
    return environment.folder / name


def applied(environment: Environment, file: str, code: int = 0) -> Outcome:
    """`apply PLANFILE` without -f, which a plan does not go with, and without a terminal to ask on."""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "provisioner", "apply", file],
        cwd=environment.folder, env=environment.surroundings(), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_a_saved_plan_is_applied_as_it_is_and_only_once(environment: Environment) -> None:
    environment.services(web=colored("red"), other=service())
    plan_file(environment, "--target", "service.web")
    assert mutating(environment) == []
    assert "changed=" in applied(environment, "kept.plan").stdout
    assert color(environment) == "red"
    assert not [name for name in environment.objects() if "other" in name], "only the target"
    environment.proxy.clear()  # type: ignore[union-attr]
    stale = applied(environment, "kept.plan", code=76)
    assert "stale" in stale.stderr
    assert "service.web" in stale.stderr
    assert mutating(environment) == []


def test_a_saved_plan_is_refused_once_the_playbook_or_the_engine_moved(environment: Environment) -> None:
    environment.services(web=colored("red"))
    environment.apply()
    environment.services(web=colored("blue"))
    plan_file(environment)
    environment.services(web=colored("green"))
    assert "the playbook: services changed" in applied(environment, "kept.plan", code=76).stderr
    environment.services(web=colored("blue"))
    web = environment.container("web-1")
    web.stop(timeout=1)
    assert "on the engine: service.web[1] changed" in applied(environment, "kept.plan", code=76).stderr
    web.start()
    applied(environment, "kept.plan")
    assert color(environment) == "blue"


def test_torn_and_foreign_plan_files(environment: Environment) -> None:
    environment.services(web=colored("red"))
    whole = plan_file(environment).read_text()
    for name, text, code, says in (
        ("torn.plan", whole[: len(whole) // 2], 65, "cut off or damaged"),
        ("edited.plan", whole.replace('"prune": false', '"prune": true'), 65, "changed after it was written"),
        ("newer.plan", whole.replace('"format_version": 2', '"format_version": 9', 1), 64, "format 9"),
        ("foreign.json", '{"terraform_version": "1.9"}', 65, "terraform_version"),
        ("empty.plan", "", 65, "empty.plan"),
    ):
        (environment.folder / name).write_text(text)
        # A foreign file is read as a playbook, for which somebody has to say yes.
        assert says in of(environment_without_file(environment), "apply", "--yes", name, code=code).stderr
    assert mutating(environment) == []
    said = of(environment_without_file(environment), "apply", "kept.plan", "--prune", code=64)
    assert "what it does is in it" in said.stderr


def environment_without_file(environment: Environment) -> Environment:
    """The same environment, whose commands name no file."""
    from tests.engine.environment import Environment as Kind

    class Bare(Kind):
        def arguments(self, *arguments: str) -> list[str]:
            return super().arguments(*arguments)[:-2]

    return Bare(environment.folder, environment.project, environment.engine, environment.url, environment.proxy)


def test_history_tells_what_each_apply_changed(environment: Environment) -> None:
    environment.services(web=colored("red"))
    assert "nothing is known of an apply" in of(environment, "history").stdout
    environment.apply()
    environment.apply()
    environment.services(web=colored("blue"), more=service())
    environment.apply()
    revisions = json.loads(of(environment, "history", "--json").stdout)["revisions"]
    assert [one["number"] for one in revisions] == [2, 1], "an apply that changes nothing is no revision"
    newest = {change["address"]: [d["path"] for d in change["differences"]] for change in revisions[0]["changes"]}
    assert newest == {"service.more": [], "service.web": ["environment.COLOR"]}
    shown = of(environment, "show", "2").stdout
    assert "environment.COLOR  red → blue" in shown
    assert "COLOR: red" in of(environment, "show", "1", "--format", "yaml").stdout
    assert of(environment, "show", "7", code=64).stderr


def test_drift_finds_what_hands_did_and_changes_nothing(environment: Environment) -> None:
    environment.services(web=colored("red", mem_limit="64m"), other=service())
    of(environment, "drift", code=1)
    environment.apply()
    assert "No drift" in of(environment, "drift").stdout
    # What the file says now is not drift: only what a hand did on the engine.
    environment.services(web=colored("green"), other=service())
    of(environment, "drift")
    environment.container("web-1").update(mem_limit="32m", memswap_limit="64m")
    environment.container("other-1").remove(force=True)
    environment.proxy.clear()  # type: ignore[union-attr]
    found = json.loads(of(environment, "drift", "--json", code=2).stdout)
    assert found["drift"] is True
    addresses = {change["address"]: [d["path"] for d in change["differences"]] for change in found["changes"]}
    assert addresses["service.web"][0] == "mem_limit"
    assert addresses["service.other"] == ["state"]
    assert "service.other" in of(environment, "drift", code=2).stdout
    assert mutating(environment) == []


def test_rollback_brings_an_earlier_revision_back(environment: Environment) -> None:
    for name in ("red", "green", "blue"):
        environment.services(web=colored(name))
        environment.apply()
    of(environment, "rollback", "--yes")
    assert color(environment) == "green"
    of(environment, "rollback", "--yes")
    assert color(environment) == "red", "a rollback of a rollback goes further back"
    of(environment, "rollback", "--yes", code=1)
    of(environment, "rollback", "3", "--yes")
    assert color(environment) == "blue"
    revisions = json.loads(of(environment, "history", "--json").stdout)["revisions"]
    assert [one["restores"] for one in revisions] == [3, 1, 2, None, None, None]
    of(environment, "drift")
    environment.proxy.clear()  # type: ignore[union-attr]
    of(environment, "rollback", "1", "--check")
    of(environment, "rollback", "1", code=64)
    assert mutating(environment) == []


def test_rollback_of_configs_and_builds_says_what_can_not_be_had(environment: Environment) -> None:
    folder = environment.folder / "context"
    folder.mkdir()
    page = environment.folder / "page.txt"
    playbook = {
        "services": {
            "web": service(configs=[{"source": "page", "target": "/page"}]),
            "made": {**service(), "image": f"{environment.project}:1", "build": "./context"},
        },
        "configs": {"page": {"file": "./page.txt"}},
    }

    def release(text: str) -> None:
        (folder / "Dockerfile").write_text(f"FROM busybox:1.36\nRUN echo {text} > /which\n")
        page.write_text(text)
        environment.write(playbook)
        environment.apply()

    for text in ("one", "two", "three"):
        release(text)
    of(environment, "rollback", "--yes")
    assert environment.container("web-1").exec_run(["cat", "/page"]).output == b"two", "kept by the engine"
    assert environment.container("made-1").exec_run(["cat", "/which"]).output == b"two\n"
    refused = of(environment, "rollback", "1", "--yes", code=1).stderr
    assert "config.page" in refused
    assert "page.txt has changed since" in refused
    assert "image.made" not in refused, "the engine still has that build"
    page.write_text("one")
    narrated = of(environment, "rollback", "1", "--yes").stderr
    assert re.search(r"image\.made +tagged", narrated)
    assert "building" not in narrated
    assert environment.container("made-1").exec_run(["cat", "/which"]).output == b"one\n"
    assert environment.container("web-1").exec_run(["cat", "/page"]).output == b"one"
    page.write_text("four")
    told = of(environment, "rollback", "3", "--yes", "--with-current").stdout
    assert "config.page" in told and "that of today is taken" in told
    assert environment.container("web-1").exec_run(["cat", "/page"]).output == b"four"
    assert environment.container("made-1").exec_run(["cat", "/which"]).output == b"three\n"


def test_rollback_of_secrets_from_what_the_engine_kept(environment: Environment) -> None:
    """Two versions are kept; one that is gone is asked of the tiers, and where they have another one that is said."""
    local = environment.folder / ".env.local"
    web = service(secrets=["token", "url", "constant"])
    url = {"template": "http://${secret:token}@web"}
    secrets = {"token": {}, "url": url, "constant": {"env": "CONSTANT"}}
    environment.write({"services": {"web": web, "other": service(secrets=["constant"])}, "secrets": secrets})

    def use(value: str) -> None:
        local.write_text(f"TOKEN={value}\nCONSTANT=never-changes\n")
        local.chmod(0o600)

    def held(name: str) -> bytes:
        output: bytes = environment.container("web-1").exec_run(["cat", f"/run/secrets/{name}"]).output
        return output

    def volumes() -> int:
        return len([name for name in environment.objects() if ".secrets." in name])

    for value in ("first-value", "second-value"):
        use(value)
        environment.apply()
    assert volumes() == 3, "two of web, one of other"
    use("third-value")
    plan = {(one["address"], one["action"]): one["reason"] for one in environment.plan()["changes"]}
    assert (
        plan.pop(("service.web", "replace")) == "secret.token is another version now; secret.url is another version now"
    )
    assert plan == {
        (f"secret.{name}", action): reason
        for name in ("token", "url")
        for action, reason in (("update", "version changed"), ("delete", "an earlier version that nothing needs"))
    }
    environment.apply()
    environment.require_inert()
    assert volumes() == 3
    assert not any(one["drift"] for one in json.loads(of(environment, "status", "--json").stdout)["objects"])
    of(environment, "drift")

    local.unlink()
    of(environment, "rollback", "--yes")
    assert (held("token"), held("url")) == (b"second-value", b"http://second-value@web")
    use("third-value")
    environment.proxy.clear()  # type: ignore[union-attr]
    refused = of(environment, "rollback", "1", "--yes", code=77).stderr
    assert "secret.token" in refused
    assert "can not be had any more" in refused
    assert "first-value" not in refused and "second-value" not in refused
    assert mutating(environment) == []
    use("first-value")
    of(environment, "rollback", "1", "--yes")
    assert held("token") == b"first-value"
    environment.destroy()
    assert environment.objects() == {environment.ledger}


def test_a_rotation_touches_the_secret_and_its_users_alone(environment: Environment) -> None:
    web = service(secrets=["url"], depends_on={"store": {"condition": "service_started"}})
    follower = service(depends_on={"web": {"condition": "service_started", "restart": True}})
    playbook: dict[str, Any] = {
        "services": {"web": web, "store": service(), "other": service(), "follower": follower},
        "secrets": {"token": {"generate": {"length": 20}}, "url": {"template": "http://${secret:token}@web"}},
    }

    def held() -> bytes:
        output: bytes = environment.container("web-1").exec_run(["cat", "/run/secrets/url"]).output
        return output

    environment.write(playbook)
    environment.apply()
    first = held()
    pending = {"web": web, "store": service(environment={"A": "1"}), "other": service(environment={"A": "1"}),
               "follower": follower, "extra": service()}  # fmt: skip
    environment.write({**playbook, "services": pending})
    before = {name: environment.container(f"{name}-1").id for name in ("store", "other", "follower")}
    started = environment.container("follower-1").attrs["State"]["StartedAt"]
    told = of(environment, "secrets", "rotate", "token", "--yes").stdout
    assert "3 other changes are pending, and not touched: service.extra, service.other, service.store" in told
    second = held()
    assert second != first
    assert {name: environment.container(f"{name}-1").id for name in before} == before
    assert environment.container("follower-1").attrs["State"]["StartedAt"] != started, "it is restarted with web"
    assert f"container {environment.project}-extra-1" not in environment.objects()
    changes = {one["address"] for one in environment.plan()["changes"]}
    assert changes == {"service.extra", "service.other", "service.store"}
    assert len(json.loads(of(environment, "history", "--json").stdout)["revisions"]) == 1

    # With nothing else pending it is a revision, and there is a way back.
    environment.apply()
    of(environment, "secrets", "rotate", "token", "--yes")
    assert held() not in (first, second)
    environment.require_inert()
    of(environment, "rollback", "--yes")
    assert held() == second

    # The check does not hold, and is not run.
    check = {"name": "never", "exec": {"service": "web", "command": ["false"]}}
    environment.write({**playbook, "services": pending, "verify": [check]})
    of(environment, "secrets", "rotate", "token", "--yes", "--no-verify")
    assert held() != second
