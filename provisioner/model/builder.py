"""What can build images for an engine."""

from __future__ import annotations

from enum import StrEnum

from provisioner.model.dataclass import dataclass


class BuilderKind(StrEnum):
    """BuildKit through the plugin buildx of Docker's client, or through a client that has it built in (before 23); the
    engine's classic builder."""

    BUILDX = "buildx"
    CLIENT = "client"
    CLASSIC = "classic"


@dataclass(frozen=True, slots=True)
class Builder:
    """One builder. `command` is the client that drives it, None for the classic one, which the engine itself is."""

    kind: BuilderKind
    command: str | None = None
    version: str = ""

    def __str__(self) -> str:
        if self.kind is BuilderKind.CLASSIC:
            return "the engine's classic builder"
        name = "docker buildx" if self.kind is BuilderKind.BUILDX else "docker"
        return f"BuildKit ({name} {self.version}, {self.command})"


CLASSIC = Builder(BuilderKind.CLASSIC)


@dataclass(frozen=True, slots=True)
class Builders:
    """The builders that are there, best first. `lacking` says why there is no better one, where that can be told, and
    `remedy` what to do about it where that is not to install one."""

    available: tuple[Builder, ...] = (CLASSIC,)
    lacking: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Lack:
    """A key of a build that can not be had, or has no effect, with the builder that was chosen."""

    key: str
    text: str
    hint: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The builder of one build. `refused` are what no builder here can do, `lost` what this one leaves out."""

    builder: Builder
    refused: tuple[Lack, ...] = ()
    lost: tuple[Lack, ...] = ()
