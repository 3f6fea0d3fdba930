"""The one engine call of each step that fills a volume with the files of configs or secrets on a plain engine.

No content leaves this module but as an archive for the engine.
"""

from __future__ import annotations

import hmac
import io
import tarfile
from typing import TYPE_CHECKING, Any

from provisioner.errors import EngineRefused, StepFailed
from provisioner.kinds.container_files import ELSEWHERE, path_in_volume
from provisioner.kinds.container_mounts import file_address
from provisioner.kinds.file_volume import address_of, encode_labels, file_volume
from provisioner.kinds.ownership import owned_address, ownership_labels
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.operation import Fill, FillPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.plan import Plan, Step
    from provisioner.model.secret import SecretValue
    from provisioner.model.state import Resource
    from provisioner.ports import EngineReader, EngineWriter

# Where a carrier has the volume that it fills.
_INSIDE = "/files"


@dataclass(frozen=True, slots=True)
class FileCalls:
    """`contents` gives the bytes of configs and the values of secrets, `origins` the tier that each secret's value is
    from, with the tier's own version.
    """

    plan: Plan
    engine: EngineWriter
    contents: Mapping[Address, bytes | SecretValue]
    origins: Mapping[Address, str]

    def __call__(self, step: Step, made: Mapping[int, str]) -> str:
        """Make the step's call; returns the id of what was created. Raises ProvisionError when it failed."""
        match step.operation:
            case Fill(section=section, part=FillPart.CREATE_VOLUME):
                return self._create_volume(step.address, section)
            case Fill(section=section, part=FillPart.CREATE_CARRIER):
                return self._create_carrier(step.address, section)
            case Fill(section=section, part=FillPart.PUT_FILES):
                self._put_files(step.address, section, made[step.made_by or 0])
            case Fill(part=FillPart.REMOVE_CARRIER):
                # Together with what the image declares as VOLUME; the named one stays.
                self.engine.remove("container", made[step.made_by or 0], volumes=True)
            case _:
                raise AssertionError(step.operation)
        return ""

    def _create_volume(self, of: Address, section: str) -> str:
        """One of ours may stand there that was not filled to the end."""
        (name, files), address = self._files(of, section), address_of(of.name, section)
        if missing := {file_address(section, entry["source"]) for entry in files.values()} - self.contents.keys():
            raise EngineRefused(f"the volume {name} with {min(missing).listed} is gone", status=404, hint="apply again")
        found = self.engine.inspect("volume", name)
        if found is not None and owned_address(found.get("Labels"), name, self.plan.desired.project) == address:
            return name
        labels = ownership_labels(self.plan.desired.project, address, name)
        return self.engine.create(
            "volume", name, {"Labels": labels | encode_labels(section, files, self.origins)}
        )  # fmt: skip

    def _create_carrier(self, of: Address, section: str) -> str:
        """What an interrupted apply left under its name makes way."""
        (volume, _), project = self._files(of, section), self.plan.desired.project
        name, address = f"{volume}.carrier", address_of(of.name, section)
        stale = self.engine.inspect("container", name)
        if stale is not None and owned_address(stale["Config"].get("Labels"), name, project) == address:
            self.engine.remove("container", str(stale["Id"]), volumes=True)
        mount = {"Type": "volume", "Source": volume, "Target": _INSIDE, "VolumeOptions": {"NoCopy": True}}
        body = {
            "Image": self._image(of),
            "Cmd": ["never-started"],
            "Labels": ownership_labels(project, address, name),
            "HostConfig": {"Mounts": [mount], "NetworkMode": "none"},
        }
        return self.engine.create("container", name, body)

    def _put_files(self, of: Address, section: str, carrier: str) -> None:
        _, files = self._files(of, section)
        _require_no_folders(self.engine, carrier, self._image(of), files)
        self.engine.put_archive(carrier, _INSIDE, _volume_archive(section, files, self.contents))
        _require_contents(self.engine, carrier, section, files, self.contents)

    def _files(self, of: Address, section: str) -> tuple[str, Mapping[str, Any]]:
        """A service's configs or secrets: the name of their volume, and what is in it."""
        files = self._service(of).spec[section]
        return file_volume(self.plan.desired.project, of.name, section, files), files

    def _image(self, of: Address) -> str:
        return str(self._service(of).workload_spec["image"])

    def _service(self, of: Address) -> Resource:
        """The first replica: all have the same files."""
        return self.plan.desired.resources[Address("service", of.name, 1)]


def _volume_archive(kind: str, files: Mapping[str, Any], contents: Mapping[Address, bytes | SecretValue]) -> bytes:
    """A tar of the volume for `files` of a kind (`configs`, `secrets`): each at its path, with its owner and mode.

    `contents` gives the bytes of each config and secret.
    """
    buffer = io.BytesIO()
    folders: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for target, entry in sorted(files.items()):
            path = path_in_volume(target, entry)
            parts = path.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                folder = "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    archive.addfile(_folder(folder))
            data = _data(contents[file_address(kind, entry["source"])])
            member = tarfile.TarInfo(path)
            member.size = len(data)
            member.mode = int(entry["mode"], 8)
            member.uid, member.gid = int(entry["uid"]), int(entry["gid"])
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _require_contents(
    engine: EngineReader,
    carrier: str,
    kind: str,
    files: Mapping[str, Any],
    contents: Mapping[Address, bytes | SecretValue],
) -> None:
    """StepFailed unless the volume that `carrier` has at /files holds each file as `contents` gives it, byte for byte.

    Not asked of the service's own container: engines since 28.5 can not look into one that has a mount behind a link of
    its image, such as /var/run/docker.sock, and a look before the start makes folders of sockets that it mounts
    (github.com/moby/moby/issues/52653, 51424).
    """
    for target, entry in sorted(files.items()):
        path = path_in_volume(target, entry)
        found = engine.read_files(carrier, f"{_INSIDE}/{path}").get(path.rpartition("/")[2])
        source = str(entry["source"])
        if found is None or not hmac.compare_digest(found, _data(contents[file_address(kind, source)])):
            what = "is not there" if found is None else "has another content"
            raise StepFailed(
                f"the file {target} of {kind.removesuffix('s')} {source} {what} in its volume", hint="apply again"
            )


def _require_no_folders(engine: EngineReader, container_id: str, image: str, files: Mapping[str, Any]) -> None:
    """StepFailed for a target that is a folder of the image, which a container made from it shows."""
    for target, entry in sorted(files.items()):
        if engine.is_folder(container_id, target):
            raise StepFailed(
                f"{target}, the target of {entry['source']}, is a folder in the image {image}",
                hint=f"name a file: {target.rstrip('/')}/{entry['source']}",
            )


def _data(content: bytes | SecretValue) -> bytes:
    return content if isinstance(content, bytes) else content.reveal()


def _folder(path: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type = tarfile.DIRTYPE
    # Nobody looks for files there that are bound to other places.
    member.mode = 0o700 if path.split("/")[0] == ELSEWHERE else 0o755
    return member
