"""What a playbook says of backups: bound, or refused with the place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from provisioner.app.snapshot import major
from provisioner.document import Sources, read
from provisioner.errors import PlaybookInvalid
from provisioner.model.backup import Keep, ServiceBackup, VolumeBackup
from provisioner.playbook.bind import bind

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.model.playbook import Playbook

KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudk3ht9sf0ntun"[:62].ljust(62, "q")


def bound(folder: Path, *, db: Any = None, volume: Any = None, backup: Any = None) -> Playbook:
    content: dict[str, Any] = {
        "name": "shop",
        "services": {"db": {"image": "db:1", "volumes": ["data:/data"], **({"backup": db} if db is not None else {})}},
        "volumes": {"data": {} if volume is None else {"backup": volume}},
        **({"backup": backup} if backup is not None else {}),
    }
    (folder / "compose.yaml").write_text(json.dumps(content, indent=1))
    return bind(read(Sources(files=(str(folder / "compose.yaml"),), environment={})))


def test_everything_arrives(tmp_path: Path) -> None:
    playbook = bound(
        tmp_path,
        db={"command": "dump -x 'a b'", "restore": ["load"], "replaces": "data", "mask": "hide it"},
        volume={"consistency": "stop"},
        backup={"to": ["./archives", "s3://bucket/shop/prod", "restic:r", "restic:sftp:b@h:/r", "restic:"],
                "keep": {"daily": 7}, "recipients": KEY, "before": ["migration"]},
    )  # fmt: skip
    dump = playbook.services["db"].backup
    assert dump is not None
    assert (dump.command, dump.restore, dump.replaces) == (("dump", "-x", "a b"), ("load",), ("data",))
    assert dump.mask == ("hide", "it")
    assert playbook.volumes["data"].backup == VolumeBackup(True, "stop")
    repositories = (f"restic:{tmp_path}/r", "restic:sftp:b@h:/r", "restic:")
    assert playbook.backup.to == (str(tmp_path / "archives"), "s3://bucket/shop/prod", *repositories)
    assert playbook.backup.keep == Keep(daily=7)
    assert (playbook.backup.recipients, playbook.backup.before) == ((KEY,), ("migration",))


def test_nothing_said_is_nothing_bound(tmp_path: Path) -> None:
    playbook = bound(tmp_path)
    assert (playbook.services["db"].backup, playbook.volumes["data"].backup, playbook.backup.to) == (None, None, ())
    assert bound(tmp_path, volume=False).volumes["data"].backup == VolumeBackup(enabled=False)
    assert bound(tmp_path, db={"command": ["x"]}).services["db"].backup == ServiceBackup(
        ("x",), span=bound(tmp_path, db={"command": ["x"]}).services["db"].backup.span  # type: ignore[union-attr]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"db": {"restore": ["x"]}}, "services.db.backup: neither a command nor a mask"),
        ({"db": {"mask": ["x"], "replaces": ["data"]}}, "'replaces' without a command"),
        ({"db": {"command": ["x"], "replaces": ["dta"]}}, "no volume is declared as 'dta' (did you mean 'data'?)"),
        ({"db": {"command": ["x"], "masks": ["y"]}}, "unknown key 'masks'"),
        ({"volume": {"consistency": "freeze"}}, "volumes.data.backup.consistency"),
        ({"backup": {"keep": {"last": 3}}}, "'to' is missing"),
        ({"backup": {"to": "restic:rest:https://me:secret@host/"}}, "restic:REPOSITORY without a password in it"),
        ({"backup": {"to": "ftp://somewhere"}}, "expected a folder, s3://BUCKET/PREFIX, or restic:REPOSITORY"),
        ({"backup": {"to": "s3://Bucket"}}, "found 's3://Bucket'"),
        ({"backup": {"to": "a", "recipients": ["ssh-ed25519 x"]}}, "expected a public age key"),
        ({"backup": {"to": "a", "before": ["lunch"]}}, "backup.before.0"),
        ({"backup": {"to": "a", "keep": {"hourly": 3}}}, "unknown key 'hourly'"),
    ],
)
def test_what_can_not_be_done_is_refused(tmp_path: Path, said: dict[str, Any], problem: str) -> None:
    with pytest.raises(PlaybookInvalid) as refused:
        bound(tmp_path, **said)
    assert problem in str(refused.value)
    assert "compose.yaml:" in str(refused.value)


@pytest.mark.parametrize(
    ("image", "number"),
    [("postgres:16-alpine", 16), ("localhost:5000/a/b:v3.1", 3), ("localhost:5000/a/b", None), ("redis:latest", None),
     ("redis@sha256:12", None), ("redis:7@sha256:12", 7), ("", None)],
)  # fmt: skip
def test_the_major_version_of_an_image(image: str, number: int | None) -> None:
    assert major(image) == number
