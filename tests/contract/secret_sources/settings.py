"""What every source supplies to take part in the suite: how to put secrets into it, and how to make it refuse."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.errors import EngineRefused, SecretUnavailable
from provisioner.model.secret import SecretRef, SecretValue
from provisioner.model.state import Facts
from provisioner.secrets.aws import AwsTier, Limits
from provisioner.secrets.docker_tier import DockerTier
from provisioner.secrets.env_local import EnvLocal, EnvLocalStore
from provisioner.secrets.environment_form import EnvironmentForm
from provisioner.secrets.file_form import FileForm
from provisioner.secrets.os_keyring import ASKED_BY_NAME, OsKeyring
from tests.contract.secret_sources.keyring_backend import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

    from provisioner.ports import SecretSource

MEMORY = "tests.contract.secret_sources.keyring_backend.Memory"


@dataclass
class Setting:
    """A source in an empty world of its own.

    `readable` is false where values never come back, `text_only` where bytes that are not text can not be put.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    tier: ClassVar[str]
    readable: ClassVar[bool] = True
    text_only: ClassVar[bool] = False
    largest: ClassVar[int] = 500 * 1024 - 1

    def ref(self, key: str) -> SecretRef:
        return SecretRef(
            key, (f"proj_{key}", key), key.upper(), f"app/{key}", (self.tier,), file=f"files/{key}", environment=key
        )

    def open(self) -> SecretSource:
        raise NotImplementedError

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        """May raise `SecretUnavailable` for a value that the place can not carry."""
        raise NotImplementedError

    def refuse(self) -> None:
        """Make the source unable or unwilling to answer."""
        raise NotImplementedError


class EnvLocalSetting(Setting):
    tier = "env_local"
    text_only = True

    def open(self) -> SecretSource:
        return EnvLocal(self.folder / ".env.local", OsKeyring("provision/app", {}))

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        store = EnvLocalStore(self.folder / ".env.local", OsKeyring("provision/app", {}))
        store.set({ref.env: SecretValue(value) for ref, value in values.items()})

    def refuse(self) -> None:
        path = self.folder / ".env.local"
        path.touch()
        path.chmod(0o666)


class KeyringSetting(Setting):
    tier = "env_local"
    text_only = True

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        monkeypatch.setattr(Memory, "items", {})
        self.keyring = OsKeyring("provision/app", {ASKED_BY_NAME: MEMORY})

    def open(self) -> SecretSource:
        return EnvLocal(self.folder / ".env.local", self.keyring)

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        store = EnvLocalStore(self.folder / ".env.local", self.keyring, in_keyring=True)
        store.set({ref.env: SecretValue(value) for ref, value in values.items()})

    def refuse(self) -> None:
        Memory.items.clear()
        self.keyring = OsKeyring("provision/app", {ASKED_BY_NAME: f"{MEMORY}NotThere"})


class MountedSetting(Setting):
    tier = "docker"

    def open(self) -> SecretSource:
        return DockerTier(self.folder / "run-secrets", None)

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        (self.folder / "run-secrets").mkdir(exist_ok=True)
        for ref, value in values.items():
            (self.folder / "run-secrets" / ref.key).write_bytes(value)

    def refuse(self) -> None:
        for key in ("one", "two"):
            (self.folder / "run-secrets" / key).mkdir(parents=True)


@dataclass
class Swarm:
    """The read side of a Swarm manager, as the Engine API answers."""

    names: list[str] = field(default_factory=list)
    works: bool = True

    def facts(self) -> Facts:
        return Facts(swarm_manager=True)

    def list(self, kind: str, labels: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        assert (kind, labels) == ("secret", {})
        if not self.works:
            raise EngineRefused("the Swarm has no leader", status=503)
        times = {"CreatedAt": "2024-01-02T03:04:05.678901234Z", "UpdatedAt": "2024-01-02T03:04:05.678901234Z"}
        return [{"ID": f"id-{name}", "Spec": {"Name": name, "Labels": {}}, **times} for name in self.names]


class SwarmSetting(Setting):
    tier = "docker"
    readable = False

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        self.swarm = Swarm()

    def open(self) -> SecretSource:
        return DockerTier(self.folder / "run-secrets", self.swarm)  # type: ignore[arg-type]

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        self.swarm.names += [ref.key for ref in values]

    def refuse(self) -> None:
        self.swarm.works = False


class FileSetting(Setting):
    tier = "file"

    def open(self) -> SecretSource:
        return FileForm(self.folder)

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        (self.folder / "files").mkdir(exist_ok=True)
        for ref, value in values.items():
            (self.folder / (ref.file or "")).write_bytes(value)

    def refuse(self) -> None:
        for key in ("one", "two"):
            (self.folder / "files" / key).mkdir(parents=True)


class EnvironmentSetting(Setting):
    tier = "environment"
    # The kernel's limit for one variable is 128 KiB.
    largest = 100_000

    def open(self) -> SecretSource:
        return EnvironmentForm(os.environ)

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        for ref, value in values.items():
            if b"\0" in value:
                raise SecretUnavailable(f"{ref.environment}: an environment variable can not hold NUL")
            self.monkeypatch.setenv(ref.environment or "", os.fsdecode(value))


class AwsSetting(Setting):
    tier = "aws"
    largest = 65_536

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
        super().__init__(folder, monkeypatch)
        self.client = client

    def open(self) -> SecretSource:
        return AwsTier(limits=Limits(connect=1, read=2, total=10, attempts=1))

    def put(self, values: Mapping[SecretRef, bytes]) -> None:
        for ref, value in values.items():
            try:
                self.client.create_secret(Name=ref.aws, SecretString=value.decode())
            except UnicodeDecodeError:
                self.client.create_secret(Name=ref.aws, SecretBinary=value)

    def refuse(self) -> None:
        self.monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")


def all_settings() -> list[type[Setting]]:
    kinds = [EnvLocalSetting, KeyringSetting, MountedSetting, SwarmSetting, FileSetting, EnvironmentSetting, AwsSetting]
    return list(kinds)
