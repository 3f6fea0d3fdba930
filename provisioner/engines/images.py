"""Pulls and builds: their progress, and their errors, which come inside a 200 answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docker import auth
from docker.errors import APIError, BuildError, DockerException
from docker.utils import parse_repository_tag

from provisioner.engines import buildkit
from provisioner.engines.build_context import open_context
from provisioner.engines.transport import TRANSPORT
from provisioner.errors import EngineRefused, Interrupted, Reason, StepFailed, Unreachable
from provisioner.kinds.builders import is_remote
from provisioner.kinds.refusals import build_hint, refused
from provisioner.model.builder import BuilderKind
from provisioner.reconcile.retry import is_unreachable, retried

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.engines.engine_http import EngineHttp
    from provisioner.model.builder import Builder
    from provisioner.model.edges import BuildRecipe, EngineBody
    from provisioner.model.secret import SecretValue

# Seconds without a line of output after which a build is given up.
BUILD_SILENCE = 3600


def pull(
    wire: EngineHttp, reference: str, platform: str | None, progress: Callable[[str], None], digest: str = ""
) -> None:
    """Pull an image. Asked again when the connection breaks: layers that are there are not fetched twice.

    With a `digest` it is asked for by that, and gets the name afterwards, which an engine does not give it then.
    """
    name, tag = parse_repository_tag(reference)
    parameters = {"fromImage": name, "tag": digest or tag or "latest"} | ({"platform": platform} if platform else {})

    def call() -> None:
        _follow(wire.stream("/images/create", parameters, credentials(wire, reference)), progress)
        if digest:
            name_also(wire, f"{name}@{digest}", reference)

    try:
        retried(call, _may_pass)
    except EngineRefused as error:
        raise EngineRefused(
            f"image {reference} can not be pulled: {error.message}", status=error.status, reason=error.reason,
            hint="check the name and the tag, and `docker login` where the registry is private",
        ) from error  # fmt: skip


def credentials(wire: EngineHttp, reference: str) -> dict[str, str]:
    """The header with which nodes can pull an image; none where this client has no credentials for its registry."""
    try:
        registry, _ = auth.resolve_repository_name(reference.partition("@")[0])
        header = auth.get_config_header(wire.client, registry)
    except DockerException:
        # A store of credentials that does not work must not hinder what needs none.
        return {}
    return {"X-Registry-Auth": header.decode()} if header else {}


def build(
    wire: EngineHttp,
    builder: Builder,
    tag: str,
    recipe: BuildRecipe,
    labels: Mapping[str, str],
    *,
    secrets: Mapping[str, SecretValue],
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Build an image from a canonical Compose `build` mapping with absolute paths.

    `secrets` are its values by source. Raises Interrupted when `stopped` says so: the image has then not its name.
    """
    progress(f"with {builder}")

    def call() -> None:
        if builder.kind is BuilderKind.CLASSIC:
            _build(wire, tag, recipe, labels, progress, stopped)
        else:
            buildkit.build(
                wire.local, builder, tag, recipe, labels, secrets=secrets, progress=progress, stopped=stopped
            )

    retried(call, is_unreachable)
    for extra in recipe.get("tags") or []:
        name_also(wire, tag, extra)


def name_also(wire: EngineHttp, image: str, reference: str) -> None:
    """Give an image a further name."""
    name, version = parse_repository_tag(reference)
    try:
        wire.client.tag(image, name, version or "latest")
    except (APIError, *TRANSPORT) as error:
        raise wire.classified(error) from error


def _build(
    wire: EngineHttp,
    tag: str,
    recipe: BuildRecipe,
    labels: Mapping[str, str],
    progress: Callable[[str], None],
    stopped: Callable[[], bool],
) -> None:
    """Build with the engine's classic builder."""
    options: EngineBody = {
        "tag": tag, "labels": {**(recipe.get("labels") or {}), **labels}, "buildargs": _arguments(recipe),
        "target": recipe.get("target") or "", "network_mode": recipe.get("network"), "rm": True, "forcerm": True,
        "nocache": bool(recipe.get("no_cache")), "pull": bool(recipe.get("pull")), "decode": True,
        "cache_from": recipe.get("cache_from"), "extra_hosts": _extra_hosts(recipe), "timeout": BUILD_SILENCE,
        "shmsize": int(recipe["shm_size"]) if recipe.get("shm_size") else None,
        "platform": (recipe.get("platforms") or [None])[0],
    }  # fmt: skip
    failure = f"image {tag} can not be built: "
    try:
        if is_remote(recipe["context"]):
            # The engine fetches it. Its Dockerfile is the one in there.
            stream = wire.client.build(path=recipe["context"], dockerfile=recipe.get("dockerfile"), **options)
            _follow(stream, progress, failure, stopped)
            return
        with open_context(recipe) as context:
            stream = wire.client.build(
                fileobj=context.archive, custom_context=True, encoding=None, dockerfile=context.dockerfile, **options
            )
            _follow(stream, progress, failure, stopped)
    except (APIError, BuildError, *TRANSPORT) as error:
        raise wire.classified(error) from error


def _may_pass(error: EngineRefused | Unreachable) -> bool:
    """Whether it is worth asking again: not when the registry has said no."""
    if isinstance(error, Unreachable):
        return True
    return error.status >= 500 and error.reason not in (Reason.NOT_FOUND, Reason.DENIED)


def _follow(
    stream: Any, progress: Callable[[str], None], failure: str = "", stopped: Callable[[], bool] = lambda: False
) -> None:
    """Narrate a pull's or build's stream; its errors come inside a 200 answer. The engine gives up what is not read."""
    lines: list[str] = []
    for entry in stream:
        if stopped():
            stream.close()
            raise Interrupted("it was given up")
        if "error" in entry or "errorDetail" in entry:
            detail = entry.get("errorDetail") or {}
            text = str(entry.get("error") or detail.get("message"))
            if failure:
                raise StepFailed(f"{failure}{text}", hint=build_hint(text), evidence=tuple(lines[-20:]))
            raise refused(0, text, detail="\n".join(lines[-20:]))
        text = str(entry.get("stream") or entry.get("status") or "").strip()
        if text:
            lines.append(text)
            progress(f"{entry['id']}: {text}" if entry.get("id") else text)


def _arguments(build: BuildRecipe) -> dict[str, str]:
    return {key: str(value) for key, value in (build.get("args") or {}).items() if value is not None}


def _extra_hosts(build: BuildRecipe) -> dict[str, str] | None:
    return dict(buildkit.host_names(build)) or None
