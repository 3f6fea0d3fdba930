"""The one engine call of each step that fills a volume with the files of configs or secrets on a plain engine.

No content leaves this module but as an archive for the engine.
"""

from __future__ import annotations

import hmac
import io
import tarfile
from typing import TYPE_CHECKING

from provisioner.errors import EngineRefused, StepFailed
from provisioner.kinds import file_volume
from provisioner.kinds.container_files import ELSEWHERE, path_in_volume
from provisioner.kinds.container_mounts import file_address, file_entries
from provisioner.kinds.ownership import owned_address, ownership_labels
from provisioner.model.address import Address
from provisioner.model.dataclass import dataclass
from provisioner.model.operation import Fill, FillPart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioner.model.plan import Plan, Step
    from provisioner.model.secret import SecretValue
    from provisioner.model.specs import FileUse
    from provisioner.model.state import Resource
    from provisioner.ports import EngineWriter

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
        operation, made_by = step.operation, made.get(step.made_by or 0, "")
        assert isinstance(operation, Fill)
        # The first replica: all have the same files.
        service = self.plan.desired.resources[Address("service", step.address.name, 1)]
        files, image = service.spec[operation.section], str(service.workload_spec["image"])
        volume = file_volume.parse(self.plan.desired.project, step.address.name, operation.section, files)
        match operation.part:
            case FillPart.CREATE_VOLUME:
                return self._create_volume(volume)
            case FillPart.CREATE_CARRIER:
                return self._create_carrier(volume, image)
            case FillPart.PUT_FILES:
                self._require_no_folders(made_by, image, files)
                self.engine.put_archive(made_by, _INSIDE, self._archive(operation.section, files))
                self._require_contents(made_by, operation.section, files)
            case FillPart.REMOVE_CARRIER:
                # Together with what the image declares as VOLUME; the named one stays.
                self.engine.remove("container", made_by, volumes=True)
        return ""

    def _create_volume(self, volume: Resource) -> str:
        """One of ours may stand there that was not filled to the end."""
        if missing := {address for address, _ in file_entries(volume.spec)} - self.contents.keys():
            text = f"the volume {volume.name} with {min(missing).listed} is gone"
            raise EngineRefused(text, status=404, hint="apply again")
        existing = self.engine.inspect("volume", volume.name)
        if existing is not None and self._is_ours(volume, volume.name, existing.get("Labels")):
            return volume.name
        body = file_volume.encode(volume, self.plan.desired.project, self.origins)
        return self.engine.create("volume", volume.name, body)

    def _create_carrier(self, volume: Resource, image: str) -> str:
        """What an interrupted apply left under its name makes way."""
        name = f"{volume.name}.carrier"
        stale = self.engine.inspect("container", name)
        if stale is not None and self._is_ours(volume, name, stale["Config"].get("Labels")):
            self.engine.remove("container", str(stale["Id"]), volumes=True)
        mount = {"Type": "volume", "Source": volume.name, "Target": _INSIDE, "VolumeOptions": {"NoCopy": True}}
        body = {
            "Image": image,
            "Cmd": ["never-started"],
            "Labels": ownership_labels(self.plan.desired.project, volume.address, name),
            "HostConfig": {"Mounts": [mount], "NetworkMode": "none"},
        }
        return self.engine.create("container", name, body)

    def _is_ours(self, volume: Resource, name: str, labels: Mapping[str, str] | None) -> bool:
        return owned_address(labels, name, self.plan.desired.project) == volume.address

    def _archive(self, section: str, files: Mapping[str, FileUse]) -> bytes:
        """A tar of the volume for the files of a section: each at its path, with its owner and mode."""
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
                data = self._data(section, entry)
                member = tarfile.TarInfo(path)
                member.size = len(data)
                member.mode = int(entry["mode"], 8)
                member.uid, member.gid = int(entry["uid"]), int(entry["gid"])
                archive.addfile(member, io.BytesIO(data))
        return buffer.getvalue()

    def _require_contents(self, carrier: str, section: str, files: Mapping[str, FileUse]) -> None:
        """StepFailed unless the volume that `carrier` has at /files holds each file byte for byte.

        Not asked of the service's own container: engines since 28.5 can not look into one that has a mount behind a
        link of its image, such as /var/run/docker.sock, and a look before the start makes folders of sockets that it
        mounts (github.com/moby/moby/issues/52653, 51424).
        """
        for target, entry in sorted(files.items()):
            path = path_in_volume(target, entry)
            contents = self.engine.read_files(carrier, f"{_INSIDE}/{path}").get(path.rpartition("/")[2])
            if contents is None or not hmac.compare_digest(contents, self._data(section, entry)):
                what = "is not there" if contents is None else "has another content"
                raise StepFailed(
                    f"the file {target} of {section.removesuffix('s')} {entry['source']} {what} in its volume",
                    hint="apply again",
                )

    def _require_no_folders(self, carrier: str, image: str, files: Mapping[str, FileUse]) -> None:
        """StepFailed for a target that is a folder of the image, which a container made from it shows."""
        for target, entry in sorted(files.items()):
            if self.engine.is_folder(carrier, target):
                raise StepFailed(
                    f"{target}, the target of {entry['source']}, is a folder in the image {image}",
                    hint=f"name a file: {target.rstrip('/')}/{entry['source']}",
                )

    def _data(self, section: str, entry: FileUse) -> bytes:
        content = self.contents[file_address(section, str(entry["source"]))]
        return content if isinstance(content, bytes) else content.reveal()


def _folder(path: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.type = tarfile.DIRTYPE
    # Nobody looks for files there that are bound to other places.
    member.mode = 0o700 if path.split("/")[0] == ELSEWHERE else 0o755
    return member
