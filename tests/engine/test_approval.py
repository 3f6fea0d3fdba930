"""What was approved is what is done: whatever moves while the question is open stops the apply first."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from provisioner.app.apply_request import apply
from provisioner.app.destroy import destroy
from provisioner.app.request import Request
from provisioner.cli.interrupt import Interrupt
from provisioner.errors import PlanStale, Unsafe
from provisioner.model.plan import Policy, Verb
from provisioner.model.report import Outcome as StepOutcome
from tests.command_line import carry_out
from tests.engine.environment import service
from tests.engine.test_image_commands import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from provisioner.app.apply import ApplyResult
    from tests.engine.environment import Environment

pytestmark = [pytest.mark.engine, pytest.mark.timeout(120)]


def asked(environment: Environment) -> Request:
    host = environment.proxy.url if environment.proxy else environment.url
    return Request(
        files=(str(environment.folder / "compose.yaml"),),
        directory=str(environment.folder),
        host=host,
        shell=dict(os.environ),
    )


def applied(environment: Environment, meanwhile: Callable[[], object] = lambda: None) -> ApplyResult:
    """An apply in whose question somebody does `meanwhile`, and then says yes."""
    return apply(
        asked(environment), Policy(), {}, approve=lambda plan: (meanwhile(), True)[1],
        listener=lambda event: None, verify=False, interrupt=Interrupt(),
    )  # fmt: skip


def write_inputs(environment: Environment, text: str) -> None:
    """Everything from outside the playbook that a service can be made of."""
    folder = environment.folder
    (folder / "app.conf").write_text(text)
    (folder / "token.txt").write_text(text)
    (folder / ".env.local").write_text(f"LOCAL={text}\n")
    (folder / ".env.local").chmod(0o600)
    (folder / "context").mkdir(exist_ok=True)
    (folder / "context" / "Dockerfile").write_text(
        f"ARG PART\nFROM {environment.project}-${{PART:-none}}:1\nLABEL text={text}\n"
        f"COPY --from={environment.project}-tools:1 /etc/passwd /copied\n"
    )
    for part in ("base", "tools"):
        environment.engine.images.get("busybox:1.36").tag(f"{environment.project}-{part}:1")


def declare(environment: Environment, **more: Mapping[str, Any]) -> None:
    tag = f"{environment.project}:1"
    environment.write(
        {
            "configs": {"app": {"file": "app.conf"}},
            "secrets": {"token": {"file": "token.txt"}, "local": {}},
            "services": {
                "web": service(configs=["app"], secrets=["token", "local"]),
                "built": service(image=tag, build={"context": "context", "args": {"PART": "base"}}),
                **more,
            },
        }
    )


CHANGES: dict[str, tuple[Callable[[Environment], object], str]] = {
    "config": (lambda e: (e.folder / "app.conf").write_text("evil"), "content of configs/app changed"),
    "secret of a file": (lambda e: (e.folder / "token.txt").write_text("evil"), "content of secrets/token changed"),
    "secret of a tier": (
        lambda e: (e.folder / ".env.local").write_text("LOCAL=evil\n"),
        "content of secrets/local changed",
    ),
    "build context": (lambda e: (e.folder / "context" / "more").write_text("evil"), "build of built changed"),
    "the engine": (lambda e: e.container("web-1").stop(timeout=0), r"on the engine: service\.web\[1\] changed"),
    "the ledger": (
        lambda e: e.engine.containers.get(f"{e.project}.ledger").remove(),
        "on the engine: the history is gone",
    ),
    "another object": (
        lambda e: e.engine.networks.create(f"{e.project}_back", driver="bridge"),
        "a network named .*_back is there already",
    ),
    "the image that it is built upon": (
        lambda e: e.engine.images.get(f"{e.project}:1").tag(f"{e.project}-base:1"),
        "image .*-base:1 that is built upon changed",
    ),
    "an image of which it takes files": (
        lambda e: e.engine.images.get(f"{e.project}:1").tag(f"{e.project}-tools:1"),
        "image .*-tools:1 that is built upon changed",
    ),
    "a tag": (
        lambda e: e.engine.images.get("busybox:1.36").tag(f"{e.project}:1"),
        "on the engine: .*built",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_moves_while_the_question_is_open_stops_the_apply(environment: Environment, name: str) -> None:
    change, words = CHANGES[name]
    write_inputs(environment, "one")
    declare(environment)
    applied(environment)
    write_inputs(environment, "two")
    declare(environment, more=service(networks=["back"]))
    before = environment.inventory()
    text = (environment.folder / "compose.yaml").read_text()
    (environment.folder / "compose.yaml").write_text(text[:-2] + ', "networks": {"back": {}}}')
    with pytest.raises((PlanStale, Unsafe), match=words):
        applied(environment, lambda: change(environment))
    if name not in ("the engine", "the ledger", "another object"):
        assert environment.inventory() == before


def test_what_the_apply_itself_makes_is_part_of_what_was_approved(environment: Environment) -> None:
    """The first apply makes the fingerprint key and a generated value; a second one adds another."""
    environment.write({"secrets": {"made": {"generate": {}}}, "services": {"web": service(secrets=["made"])}})
    assert applied(environment).exit_code == 0
    environment.write(
        {
            "secrets": {"made": {"generate": {}}, "more": {"generate": {}}, "url": {"template": "x:${secret:more}"}},
            "services": {"web": service(secrets=["made", "more", "url"])},
        }
    )
    assert applied(environment).exit_code == 0
    assert not applied(environment).plan.changes


def test_a_generated_value_that_somebody_else_sets_meanwhile_stops_the_apply(environment: Environment) -> None:
    environment.write({"secrets": {"made": {"generate": {}}}, "services": {"web": service(secrets=["made"])}})

    def set_it() -> None:
        (environment.folder / ".env.local").write_text("MADE=evil\n")
        (environment.folder / ".env.local").chmod(0o600)

    with pytest.raises(PlanStale, match="content of secrets/made changed"):
        applied(environment, set_it)
    assert not environment.objects()


def test_a_context_that_changes_between_two_builds_of_an_apply_is_not_built(environment: Environment) -> None:
    """The second build depends on the first, in which the second's context changes."""
    folder = environment.folder
    for name, text in (("first", "RUN echo built"), ("second", "")):
        (folder / name).mkdir()
        (folder / name / "Dockerfile").write_text(f"FROM busybox:1.36\n{text}\n")
    images = {name: f"{environment.project}-{name}:1" for name in ("first", "second")}
    environment.services(
        first=service(image=images["first"], build="first"),
        second=service(image=images["second"], build="second", depends_on=["first"]),
    )

    def listener(event: Any) -> None:
        (folder / "second" / "more").write_text("evil")

    result = apply(
        asked(environment), Policy(parallel=1), {}, approve=lambda plan: True, listener=listener, verify=False,
        interrupt=Interrupt(),
    )  # fmt: skip
    assert result.report is not None
    failed = [step for step in result.report.results if step.outcome is StepOutcome.FAILED]
    assert [(str(step.step.address), step.step.verb) for step in failed] == [("image.second", Verb.BUILD)]
    assert isinstance(failed[0].error, PlanStale)
    assert not environment.engine.images.list(images["second"])


def pushed(environment: Environment, reference: str, text: str) -> str:
    """Push another image under a name, and leave none of it on the engine; its digest in the registry."""
    context = f"FROM busybox:1.36\nLABEL text={text}\n".encode()
    environment.engine.images.build(fileobj=io.BytesIO(context), tag=reference, rm=True)
    lines = environment.engine.images.push(reference, stream=True, decode=True)
    digest = next(str(line["aux"]["Digest"]) for line in lines if "aux" in line)
    environment.engine.images.remove(reference, force=True)
    return digest


def label_of(environment: Environment) -> str:
    return str(environment.container("web-1").attrs["Config"]["Labels"]["text"])


def test_a_tag_that_moves_in_its_registry_stops_the_apply(environment: Environment, unused_port: int) -> None:
    """Nothing has it yet, so there is nothing but the registry to tell what it was when the plan was shown."""
    reference = f"{registry(environment, unused_port)}/{environment.project}-web:1"
    pushed(environment, reference, "shown")
    environment.services(web=service(image=reference))
    with pytest.raises(PlanStale, match=f"registry's {reference} changed"):
        applied(environment, lambda: pushed(environment, reference, "moved"))
    assert f"container {environment.project}-web-1" not in environment.objects()
    assert applied(environment).exit_code == 0
    assert label_of(environment) == "moved"
    assert not applied(environment).plan.changes


def test_a_tag_that_moves_after_the_last_look_is_taken_as_it_was(environment: Environment, unused_port: int) -> None:
    reference = f"{registry(environment, unused_port)}/{environment.project}-web:1"
    first = pushed(environment, reference, "shown")
    # Its pull is waited for, and the tag moves then.
    environment.services(first=service(), web=service(image=reference, depends_on=["first"]))
    moved: list[str] = []

    def listener(event: Any) -> None:
        if not moved:
            moved.append(pushed(environment, reference, "moved"))

    result = apply(
        asked(environment), Policy(parallel=1), {}, approve=lambda plan: True, listener=listener, verify=False,
        interrupt=Interrupt(),
    )  # fmt: skip
    assert result.exit_code == 0, result.report
    assert moved not in ([], [first])
    assert label_of(environment) == "shown"
    assert reference in environment.engine.images.get(reference).tags
    # Another image under the tag is nobody's change.
    assert not applied(environment).plan.changes


def test_a_saved_plan_is_bound_to_what_its_tags_were(environment: Environment, unused_port: int) -> None:
    reference = f"{registry(environment, unused_port)}/{environment.project}-web:1"
    pushed(environment, reference, "shown")
    environment.services(web=service(image=reference))
    assert environment.run("plan", "-o", "saved").code == 0
    pushed(environment, reference, "moved")
    refused = carry_out(["apply", "saved"], folder=environment.folder, environment=environment.surroundings())
    assert refused.code == 76, refused
    assert f"registry's {reference} changed" in refused.stderr


def test_a_destroy_removes_what_was_shown(environment: Environment) -> None:
    environment.services(web=service())
    applied(environment)
    more = lambda: environment.engine.volumes.create(
        f"{environment.project}_late",
        labels={
            "provisioner.environment": environment.project,
            "provisioner.address": "volume.late",
            "provisioner.name": f"{environment.project}_late",
        },
    )
    with pytest.raises(PlanStale, match=r"volume\.late"):
        destroy(
            asked(environment), Policy(volumes=True), approve=lambda plan: (more(), True)[1],
            listener=lambda event: None, interrupt=Interrupt(),
        )  # fmt: skip
    assert f"volume {environment.project}_late" in environment.objects()
    assert f"container {environment.project}-web-1" in environment.objects()


@pytest.mark.parametrize(
    ("build", "text", "place", "said"),
    [
        ({"target": "prod"}, "FROM busybox:1.36 AS production\n", "build.target", "no stage 'prod', only production"),
        ({}, "RUN true\n", "build.dockerfile", "it has no FROM"),
    ],
)
def test_a_build_that_its_file_shows_to_be_impossible_is_refused_by_the_plan(
    environment: Environment, build: dict[str, str], text: str, place: str, said: str
) -> None:
    environment.write(text, "context/Dockerfile")
    environment.services(web=service(image=f"{environment.project}-web:1", build={"context": "context", **build}))
    refused = environment.run("apply", "--yes", "--json")
    assert refused.code == 1, refused
    (refusal,) = refused.lines[0]["refusals"]
    assert (refusal["path"], said in refusal["message"]) == (f"services.web.{place}", True), refusal
    assert refusal["line"]
    assert environment.objects() == set()


def test_volumes_of_a_container_that_is_not_there_are_refused_by_the_plan(environment: Environment) -> None:
    name = f"{environment.project}-outside"
    environment.services(web=service(volumes_from=[f"container:{name}:ro"]))
    refused = environment.run("plan", "--json")
    assert f"the container {name} of `volumes_from` does not exist" in refused.stdout, refused
    environment.engine.containers.create("busybox:1.36", name=name, volumes=["/shared"])
    environment.apply()
    assert environment.plan()["changes"] == []
