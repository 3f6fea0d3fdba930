"""`provision ls`: every environment on the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.command import LOOK, Command

if TYPE_CHECKING:
    from provisioner.cli.settings import Settings


@click.command(
    "ls",
    cls=Command,
    purpose=LOOK,
    short_help="List every environment on the engine.",
    examples=(
        ("provision ls", "those of which something runs"),
        ("provision ls -a --format json", "all that the engine knows, for programs"),
    ),
    see="It is told from the labels and ledgers on the engine: no file is needed.",
)
@click.option("-a", "--all", "everything", is_flag=True, help="Also those of which nothing runs.")
@click.option("-q", "--quiet", "only_names", is_flag=True, help="Only the names.")
@click.option("--filter", "filters", multiple=True, metavar="name=PATTERN", help="Only those; a regular expression.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="table or json.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def command(
    settings: Settings, everything: bool, only_names: bool, filters: tuple[str, ...], form: str, as_json: bool
) -> int:
    """List the environments on the engine: what runs, when each was applied, by whom and from where."""
    import re

    from provisioner.app.environments import environments as list_environments
    from provisioner.errors import UsageError
    from provisioner.render.looks_text import environments_text

    patterns = []
    for text in filters:
        name, separator, pattern = text.partition("=")
        if name != "name" or not separator:
            raise UsageError(f"--filter '{text}' is not known", hint="--filter name=PATTERN")
        try:
            patterns.append(re.compile(pattern))
        except re.error as error:
            raise UsageError(f"--filter '{text}': {error}") from error
    environments = list_environments(settings.optional_request(None, search=True))
    shown = [
        environment
        for environment in environments
        if (everything or environment.runs) and all(pattern.search(environment.project) for pattern in patterns)
    ]
    out = settings.out()
    form = "json" if as_json else form
    out.write(environments_text(shown, form, only_names=only_names, width=out.columns))
    return 0
