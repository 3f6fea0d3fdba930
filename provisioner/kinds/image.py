"""Images: what a service's `image`, `build` and `pull_policy` ask for, Engine API ImageInspect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provisioner.kinds.context import DecodeContext
from provisioner.kinds.fields import SAME, Field, custom, decode_fields
from provisioner.kinds.values import architecture
from provisioner.model.change import Impact
from provisioner.model.state import ImageFacts, Spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.model.edges import EngineBody

# What a built image was made from: a digest of its build context, Dockerfile and arguments.
BUILD_LABEL = "provisioner.build"


def platform_of(raw: EngineBody) -> str:
    """What an image runs on: `linux/amd64`, `linux/arm64/v8`."""
    return "/".join(raw[key] for key in ("Os", "Architecture", "Variant") if raw.get(key))


def same_platform(wanted: str | None, actual: str | None) -> str | None:
    """The actual platform as `wanted` itself where it satisfies it, which may leave out the system or the variant."""
    if not wanted or not actual:
        return wanted or actual
    parts = [architecture(part) for part in wanted.lower().split("/")]
    parts = parts if "/" in wanted else [actual.split("/")[0], *parts]
    return wanted if actual.split("/")[: len(parts)] == parts else actual


def _requested_field(key: str, api: str, summary: str, decode: Callable[[EngineBody], Any], **more: Any) -> Field:
    """A field of what is asked for; images are built and pulled, and there is no body to write it into."""
    return custom(
        key, api, summary, lambda body: None, lambda raw, value: None, decode, impact=Impact.IN_PLACE, chosen=True,
        swarm=SAME, **more,
    )  # fmt: skip


def align_platform(desired: Spec, observed: Spec, declared: frozenset[str]) -> tuple[Any, Any]:
    """Both platforms, the observed one as the desired one says it where it satisfies that."""
    return desired["platform"], same_platform(desired["platform"], observed["platform"])


FIELDS: tuple[Field, ...] = (
    _requested_field(
        "build", "Config.Labels", "digest of the build context and arguments",
        lambda raw: ((raw.get("Config") or {}).get("Labels") or {}).get(BUILD_LABEL),
    ),
    _requested_field(
        "digest", "RepoDigests", "digest that the registry has for the tag", lambda raw: None, sources=("image",),
    ),
    _requested_field("platform", "Os, Architecture, Variant", "what it runs on", platform_of, align=align_platform),
)  # fmt: skip


def decode(raw: EngineBody) -> Spec:
    """The spec of an image from its inspection (GET /images/{name}/json)."""
    return decode_fields(FIELDS, raw, DecodeContext())


def image_facts(raw: EngineBody) -> ImageFacts:
    """What containers inherit from the image. Absent parts of Config (API 1.50 and later) mean empty."""
    config: EngineBody = raw.get("Config") or {}
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
