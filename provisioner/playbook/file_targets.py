"""Where the files of configs and secrets are to stand in containers: targets that can not be had. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from provisioner.document.paths import clean, file_target
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.node import Node
    from provisioner.model.playbook import Playbook, Service
    from provisioner.model.span import Span
    from provisioner.model.state import ImageFacts

# Folders that a Linux system has, in an image or made by the engine.
_FOLDERS = frozenset((
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/proc", "/root", "/run",
    "/run/configs", "/run/secrets", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local",
    "/usr/local/bin", "/usr/local/etc", "/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/log", "/var/run",
))  # fmt: skip
# What programs of every system read or run; a file there changes more than the service's own program.
_SYSTEM_FILES = frozenset((
    "/etc/group", "/etc/gshadow", "/etc/hostname", "/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.preload",
    "/etc/nsswitch.conf", "/etc/passwd", "/etc/resolv.conf", "/etc/shadow", "/etc/sudoers",
))  # fmt: skip
_SYSTEM_FOLDERS = ("/bin/", "/boot/", "/lib/", "/lib32/", "/lib64/", "/sbin/", "/usr/bin/", "/usr/lib/", "/usr/lib64/",
                   "/usr/sbin/")  # fmt: skip
# limits.h of Linux: NAME_MAX, PATH_MAX.
_LONGEST_NAME, _LONGEST_PATH = 255, 4095
_KERNEL = ("/proc/", "/sys/", "/dev/")
# Where a volume on a plain engine keeps files that are wanted elsewhere.
_RESERVED = ("/run/secrets/.provisioner", "/run/configs/.provisioner")


class FileUse(NamedTuple):
    """One entry of a service's `configs` or `secrets`. `given` is the target as it is written, `target` absolute."""

    kind: str
    source: str
    given: str
    target: str
    override: bool
    span: Span
    path: str


def file_uses(service: Service) -> Iterator[FileUse]:
    """The files of a service's configs and secrets, in file order."""
    for kind in ("configs", "secrets"):
        section = service.body.get(kind)
        for index, item in enumerate(section.items if section is not None and section.is_sequence else ()):
            source = _text(item.get("source"))
            given, override = item.get("target"), item.get("override")
            text = _text(given) or source
            yield FileUse(
                kind, source, text, file_target(kind, text), override is not None and override.value is True,
                given.span if given is not None else item.span, f"services.{service.name}.{kind}.{index}",
            )  # fmt: skip


def problems(playbook: Playbook) -> Iterator[Problem]:
    """Every target that can not be had, at its place."""
    for service in playbook.services.values():
        taken: dict[str, FileUse] = {}
        for use in file_uses(service):
            fault = _impossible(use) or _taken(use, taken, _mounted(service))
            if fault is not None:
                text, hint = fault
                yield Problem(text, use.span, f"{use.path}.target", hint)
            taken.setdefault(use.target, use)


def folders_of_images(playbook: Playbook, images: Mapping[str, ImageFacts]) -> Iterator[Problem]:
    """Targets that are folders of the service's image, as far as `images` (by reference) tell of its folders."""
    for service in playbook.services.values():
        image = images.get(service.image)
        if image is None:
            continue
        search = image.environment.get("PATH", "").split(":")
        folders = [folder for folder in (image.working_dir, *image.volumes, *search) if folder.startswith("/")]
        for use in file_uses(service):
            if any(f"{clean(folder)}/".startswith(f"{use.target}/") for folder in folders):
                hint = f"name a file, such as {use.target}/{use.source}"
                text = f"'{use.given}' is a folder in the image {service.image}"
                yield Problem(text, use.span, f"{use.path}.target", hint)


def _impossible(use: FileUse) -> tuple[str, str] | None:
    """What is wrong with a target by itself, and what to do."""
    below = f"name a file, such as {use.target.rstrip('/')}/{use.source}"
    if use.given.endswith("/") or use.target in _FOLDERS:
        return f"'{use.given}' is a folder", below
    if any(len(part.encode()) > _LONGEST_NAME for part in use.target.split("/")) or len(use.target) > _LONGEST_PATH:
        limits = f"a name has at most {_LONGEST_NAME} bytes, a path {_LONGEST_PATH}"
        return f"the target {use.target[:40]}… is too long: {limits}", "choose a shorter one"
    if use.target.startswith(_KERNEL):
        return f"'{use.target}' is the kernel's", "choose another target"
    if any(f"{use.target}/".startswith(f"{place}/") for place in _RESERVED):
        return f"'{use.target}' is a place that provision needs itself", "choose another name"
    if not use.override and (use.target in _SYSTEM_FILES or use.target.startswith(_SYSTEM_FOLDERS)):
        hint = "choose another target, or say `override: true` beside it where that is meant"
        return f"'{use.target}' would cover a file of the system", hint
    return None


def _taken(use: FileUse, taken: dict[str, FileUse], mounted: dict[str, str]) -> tuple[str, str] | None:
    """What else stands at a target, or would have to be both a file and a folder, and what to do."""
    other = taken.get(use.target)
    if other is not None:
        return (
            f"'{use.given}' is where {other.kind.removesuffix('s')} '{other.source}' stands already ({other.span})",
            "give each a target of its own",
        )
    for target, above in taken.items():
        if target.startswith(f"{use.target}/") or use.target.startswith(f"{target}/"):
            file, inner = (use.target, target) if target.startswith(f"{use.target}/") else (target, use.target)
            return (
                f"'{file}' can not be a file and the folder of '{inner}' ({above.span})",
                "give one of them another target",
            )
    if use.target in mounted:
        return (
            f"'{use.target}' is the target of a mount, too ({mounted[use.target]})",
            "give one of them another target",
        )
    # Where the volume with the files of this kind is mounted; a mount within it comes after it.
    root = f"/run/{use.kind}/"
    for place, where in mounted.items():
        if place.startswith(root) and use.target.startswith(f"{place}/"):
            return f"'{use.target}' is below the mount at '{place}', which covers it ({where})", "choose another target"
    return None


def _mounted(service: Service) -> dict[str, str]:
    """The targets of the service's mounts with their positions."""
    section = service.body.get("volumes")
    positions = {}
    for item in section.items if section is not None and section.is_sequence else ():
        target = item.get("target")
        if target is not None and isinstance(target.value, str):
            positions[file_target("configs", target.value)] = str(target.span)
    return positions


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""
