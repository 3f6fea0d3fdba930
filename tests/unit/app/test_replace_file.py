"""A file is the old one or the new one, and a link stays a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provisioner.app.replace_file import replace_file, write_output
from provisioner.errors import ProvisionError

if TYPE_CHECKING:
    from pathlib import Path


def test_of_a_link_the_file_that_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    real, link = tmp_path / "shared" / "base.yml", tmp_path / "base.yml"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to("shared/base.yml")
    replace_file(link, "new\r\n")
    assert link.is_symlink()
    assert real.read_bytes() == b"new\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in real.parent.iterdir()) == ["base.yml"]


def test_what_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProvisionError, match="file/below can not be written"):
        write_output(str(tmp_path), "file/below", "text")
