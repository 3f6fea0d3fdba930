"""The fingerprint key carried from one machine to another."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from provisioner.app.request import Request
from provisioner.app.secret_key import export_key, import_key, new_key, read_key
from provisioner.errors import SecretUnavailable, UsageError
from provisioner.model.secret import SecretValue

if TYPE_CHECKING:
    from pathlib import Path

PLAYBOOK = "name: shop\nservices: {web: {image: 'shop:1', secrets: [a]}}\nsecrets: {a: {generate: {length: 12}}}\n"


def machine(folder: Path, **variables: str) -> Request:
    folder.mkdir()
    (folder / "compose.yaml").write_text(PLAYBOOK)
    return Request(directory=str(folder), files=("compose.yaml",), shell=variables)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    request = machine(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return request


def test_a_key_goes_to_another_machine_through_a_file(here: Request, tmp_path: Path) -> None:
    assert new_key(here) is None
    exported = tmp_path / "carried.key"
    export_key(here, str(exported))
    assert exported.stat().st_mode & 0o777 == 0o600
    export_key(here, str(exported))
    there = machine(tmp_path / "there")
    os.chdir(tmp_path / "there")
    path, _ = import_key(there, SecretValue(exported.read_bytes()), replace=False)
    assert path == str(tmp_path / "there" / ".provision" / "shop.key")
    assert read_key(there).reveal() == exported.read_bytes()
    assert (tmp_path / "there" / ".provision" / ".gitignore").read_text() == "*\n"


def test_another_key_is_replaced_only_where_that_is_said(here: Request, tmp_path: Path) -> None:
    new_key(here)
    first = read_key(here)
    assert new_key(here) == first
    import_key(here, read_key(here), replace=False)
    with pytest.raises(SecretUnavailable, match="has another key") as refused:
        import_key(here, first, replace=False)
    assert first.reveal().decode().strip() not in str(refused.value)
    import_key(here, first, replace=True)
    assert read_key(here) == first
    (tmp_path / "taken").write_text("something")
    (tmp_path / "taken").chmod(0o600)
    with pytest.raises(UsageError, match="is there already"):
        export_key(here, str(tmp_path / "taken"))


def test_what_is_no_key_is_not_kept_and_not_shown(here: Request) -> None:
    with pytest.raises(SecretUnavailable, match="does not hold a fingerprint key") as refused:
        import_key(here, SecretValue(b"canary"), replace=False)
    assert "canary" not in str(refused.value)
    with pytest.raises(SecretUnavailable, match="there is no fingerprint key here"):
        read_key(here)


def test_a_key_that_lies_in_aws_is_changed_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = machine(tmp_path / "ci", PROVISION_FINGERPRINT_KEY="aws:shop/key")
    monkeypatch.chdir(tmp_path / "ci")
    with pytest.raises(UsageError, match="lies elsewhere"):
        import_key(request, SecretValue(b"0" * 8 + b"." + b"0" * 64), replace=True)
