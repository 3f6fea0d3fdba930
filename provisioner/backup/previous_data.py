"""The data that a restore replaces, kept in volumes beside: `<volume>.before-restore`.

A record on the engine says which copies are whole, so that a restore that was killed goes on, and never takes half of
the new data for the old. The record is a container that never starts; it is there as long as a restore is not at its
end.
"""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from provisioner.backup.volumes import carrier_of, read_volume, write_volume
from provisioner.errors import Unsafe
from provisioner.model.dataclass import dataclass
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from provisioner.ports import DataEngine, EngineReader

SUFFIX = ".before-restore"
KEPT = "provisioner.before-restore"
_SINCE = "provisioner.before-restore.since"
_TOGETHER = "provisioner.before-restore.with"
_RESTORE = "provisioner.restore"
_BEGUN = "provisioner.restore.begun"
_STATE = "state.json"


@dataclass(frozen=True, slots=True)
class Record:
    """A restore that is under way, or that was killed.

    `command` finishes it. `volumes` are those that it replaces, `kept` of them those whose old data are whole in the
    copy; once it is `replacing`, the others held nothing before. Its copies say that they are of since it `began`.
    """

    command: str
    volumes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    replacing: bool = False
    began: str = ""

    @property
    def emptied(self) -> tuple[str, ...]:
        """The volumes that held nothing before and may hold new data by now."""
        return tuple(volume for volume in self.volumes if volume not in self.kept) if self.replacing else ()

    def made(self, kept: Kept) -> bool:
        """Whether data were kept by this restore; if not on record, then in part only."""
        return kept.volume in self.kept or bool(self.began and kept.since == self.began)

    def problem(self) -> Problem:
        """Why nothing may run on these data, and how that is ended."""
        return Problem(
            "a restore did not come to its end: what the volumes hold may be half of the old data and half of the new",
            hint=f"`{self.command}` finishes it; `provision restore --undo` puts the data of before back",
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """What a volume held before a restore. `since` (RFC 3339, empty for unknown) is when that restore began, `together`
    are the volumes whose data it kept with this one: together they are one state."""

    volume: str
    since: str = ""
    together: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The volume that has the data now."""
        return self.volume + SUFFIX


def new_record(command: str) -> Record:
    """A restore that begins now."""
    return Record(command, began=datetime.now(UTC).isoformat(timespec="microseconds"))


def read_record(engine: EngineReader, project: str) -> Record | None:
    """The restore that did not come to its end; None where there is none."""
    raw = _find(engine, project)
    if raw is None:
        return None
    # One that was killed between making the container and its file says on the container what it was about.
    said = (raw["Config"].get("Labels") or {}).get(_BEGUN)
    content = engine.read_files(str(raw["Id"]), f"/{_STATE}").get(_STATE) or said
    if content is None:
        return Record("provision restore")
    record = json.loads(content)
    # One of an earlier version says which archive it was, and no more than what is kept.
    command = str(record.get("command") or f"provision restore {record.get('archive')} --replace")
    kept = tuple(record["kept"])
    volumes, began = tuple(record.get("volumes") or kept), str(record.get("began") or "")
    return Record(command, volumes, kept, bool(record.get("replacing")), began)


def require_settled(engine: EngineReader, project: str) -> None:
    """Unsafe while a restore has not come to its end: nothing is started on its data, and none of them are saved."""
    record = read_record(engine, project)
    if record is not None:
        problem = record.problem()
        raise Unsafe(problem.message, hint=problem.hint)


def write_record(engine: DataEngine, project: str, record: Record) -> None:
    """Keep how far a restore is."""
    raw, state = _find(engine, project), json.dumps(asdict(record))
    if raw is None:
        body = {
            "Image": "", "Cmd": ["restore"], "Labels": {_RESTORE: project, _BEGUN: state},
            "HostConfig": {"NetworkMode": "none"},
        }  # fmt: skip
        identity = engine.create("container", f"{project}.restore", body)
    else:
        identity = str(raw["Id"])
    text = state.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(_STATE)
        member.size, member.mode = len(text), 0o600
        archive.addfile(member, io.BytesIO(text))
    engine.put_archive(identity, "/", buffer.getvalue())


def forget_record(engine: DataEngine, project: str) -> None:
    """The restore came to its end."""
    raw = _find(engine, project)
    if raw is not None:
        engine.remove("container", str(raw["Id"]))


def keep_aside(engine: DataEngine, project: str, kept: Kept) -> None:
    """Copy a volume's data into the volume beside it, made anew: what was in that is lost."""
    volume, name = kept.volume, kept.name
    if engine.inspect("volume", name) is not None:
        engine.remove("volume", name)
    labels = {KEPT: project, _SINCE: kept.since, _TOGETHER: ",".join(kept.together)}
    engine.create("volume", name, {"Labels": labels})
    try:
        copy_volume(engine, project, volume, name)
    except BaseException:
        # Half a copy is never to be taken for a whole one.
        engine.remove("volume", name)
        raise


def put_back(engine: DataEngine, project: str, volume: str) -> None:
    """Make a volume anew with the data that were kept aside."""
    make_anew(engine, volume)
    copy_volume(engine, project, volume + SUFFIX, volume)


def copy_volume(engine: DataEngine, project: str, source: str, target: str) -> None:
    """Copy all files from one volume into another, which is empty, with owners, modes and times."""
    with (
        carrier_of(engine, project, source) as source_carrier,
        carrier_of(engine, project, target, beside=True) as target_carrier,
        read_volume(engine, source_carrier) as files,
    ):
        write_volume(engine, target_carrier, files)


def make_anew(engine: DataEngine, volume: str) -> None:
    """Remove a volume and make it again, empty, with the same driver, options and labels. Nobody may be using it."""
    raw = engine.inspect("volume", volume)
    if raw is None:
        return
    engine.remove("volume", volume)
    body: dict[str, Any] = {"Labels": dict(raw.get("Labels") or {}), "Driver": raw.get("Driver") or "local"}
    if raw.get("Options"):
        body["DriverOpts"] = raw["Options"]
    engine.create("volume", volume, body)


def kept_data(engine: EngineReader, project: str) -> tuple[Kept, ...]:
    """The data from before restores that are kept, by the names of their volumes."""
    all_kept = []
    for raw in engine.list("volume", {KEPT: project}):
        name, labels = str(raw["Name"]), raw.get("Labels") or {}
        if name.endswith(SUFFIX):
            together = tuple(part for part in str(labels.get(_TOGETHER) or "").split(",") if part)
            all_kept.append(Kept(name.removesuffix(SUFFIX), str(labels.get(_SINCE) or ""), together))
    return tuple(sorted(all_kept, key=lambda kept: kept.volume))


def first_entries(chunks: Iterator[bytes]) -> bool:
    """Whether a volume's tar stream has anything in it; reads no further than needed."""
    from provisioner.backup.tar_check import TarCheck

    check = TarCheck("")
    return any(check.entries for _ in check.watch(chunks)) or bool(check.entries)


def _find(engine: EngineReader, project: str) -> Mapping[str, Any] | None:
    raw = engine.inspect("container", f"{project}.restore")
    if raw is not None and (raw["Config"].get("Labels") or {}).get(_RESTORE) != project:
        raise Unsafe(f"the container {project}.restore stands in the way, and is not ours", hint="rename it")
    return raw
