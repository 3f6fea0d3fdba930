"""What a plan needs from this machine's files: configs, build contexts, seccomp profiles, with all that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from provisioner.app.configs import config_contents
from provisioner.app.image_inputs import build_digests
from provisioner.app.seccomp_profiles import seccomp_profiles
from provisioner.errors import PlaybookInvalid
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.app.platform import Platform
    from provisioner.app.request import Request
    from provisioner.model.playbook import Playbook
    from provisioner.model.span import Problem

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class InputFiles:
    """The bytes of configs, the digests of builds, the canonical JSON of seccomp profiles."""

    configs: Mapping[str, bytes]
    builds: Mapping[str, str]
    profiles: Mapping[str, str]


def read_files(request: Request, playbook: Playbook, platform: Platform) -> InputFiles:
    """All of them. PlaybookInvalid with everything that can not be read, whatever it is for."""
    problems: list[Problem] = []
    files = InputFiles(
        _read(lambda: config_contents(request, playbook, platform), problems),
        _read(lambda: build_digests(playbook), problems),
        _read(lambda: seccomp_profiles(playbook), problems),
    )
    if problems:
        raise PlaybookInvalid(problems)
    return files


def _read(reading: Callable[[], dict[str, _T]], problems: list[Problem]) -> dict[str, _T]:
    try:
        return reading()
    except PlaybookInvalid as error:
        problems.extend(error.problems)
        return {}
