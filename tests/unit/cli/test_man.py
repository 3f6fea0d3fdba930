"""Manual pages: one for each command, of everything that it takes, in roff that formats without a warning."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import click

from provisioner.cli.main import program
from provisioner.cli.man_pages import pages
from tests.unit.cli.process import provision

if TYPE_CHECKING:
    from pathlib import Path


def every_page() -> dict[str, str]:
    main = program()
    with main.make_context("provision", ["--help"], resilient_parsing=True) as context:
        return dict(pages(main, context))


def test_there_is_a_page_for_every_command_with_every_option() -> None:
    found = every_page()
    main = program()
    with main.make_context("provision", ["--help"], resilient_parsing=True) as context:
        for name in main.list_commands(context):
            command = main.get_command(context, name)
            assert command is not None
            if command.hidden:
                continue
            page = found[f"provision-{name}"].replace("\\-", "-")
            for parameter in command.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    assert parameter.opts[-1] in page, (name, parameter.opts)
    assert "provision-secrets-set" in found
    assert ".SH EXIT STATUS" in found["provision"]


def test_no_line_is_taken_for_a_request() -> None:
    requests = (".TH", ".SH", ".TP", ".B", ".BR", ".PP")
    for name, page in every_page().items():
        for line in page.splitlines():
            assert not line.startswith((".", "'")) or line.split()[0] in requests, (name, line)


def test_groff_formats_them_without_a_warning() -> None:
    for name in ("provision", "provision-plan", "provision-exec", "provision-secrets-set"):
        ended = subprocess.run(
            ["groff", "-man", "-Tutf8", "-P-cbou", "-ww"],
            input=every_page()[name], capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (0, ""), name
        assert "EXIT STATUS" in ended.stdout


def test_the_command(tmp_path: Path) -> None:
    ended = provision("man", "plan", cwd=tmp_path)
    assert ended.returncode == 0
    assert ended.stdout.startswith(".TH PROVISION")
    assert provision("man", "-o", "man1", cwd=tmp_path).returncode == 0
    assert (tmp_path / "man1/provision-plan.1").read_text(encoding="utf-8") == ended.stdout
    assert provision("man", "nothing", cwd=tmp_path).returncode == 64
