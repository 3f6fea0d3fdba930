"""Images: what a service's `image`, `build` and `pull_policy` ask for, Engine API ImageInspect."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.fields import SAME, Field, Raw
from provisioner.model.change import Impact
from provisioner.model.state import ImageFacts, Spec

KIND = "image"
# What a built image was made from: a digest of its build context, Dockerfile and arguments.
BUILD_LABEL = "provisioner.build"
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}


def _nothing(raw: Raw, value: Any) -> None:
    """Images are built and pulled; there is no body to encode them into."""


def platform_of(raw: Raw) -> str:
    """What an image runs on: `linux/amd64`, `linux/arm64/v8`."""
    return "/".join(raw[key] for key in ("Os", "Architecture", "Variant") if raw.get(key))


FIELDS: tuple[Field, ...] = (
    Field(
        key="build", swarm=SAME, impact=Impact.IN_PLACE, summary="digest of the build context and arguments",
        api="Config.Labels", parse=lambda body: body.get("build_digest"), encode=_nothing,
        decode=lambda raw: ((raw.get("Config") or {}).get("Labels") or {}).get(BUILD_LABEL), chosen=True,
    ),
    Field(
        key="digest", swarm=SAME, impact=Impact.IN_PLACE, summary="digest that the registry has for the tag",
        api="RepoDigests", sources=("image",), parse=lambda body: body.get("registry_digest"), encode=_nothing,
        decode=lambda raw: None, chosen=True,
    ),
    Field(
        key="platform", swarm=SAME, impact=Impact.IN_PLACE, summary="what it runs on", api="Os, Architecture, Variant",
        parse=lambda body: body.get("platform"), encode=_nothing, decode=platform_of, chosen=True,
    ),
)  # fmt: skip


def same_platform(wanted: str | None, actual: str | None) -> str | None:
    """The actual platform as `wanted` itself where it satisfies it, which may leave out the system or the variant."""
    if not wanted or not actual:
        return wanted or actual
    parts = [_ARCHITECTURES.get(part, part) for part in wanted.lower().split("/")]
    parts = parts if "/" in wanted else [actual.split("/")[0], *parts]
    return wanted if actual.split("/")[: len(parts)] == parts else actual


def decode(raw: Raw) -> Spec:
    """The spec of an image from its inspection (GET /images/{name}/json)."""
    return {field.key: field.decode(raw) for field in FIELDS}


def image_facts(raw: Raw) -> ImageFacts:
    """What containers inherit from the image. Absent parts of Config (API 1.50 and later) mean empty."""
    config: Raw = raw.get("Config") or {}
    return ImageFacts(
        id=raw["Id"],
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or []),
        labels=config.get("Labels") or {},
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        working_dir=config.get("WorkingDir") or "",
        stop_signal=config.get("StopSignal") or "",
        healthcheck=config.get("Healthcheck"),
        ports=tuple(sorted(config.get("ExposedPorts") or ())),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        digests=tuple(raw.get("RepoDigests") or ()),
        platform=platform_of(raw),
    )
