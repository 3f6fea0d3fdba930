"""Whether the images of a plan can be built here, and by what: told before anything is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.app.image_inputs import build_digests
from provisioner.errors import PlanStale
from provisioner.kinds.values import architecture
from provisioner.model.builder import Lack
from provisioner.model.plan import Verb
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from provisioner.model.address import Address
    from provisioner.model.edges import BuildRecipe
    from provisioner.model.plan import Plan, Step
    from provisioner.model.playbook import Playbook
    from provisioner.model.state import Facts
    from provisioner.ports import EngineReader
    from provisioner.reconcile.execute import Call

# How a further context of a build names an image.
_AN_IMAGE = "docker-image://"


def with_builders(ordered: Plan, playbook: Playbook, engine: EngineReader) -> Plan:
    """The plan with what the builders have to say about it; refused where one of its images can not be built.

    A builder is looked for only where a build asks for a particular one.
    """
    notes: list[Problem] = []
    refusals: list[Problem] = []
    bases: dict[str, str] = {}
    for step in ordered.steps:
        recipe = ordered.desired.resources[step.address].image.recipe if step.verb is Verb.BUILD else None
        if recipe:
            refusals += _problems(playbook, step.address, _unbuildable(recipe))
            bases |= _bases(recipe, ordered.observed.facts, engine)
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


def _unbuildable(recipe: BuildRecipe) -> Iterator[Lack]:
    """What the Dockerfile alone shows that can not be built."""
    from provisioner.engines.build_context import dockerfile_text
    from provisioner.lint.dockerfile import missing_stage

    target = str(recipe.get("target") or "")
    if why := missing_stage(dockerfile_text(recipe), target):
        key, hint = ("target", "name one of its stages, or leave it out") if "stage" in why else (
            "dockerfile", "it begins with the image that is built upon, such as FROM alpine:3.20"
        )  # fmt: skip
        yield Lack(key, f"the Dockerfile can not be built: {why}", hint)


def _bases(recipe: BuildRecipe, facts: Facts, engine: EngineReader) -> dict[str, str]:
    """The ids of the images that a build stands on or takes files of, by the names that its Dockerfile gives them, with
    the build's arguments put in. One that is not here, or that no engine's look can tell, is not told.
    """
    from provisioner.engines.build_context import dockerfile_text
    from provisioner.lint.dockerfile import parse
    from provisioner.playbook.image_name import problem_of

    arguments = {name: str(value) for name, value in (recipe.get("args") or {}).items() if value is not None}
    target = str(recipe.get("target") or "")
    parsed = parse(dockerfile_text(recipe), "", target, arguments, _platform_arguments(recipe, facts))
    contexts = recipe.get("additional_contexts") or {}
    used = [*(base for base, _ in parsed.bases), *parsed.copied] if parsed else []
    sources = [str(contexts[name]) if name in contexts else f"{_AN_IMAGE}{name}" for name in used]
    names = [name.removeprefix(_AN_IMAGE) for name in sources if name.startswith(_AN_IMAGE)]
    images = {name: engine.inspect("image", name) for name in names if name != "scratch" and not problem_of(name)}
    return {name: str(image["Id"]) for name, image in images.items() if image is not None}


def _platform_arguments(recipe: BuildRecipe, facts: Facts) -> dict[str, str]:
    """What a builder says of the platform that it builds for and of its own, without being asked."""
    own = f"linux/{architecture(facts.architecture)}"
    wanted = str((recipe.get("platforms") or [own])[0])
    arguments: dict[str, str] = {}
    for prefix, platform in (("TARGET", wanted), ("BUILD", own)):
        system, processor, variant = (*platform.split("/"), "", "")[:3]
        parts = {"PLATFORM": platform, "OS": system, "ARCH": architecture(processor), "VARIANT": variant}
        arguments |= {f"{prefix}{key}": value for key, value in parts.items()}
    return arguments


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
