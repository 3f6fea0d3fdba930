"""`build`: the images that services are built from, as an apply would build them, and on request to their registry."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from provisioner.app.image_inputs import build_digests
from provisioner.app.image_work import ImageWork
from provisioner.app.platform import choose_platform
from provisioner.app.push import push_one
from provisioner.app.secret_inputs import resolve_secrets
from provisioner.kinds.builders import PLAYBOOK_FOLDER
from provisioner.kinds.image import BUILD_LABEL
from provisioner.kinds.ownership import PROJECT
from provisioner.model.dataclass import dataclass
from provisioner.model.operation import Build
from provisioner.model.secret import Found
from provisioner.platforms.lowering import plain_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.model.edges import BuildRecipe
    from provisioner.model.playbook import Service
    from provisioner.model.report import ImageResult
    from provisioner.model.secret import SecretValue
    from provisioner.ports import Interrupt, Listener


@dataclass(frozen=True, slots=True)
class BuildExtras:
    """What the command line adds to every build: arguments, and keys (`default`, `id=path`) that it may use."""

    arguments: Mapping[str, str | None] = field(default_factory=dict)
    ssh: tuple[str, ...] = ()

    def over(self, recipe: BuildRecipe) -> dict[str, Any]:
        """A recipe with these over its own."""
        args = {**(recipe.get("args") or {}), **self.arguments}
        ssh = [*(recipe.get("ssh") or ()), *self.ssh]
        return {**recipe, **({"args": args} if args else {}), **({"ssh": ssh} if ssh else {})}


def build(
    request: Request,
    services: Sequence[str],
    *,
    no_cache: bool,
    pull: bool,
    push: bool,
    extras: BuildExtras | None = None,
    dependencies: bool = False,
    listener: Listener,
    interrupt: Interrupt,
) -> Sequence[ImageResult]:
    """Build what the named services are built from, or everything; what an apply finds then, it does not build again.

    `no_cache`, `pull` and `extras` hold for this build beside what the playbook says. With `push` each
    image that was built is pushed, with `dependencies` what they depend on is built too.
    """
    work = ImageWork(request, services, listener, dependencies=dependencies)
    chosen = work.services(built=True)
    digests = build_digests(work.playbook)
    recipes = {
        address: {**plain_body(service.body)["build"], PLAYBOOK_FOLDER: work.playbook.directory}
        for address, service in chosen
    }
    values = _secrets(
        request, work, {str(secret["source"]) for each in recipes.values() for secret in each.get("secrets") or ()}
    )
    for address, service in chosen:
        labels = {BUILD_LABEL: digests[service.name], PROJECT: work.playbook.project}
        recipe = recipes[address] | ({"no_cache": True} if no_cache else {}) | ({"pull": True} if pull else {})
        recipe = extras.over(recipe) if extras is not None else recipe

        def act(
            progress: Callable[[str], None],
            service: Service = service,
            recipe: BuildRecipe = recipe,
            labels: Mapping[str, str] = labels,
        ) -> str:
            work.engine.build(
                service.image, recipe, labels, secrets=values, progress=progress, stopped=interrupt.is_set
            )
            return ""

        if interrupt.is_set():
            break
        if work.do(Build(), address, service.image, act) and push:
            push_one(work, address, service)
    return work.results


def _secrets(request: Request, work: ImageWork, needed: set[str]) -> dict[str, SecretValue]:
    """The values of the secrets that builds use. SecretUnavailable for one that is missing."""
    if not needed:
        return {}
    platform = choose_platform(work.playbook, work.engine)
    resolutions = resolve_secrets(request, work.playbook, work.engine, platform, {}, needed).resolutions
    return {key: answer.value for key in needed if isinstance(answer := resolutions.get(key), Found)}
