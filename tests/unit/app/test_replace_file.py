"""A file is the old one or the new one, and a link stays a link."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from provisioner.app.output_file import write_output
from provisioner.app.replace_file import replace_file
from provisioner.errors import ProvisionError
from tests.command_line import carry_out

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


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_output(str(tmp_path), "pipe", "text")
    reader.join(10)
    assert (read, pipe.is_fifo()) == (["text"], True)


@pytest.mark.parametrize("command", ["graph --format svg", "export", "config"])
@pytest.mark.parametrize("output", ["prod.yml", "base.yml", "../shop/link.yml", "names.env"])
def test_what_a_command_reads_is_not_written_over(tmp_path: Path, command: str, output: str) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    texts = {
        "prod.yml": "extends: base.yml\n",
        "base.yml": "name: shop\nenv_files: [names.env]\nservices: {web: {image: busybox}}\n",
        "names.env": "A=1\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "link.yml").symlink_to("base.yml")
    words = [*command.split(), "-f", "prod.yml", "-o"]
    done = carry_out([*words, output], folder=folder, environment={"HOME": "/"})
    assert (done.code, f"{output} is one of the files that this is made from" in done.stderr) == (64, True), done.stderr
    assert {name: (folder / name).read_text() for name in texts} == texts
    # Beside it there is room.
    (folder / "other.yml").write_text("old")
    assert carry_out([*words, "other.yml"], folder=folder, environment={"HOME": "/"}).code == 0
    assert (folder / "other.yml").read_text() != "old"
