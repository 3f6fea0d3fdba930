"""`cp`: files between a service's containers and this machine, byte for byte, with modes, owners, times and links.

The rules are those of `docker cp`; see `tar_names`.
"""

from __future__ import annotations

import os
import posixpath
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.app.one_offs import one_off_containers
from provisioner.app.owned import OwnedContainer, owned_containers, running_replica
from provisioner.app.service_work import load_with
from provisioner.app.tar_names import Source, Target, arrival, split
from provisioner.app.tar_streams import pack, unpack
from provisioner.app.wiring import open_engine
from provisioner.errors import EngineRefused, ProvisionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from provisioner.app.request import Request
    from provisioner.engines.docker_api import DockerEngine
    from provisioner.ports import EngineOperator

STREAM = "-"
# The bits of a folder and of a link in Go's os.FileMode, which the engine tells.
_FOLDER, _LINK = 1 << 31, 1 << 27
_CHUNK = 1 << 18
_MOST_LINKS = 40


def copy_out(
    request: Request,
    service: str,
    path: str,
    target: str,
    *,
    index: int | None,
    follow: bool,
    one_off: bool = False,
    write: Callable[[bytes], object],
) -> str:
    """Copy from a container, running or not, to a local path, or as a tar archive to `write`; the container's name.

    With `one_off` it may be a container of `run`, where the service has none. ProvisionError where nothing stands at
    the path, for what can not take the other place, and where the folder for it is not there: none is made.
    """
    engine, containers = _containers(request, service, index, one_off=one_off)
    container = containers[0]
    path = _absolute(path)
    facts = engine.path_facts(container.id, path)
    rebased = ""
    if facts is not None and follow and int(facts["mode"]) & _LINK:
        before, (path, facts) = path, _followed(engine, container.id, path)
        rebased = posixpath.basename(before) if posixpath.basename(before) != posixpath.basename(path) else ""
    if facts is None:
        raise ProvisionError(f"there is no {path} in {container.address}")
    chunks = engine.get_tar(container.id, path)
    if target == STREAM:
        for chunk in chunks:
            write(chunk)
        return _name(container)
    source = Source(path, bool(int(facts["mode"]) & _FOLDER), rebased)
    place = arrival(source, _local_target(target))
    if not Path(place.folder).is_dir():
        raise ProvisionError(f"there is no folder {place.folder} here", hint=f"mkdir -p {place.folder} makes it")
    unpack(chunks, place)
    return _name(container)


def copy_in(
    request: Request,
    source: str,
    service: str,
    path: str,
    *,
    index: int | None,
    follow: bool,
    to_user: bool,
    one_off: bool = False,
) -> list[str]:
    """Copy a local file or folder, or a tar archive from standard input, into a container, or into all of a service.

    The owner's number stays what it is here; with `to_user` it becomes the container's user. The containers' names.
    """
    engine, containers = _containers(request, service, index, one_off=one_off)
    if source == STREAM and len(containers) > 1:
        containers = containers[:1]
    for container in containers:
        target = _target_in(engine, container.id, _absolute(path))
        if source == STREAM:
            if not target.is_folder:
                raise ProvisionError(f"{service}:{path} is no folder, and an archive is unpacked in one")
            engine.put_tar(container.id, target.path, _standard_input(), to_user=to_user)
            continue
        local = _local_source(source, follow=follow)
        place = arrival(local, target)
        name = split(local.path)[1]
        chunks = pack(local.path, name, place.name)
        try:
            engine.put_tar(container.id, place.folder, chunks, to_user=to_user)
        except EngineRefused as error:
            if error.status == 404:
                raise ProvisionError(f"there is no folder {place.folder} in {container.address}") from error
            raise
    return [_name(container) for container in containers]


def _containers(
    request: Request, service: str, index: int | None, *, one_off: bool
) -> tuple[DockerEngine, list[OwnedContainer]]:
    """The container of an index, else all of the service, with `one_off` those of `run` after them.

    ProvisionError where there is none on this node.
    """
    playbook = load_with(request, [service])
    engine = open_engine(request, playbook.engine)
    replicas = owned_containers(engine, playbook.project, [service])
    chosen = [container for container in replicas if index is None or container.address.index == index]
    if one_off and index is None:
        chosen += one_off_containers(engine, playbook.project, [service])
    return engine, chosen or [running_replica(engine, playbook, service, index or 1)]


def _absolute(path: str) -> str:
    """A path in a container from its root; a slash or `/.` at its end stays, since it means something."""
    whole = path if path.startswith("/") else f"/{path}"
    end = "/." if whole.endswith("/.") else "/" if whole.endswith("/") else ""
    cleaned = posixpath.normpath(whole).replace("//", "/")
    return cleaned if cleaned == "/" and end != "/." else f"{cleaned.rstrip('/')}{end}"


def _followed(engine: EngineOperator, container: str, path: str) -> tuple[str, dict[str, object] | None]:
    for _ in range(_MOST_LINKS):
        facts = engine.path_facts(container, path)
        if facts is None or not facts.get("linkTarget") or not int(facts["mode"]) & _LINK:
            return path, dict(facts) if facts else None
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(facts["linkTarget"])))
    return path, None


def _target_in(engine: EngineOperator, container: str, path: str) -> Target:
    asked = path.rstrip("/") or "/" if not path.endswith("/.") else path
    facts = engine.path_facts(container, asked)
    if facts is not None and int(facts["mode"]) & _LINK:
        path, target_facts = _followed(engine, container, asked)
        facts = target_facts
    return Target(path, facts is not None, facts is not None and bool(int(str(facts["mode"])) & _FOLDER))


def _local_source(path: str, *, follow: bool) -> Source:
    """A local path with the links above it followed, and the last one too with `follow`."""
    here = Path(path)
    if not here.exists() and not here.is_symlink():
        raise UsageError(f"there is no {path} here")
    inside = path in (".", "..") or path.endswith(("/.", "/"))
    above = os.path.realpath(here.parent)
    whole = os.path.realpath(path) if follow or inside else str(Path(above, here.name))
    rebased = here.name if follow and here.name != Path(whole).name and not inside else ""
    means_content = path == "." or path.endswith("/.")
    is_link = here.is_symlink() and not follow and not inside
    return Source(f"{whole.rstrip('/')}/." if means_content else whole, Path(whole).is_dir() and not is_link, rebased)


def _local_target(path: str) -> Target:
    whole = os.path.realpath(path)
    end = "/." if path.endswith("/.") else "/" if path.endswith("/") else ""
    return Target(whole + end if whole != "/" else whole, Path(whole).exists(), Path(whole).is_dir())


def _standard_input() -> Iterator[bytes]:
    """What is piped in. ProvisionError where it can not be read: as an OSError it would be taken for the engine's."""
    try:
        while chunk := os.read(sys.stdin.fileno(), _CHUNK):
            yield chunk
    except OSError as error:
        raise ProvisionError(f"standard input can not be read: {error.strerror}") from error


def _name(container: OwnedContainer) -> str:
    return str(container.raw["Name"]).lstrip("/")
