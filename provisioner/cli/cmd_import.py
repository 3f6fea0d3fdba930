"""`provision import`: a playbook from Compose files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.completion import FILE
from provisioner.cli.options import json_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.app.import_compose import Imported
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings


@click.command(
    "import",
    cls=Command,
    purpose=WRITE,
    short_help="A playbook from Compose files.",
    examples=(
        ("provision import compose.yaml", "playbooks/<name>/local.yml, which means the same"),
        (
            "provision import compose.yaml compose.prod.yaml -o playbooks/shop/prod.yml",
            "a base and what is laid over it",
        ),
        ("provision import --running shop", "from the running Compose project shop; then `provision adopt`"),
        ("provision import", "the Compose file of this folder, with its override"),
    ),
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@click.option("--running", is_flag=True, help="From what runs: a Compose project, or containers, by NAME.")
@click.option(
    "-o",
    "--output",
    metavar="PLAYBOOK",
    type=FILE,
    help="Where it goes; default: playbooks/NAME/local.yml, with --running compose.yaml.",
)
@click.option("--name", metavar="NAME", help="The system's name; default: Compose's project name.")
@click.option("--force", is_flag=True, help="Replace a playbook that is there.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    files: tuple[str, ...],
    running: bool,
    output: str | None,
    name: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Write a playbook that means what Compose files mean: comments and order stay, paths follow, mistakes are named.

    Nothing on an engine changes. The objects of the playbook have names of their own, NAME-ENVIRONMENT: what Compose
    has made stays, and so does its data.
    """
    if running:
        return _import_running(settings, files, output=output, name=name, force=force, as_json=as_json)
    request = _request(settings, files)
    from provisioner.app.import_compose import import_compose

    imported = import_compose(request, output=output, name=name, force=force)
    out = settings.out()
    if as_json:
        from provisioner.render.findings_json import findings_json

        data = {"files": list(imported.files), "target": imported.target, "changes": list(imported.changes)}
        out.write_json({**data, "lint": findings_json(imported.findings)})
        return 0
    out.write(_shown(imported))
    if imported.findings:
        from provisioner.render.findings_text import findings_text

        out.write_folded("\n" + findings_text(imported.findings, paint=out.paint))
    out.write(f"\nNext: provision plan {imported.target}\n")
    return 0


def _import_running(
    settings: Settings, names: tuple[str, ...], *, output: str | None, name: str | None, force: bool, as_json: bool
) -> int:
    from pathlib import Path

    from provisioner.app.import_running import import_running
    from provisioner.app.request import Request

    engine = Request(
        files=(), directory=str(Path.cwd()), context=settings.context, host=settings.host, shell=settings.environment
    )
    imported = import_running(engine, names, output=output, name=name, force=force)
    out = settings.out()
    if as_json:
        data = {
            "file": imported.file, "project": imported.project, "services": list(imported.services),
            "secrets": {key: {"container": c, "variable": v} for key, (c, v) in imported.secrets.items()},
            "notes": list(imported.notes),
        }  # fmt: skip
        out.write_json(data)
        return 0
    out.write(f"wrote {imported.file}: {len(imported.services)} services of {imported.project}\n")
    for note in imported.notes:
        out.write(f"  {note}\n")
    for key, (container, variable) in imported.secrets.items():
        out.write(f"  {variable} of {container} is the secret {key} now; set it: {_look(container, variable)} | "
                  f"provision -f {imported.file} secrets set {key}\n")  # fmt: skip
    out.write(f"\nNext: provision -f {imported.file} adopt\n")
    return 0


def _look(container: str, variable: str) -> str:
    """A command that prints the value of a container's variable, as it is; nothing is run in the container for it."""
    wanted = f'{{{{if eq (index (split . "=") 0) "{variable}"}}}}{{{{slice . {len(variable) + 1}}}}}{{{{end}}}}'
    return f"docker inspect --format '{{{{range .Config.Env}}}}{wanted}{{{{end}}}}' {container}"


def _request(settings: Settings, files: tuple[str, ...]) -> Request:
    """The request for the named files, or for the Compose file of the folder."""
    if files and settings.files:
        raise UsageError("both -f and FILE name a Compose file: give one of them")
    from dataclasses import replace

    from provisioner.cli.target import COMPOSE_FILES, with_override
    from provisioner.document.paths import is_file

    named = files or settings.files or settings.compose_files()
    if not named:
        compose = next((name for name in COMPOSE_FILES if is_file(name)), None)
        if compose is None:
            raise UsageError("there is no Compose file here", hint="name it: provision import FILE")
        named = with_override(compose, is_file)
    return replace(settings, files=tuple(named), inherited=settings.inherited - {"files"}).request(None)


def _shown(imported: Imported) -> str:
    lines = [f"wrote {file}" for file in imported.files]
    return "".join(f"{line}\n" for line in (*lines, *(f"  {change}" for change in imported.changes)))
