"""A volume's files through a container that is created and never started, and its writers held still meanwhile.

What was stopped or paused is written on that container, so that the next run goes on with it if this one is killed.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from provisioner.errors import ProvisionError, Unsafe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from provisioner.model.backup import Consistency
    from provisioner.ports import DataEngine, EngineWriter

CARRIER = "provisioner.backup"
_HELD = "provisioner.backup.held"
_BESIDE = "-target"
# The engine unpacks no symbolic link that leads out of the folder that it unpacks into, be there something or not.
# Nothing leads out of this one, whatever the number of `..`.
_OUTSIDE = "/"
# The folder that a volume's tar archive has at its outside.
FOLDER = "data"
INSIDE = f"{_OUTSIDE}{FOLDER}"


@contextlib.contextmanager
def held_volume(
    engine: DataEngine, project: str, volume: str, writers: Sequence[str], consistency: Consistency
) -> Iterator[str]:
    """A carrier of the volume (its id), while the containers `writers`, which run, are paused or stopped.

    They go on whatever happens in the block; an error of that is raised.
    """
    recover(engine, project)
    held: dict[str, list[str]] = {consistency: list(writers)} if consistency != "none" and writers else {}
    carrier = _create(engine, project, volume, held)
    try:
        for container in held.get("pause", ()):
            engine.pause(container)
        for container in held.get("stop", ()):
            engine.stop(container)
        yield carrier
    finally:
        _release(engine, held)
        engine.remove("container", carrier)


@contextlib.contextmanager
def carrier_of(engine: EngineWriter, project: str, volume: str, *, beside: bool = False) -> Iterator[str]:
    """A container that has the volume and never starts (its id); it goes with the block.

    `beside`: a second one, while there is another for another volume.
    """
    suffix = _BESIDE if beside else ""
    if beside:
        _recover(engine, project, suffix)
    else:
        recover(engine, project)
    carrier = _create(engine, project, volume, {}, suffix)
    try:
        yield carrier
    finally:
        engine.remove("container", carrier)


def recover(engine: EngineWriter, project: str) -> None:
    """Let go on what a backup that was killed has stopped or paused, and remove its carriers."""
    for suffix in ("", _BESIDE):
        _recover(engine, project, suffix)


def _recover(engine: EngineWriter, project: str, suffix: str) -> None:
    name = f"{project}.backup{suffix}"
    raw = engine.inspect("container", name)
    if raw is None:
        return
    labels = raw["Config"].get("Labels") or {}
    if labels.get(CARRIER) != project:
        raise Unsafe(f"the container {name} stands in the way, and is not ours", hint="rename it")
    _release(engine, json.loads(labels.get(_HELD) or "{}"))
    engine.remove("container", str(raw["Id"]))


@contextlib.contextmanager
def read_volume(engine: DataEngine, carrier: str) -> Iterator[Iterator[bytes]]:
    """The volume's files as a tar stream for a block; every name begins with the folder `data`.

    The stream ends with the block: the engine removes no carrier that somebody reads from.
    """
    with contextlib.closing(engine.read_archive(carrier, INSIDE)) as stream:
        yield stream


def write_volume(engine: DataEngine, carrier: str, chunks: Iterator[bytes]) -> None:
    """Unpack such a stream into the volume; the volume's own owner and mode are set too."""
    engine.write_archive(carrier, _OUTSIDE, chunks)


def _create(
    engine: EngineWriter, project: str, volume: str, held: Mapping[str, Sequence[str]], suffix: str = ""
) -> str:
    if engine.inspect("volume", volume) is None:
        raise ProvisionError(f"there is no volume {volume}", hint="provision apply makes it")
    mount = {"Type": "volume", "Source": volume, "Target": INSIDE, "VolumeOptions": {"NoCopy": True}}
    body = {
        "Image": "",
        "Cmd": ["backup"],
        "Labels": {CARRIER: project, _HELD: json.dumps(held)},
        "HostConfig": {"NetworkMode": "none", "Mounts": [mount]},
    }
    return engine.create("container", f"{project}.backup{suffix}", body)


def _release(engine: EngineWriter, held: Mapping[str, Sequence[str]]) -> None:
    """Let containers go on. All of them are tried; the first error is raised then."""
    errors = []
    for how, go_on in (("pause", engine.unpause), ("stop", engine.start)):
        for container in reversed(held.get(how, ())):
            raw = engine.inspect("container", container)
            if raw is None or (how == "pause" and raw["State"]["Status"] != "paused"):
                continue
            try:
                go_on(container)
            except ProvisionError as error:
                errors.append(error)
    if errors:
        raise errors[0]
