"""What lint may know beyond the playbook: files beside it, and what is on the engine already. Reads only."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.document.regular_file import read_regular
from provisioner.document.secret_files import secret_files_below
from provisioner.kinds.values import moment
from provisioner.lint.bodies import mounts, text
from provisioner.lint.dockerfile import Dockerfile, parse
from provisioner.lint.rule import LintFacts
from provisioner.model.state import ImageFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.model.node import JSON
    from provisioner.model.playbook import Playbook, Service
    from provisioner.ports import EngineReader

_LARGEST = 1024 * 1024
_MOST_FILES = 1000


def read_files(playbook: Playbook) -> LintFacts:
    """What the files beside the playbook tell: Dockerfiles and the sources of bind mounts."""
    dockerfiles = {}
    for service in playbook.services.values():
        dockerfile = _dockerfile(service)
        if dockerfile is not None:
            dockerfiles[service.name] = dockerfile
    sources = {
        mount.source
        for service in playbook.services.values()
        for mount in mounts(service)
        if mount.kind == "bind" and mount.source.startswith("/")
    }
    return LintFacts(
        dockerfiles=dockerfiles,
        modified={source: _modified(Path(source)) for source in sorted(sources)},
        secret_files={source: secret_files_below(source, playbook.directory) for source in sorted(sources)},
    )


def read_engine(playbook: Playbook, engine: EngineReader, facts: LintFacts) -> LintFacts:
    """`facts` with what the engine tells: which volumes are there, which subnets are taken, what images say.

    Raises `Unreachable` when the engine is away.
    """
    volumes = {}
    for volume in playbook.volumes.values():
        existing = engine.inspect("volume", volume.name)
        created = _time(existing.get("CreatedAt")) if existing else None
        if created is not None:
            volumes[volume.name] = created
    own = {network.name for network in playbook.networks.values()}
    subnets = {
        str(network["Name"]): tuple(_subnets(network))
        for network in engine.list("network", {})
        if network.get("Name") not in own
    }
    images = {}
    for service in playbook.services.values():
        image = engine.inspect("image", service.image)
        if image is not None:
            images[service.name] = _image(image)
    return replace(facts, volumes=volumes, subnets=subnets, images=images)


def _dockerfile(service: Service) -> Dockerfile | None:
    build = service.body.get("build")
    if build is None or not build.is_mapping:
        return None
    target, inline = text(build.get("target")), text(build.get("dockerfile_inline"))
    if inline:
        return parse(inline, "dockerfile_inline", target)
    context = text(build.get("context"))
    if not context.startswith("/"):
        return None
    path = Path(context) / (text(build.get("dockerfile")) or "Dockerfile")
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return parse(read_regular(path).decode(errors="replace"), str(path), target)
    except OSError:
        return None


def _modified(path: Path) -> float | None:
    """The newest modification of a file, or of the files of a folder; None where nothing is there."""
    try:
        newest = path.stat().st_mtime
    except FileNotFoundError:
        return None
    except OSError:
        return 0.0
    with suppress(OSError):
        if path.is_dir():
            # A folder's own time changes with every file that is put beside the others; a link may point nowhere.
            entries = (entry for entry, _ in zip(path.iterdir(), range(_MOST_FILES), strict=False))
            newest = max((entry.stat().st_mtime for entry in entries if entry.exists()), default=newest)
    return newest


def _time(value: JSON) -> float | None:
    """Seconds since 1970."""
    instant = moment(value)
    return instant.timestamp() if instant else None


def _subnets(network: Mapping[str, JSON]) -> Iterator[str]:
    ipam = network.get("IPAM")
    entries = ipam.get("Config") if isinstance(ipam, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("Subnet"):
            yield str(entry["Subnet"])


def _image(raw: Mapping[str, JSON]) -> ImageFacts:
    config = raw.get("Config")
    fields = config if isinstance(config, dict) else {}
    volumes = fields.get("Volumes")
    return ImageFacts(
        id=str(raw.get("Id") or ""),
        user=str(fields.get("User") or ""),
        healthcheck=fields.get("Healthcheck"),
        volumes=tuple(volumes) if isinstance(volumes, dict) else (),
    )
