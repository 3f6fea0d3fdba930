"""Whether the images of a plan can be built here, and by what: told before anything is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provisioner.app.image_inputs import build_digests
from provisioner.errors import PlanStale
from provisioner.model.plan import Verb
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from provisioner.model.address import Address
    from provisioner.model.builder import Lack
    from provisioner.model.plan import Plan, Step
    from provisioner.model.playbook import Playbook
    from provisioner.ports import EngineReader
    from provisioner.reconcile.execute import Call


def with_builders(ordered: Plan, playbook: Playbook, engine: EngineReader) -> Plan:
    """The plan with what the builders have to say about it; refused where one of its images can not be built.

    A builder is looked for only where a build asks for a particular one.
    """
    notes: list[Problem] = []
    refusals: list[Problem] = []
    bases: dict[str, str] = {}
    for step in ordered.steps:
        recipe = ordered.desired.resources[step.address].image.recipe if step.verb is Verb.BUILD else None
        bases |= _bases(recipe, engine) if recipe else {}
        choice = engine.builder_for(recipe) if recipe else None
        if choice is None:
            continue
        refusals += _problems(playbook, step.address, choice.refused)
        notes += _problems(playbook, step.address, choice.lost, "has no effect here: ")
        if not choice.refused:
            notes.append(Problem(f"is built by {choice.builder}", path=str(step.address)))
    return replace(
        ordered,
        notes=(*ordered.notes, *notes),
        refusals=(*ordered.refusals, *refusals),
        steps=() if refusals else ordered.steps,
        bases=bases,
    )


def _bases(recipe: Mapping[str, Any], engine: EngineReader) -> dict[str, str]:
    """The ids of the images that a build stands on, by the names that its Dockerfile gives them. One whose name is made
    of arguments, or that is not here, is not told.
    """
    from provisioner.engines.build_context import dockerfile_text
    from provisioner.lint.dockerfile import parse

    found = parse(dockerfile_text(recipe), "", str(recipe.get("target") or ""))
    names = [name for name, _ in found.bases if "$" not in name] if found else []
    images = {name: engine.inspect("image", name) for name in names if name.lower() != "scratch"}
    return {name: str(image["Id"]) for name, image in images.items() if image is not None}


def _problems(playbook: Playbook, address: Address, lacks: Iterable[Lack], prefix: str = "") -> Iterator[Problem]:
    body = playbook.services[address.name].body
    build = body.get("build")
    for lack in lacks:
        span = body.span if build is None else build.key_spans.get(lack.key, build.span)
        yield Problem(f"{prefix}{lack.text}", span, f"services.{address.name}.build.{lack.key}", lack.hint)


def building_what_was_planned(call: Call, plan: Plan, playbook: Playbook) -> Call:
    """`call`, which refuses to build from a context that is not that of the plan: earlier steps can take minutes.

    Raises PlanStale for the step; nothing is built then.
    """

    def checked(
        step: Step, made: Mapping[int, str], progress: Callable[[str], None], stopped: Callable[[], bool]
    ) -> str:
        if step.verb is Verb.BUILD:
            planned = str(plan.desired.resources[step.address].spec["build"])
            if build_digests(playbook, {step.address.name})[step.address.name] != planned:
                raise PlanStale(
                    f"what {step.address} is built from changed after the plan was made",
                    hint="look at the new plan and apply again",
                )
        return call(step, made, progress, stopped)

    return checked
