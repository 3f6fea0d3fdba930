"""`provision config`: the resolved playbook, and where a value in it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.completion import EXPLAINABLE
from provisioner.cli.options import json_option, target_argument

if TYPE_CHECKING:
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings


@click.command(
    "config",
    cls=Command,
    purpose=WRITE,
    short_help="Show the resolved playbook, or where a value comes from.",
    examples=(
        ("provision config telecom/dev", "as YAML, everything merged, completed and interpolated"),
        ("provision config -f compose.yaml --format json", "the same document as docker compose config"),
        ("provision config --explain EMIT_INTERVAL_MS", "where a variable or a secret comes from, and what it hides"),
        ("provision config --services", "only the names of the services"),
    ),
)
@target_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="How the document is written.",
)
@click.option(
    "-q", "--quiet", "only_check", is_flag=True, help="Only check the files; print nothing but what is wrong."
)
@click.option(
    "--explain", metavar="NAME", type=EXPLAINABLE, help="Where a variable or a secret comes from, tier by tier."
)
@click.option("--services", "part", flag_value="services", help="Only the names of the services.")
@click.option("--images", "part", flag_value="images", help="Only the images.")
@click.option("--volumes", "part", flag_value="volumes", help="Only the names of the volumes.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    target: str | None,
    form: str,
    only_check: bool,
    explain: str | None,
    part: str | None,
    as_json: bool,
) -> int:
    """Show the playbook as it is understood: files merged, variables filled in, defaults written out.

    No engine is needed, and values of secrets are never in it.
    """
    plays = settings.plays(target)
    if plays is not None:
        from provisioner.cli.plays_config import show_config

        written = "json" if as_json else form
        return show_config(settings, plays, form=written, only_check=only_check, explain=explain, part=part)
    request = settings.request(target)
    out = settings.out()
    if explain:
        out.write(_explained(request, explain, as_json=as_json))
        return 0
    from provisioner.app.config import config
    from provisioner.document import canonical

    document = config(request)
    err = settings.err()
    for warning in document.warnings:
        err.write(f"{err.paint.yellow('warning:')} {warning}\n")
    if only_check:
        return 0
    tree = canonical(document)
    if part:
        names = part_of(tree, part)
        out.write(json.dumps(names, ensure_ascii=False) + "\n" if as_json else "".join(f"{name}\n" for name in names))
    elif as_json or form == "json":
        out.write(json.dumps(tree, indent=2, ensure_ascii=False) + "\n")
    else:
        from provisioner.render.config_yaml import config_yaml

        out.write(config_yaml(tree))
    return 0


def _explained(request: Request, name: str, *, as_json: bool) -> str:
    from provisioner.app.config import explain

    explanation = explain(request, name)
    if as_json:
        return json.dumps({"name": explanation.name, "lines": list(explanation.lines)}, ensure_ascii=False) + "\n"
    return "".join(f"{line}\n" for line in explanation.lines)


def part_of(tree: Any, part: str) -> list[str]:
    """The sorted names of the images, or of the objects of a section."""
    if part == "images":
        images = (service.get("image") for service in tree.get("services", {}).values())
        return sorted({image for image in images if image})
    return sorted(tree.get(part) or {})
