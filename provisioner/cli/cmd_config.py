"""`provision config`: the resolved playbook, and where a value in it comes from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.completion import EXPLAINABLE, FILE, SERVICE, TARGET, words
from provisioner.cli.options import json_option
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.document import Document
    from provisioner.model.node import JSON


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
        ("provision config -o resolved.yaml telecom/dev ingest", "one service, and what it needs, into a file"),
    ),
)
@click.argument("arguments", metavar="[TARGET] [SERVICE...]", nargs=-1, type=words(TARGET, SERVICE))
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
@click.option("--networks", "part", flag_value="networks", help="Only the names of the networks.")
@click.option("--profiles", "part", flag_value="profiles", help="Only the names of the profiles.")
@click.option(
    "--variables", "part", flag_value="variables", help="The variables that the files use, and their defaults."
)
@click.option("--environment", "part", flag_value="environment", help="The variables that are there for them.")
@click.option("--hash", "hashed", metavar="SERVICES", help="A digest of each service: '*', or names with commas.")
@click.option("--resolve-image-digests", "digests", is_flag=True, help="Pin images to what the registries have now.")
@click.option("--lock-image-digests", "lock", is_flag=True, help="Print a file of overrides that pins the images.")
@click.option("--no-interpolate", is_flag=True, help="Leave variables as the files have them.")
@click.option("--no-env-resolution", is_flag=True, help="Leave env files and variables without a value as they are.")
@click.option("--no-normalize", is_flag=True, help="Leave out what is implied: networks, names, dependencies.")
@click.option("--no-consistency", is_flag=True, help="Do not check that what is referred to is there.")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write it to a file.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    /,
    arguments: tuple[str, ...],
    form: str,
    only_check: bool,
    explain: str | None,
    part: str | None,
    hashed: str | None,
    digests: bool,
    lock: bool,
    output: str | None,
    as_json: bool,
    **left_out: bool,
) -> int:
    """Show the playbook as it is understood: files merged, variables filled in, defaults written out.

    No engine is needed, and values of secrets are never in it.
    """
    target, services = settings.split(arguments)
    written = "json" if as_json else form
    plays = settings.plays(target)
    if plays is not None:
        if services or hashed or digests or lock or output or part in _OF_ONE or any(left_out.values()):
            raise UsageError("this is of one environment, and the TARGET is a list of plays", hint="name one: --limit")
        from provisioner.cli.plays_config import show_config

        return show_config(settings, plays, form=written, only_check=only_check, explain=explain, part=part)
    request = settings.request(target)
    if explain:
        settings.out().write(_explained(request, explain, as_json=as_json))
        return 0
    document, tree = _resolved(settings, request, services, left_out)
    if only_check:
        return 0
    if digests or lock:
        from provisioner.app.config import with_registry_digests
        from provisioner.app.config_parts import only_pinned

        tree = with_registry_digests(request, document, tree)
        tree = only_pinned(tree) if lock else tree
    text = _text(request, document, tree, part, hashed, written)
    if output is None:
        settings.out().write(text)
    else:
        from provisioner.app.output_file import write_output

        write_output(request.directory, output, text, [request])
    return 0


def _resolved(
    settings: Settings, request: Request, services: Sequence[str], left_out: Mapping[str, bool]
) -> tuple[Document, dict[str, Any]]:
    """The document, and the tree of it that is printed; warnings are told."""
    from provisioner.app.config import config
    from provisioner.document import canonical

    names = [name.removeprefix("no_").replace("_", "-") for name, given in left_out.items() if given]
    if names and services:
        raise UsageError(f"--no-{names[0]} is of the whole document, and services are named", hint="leave them out")
    document = config(request, names)
    err = settings.err()
    for warning in document.warnings:
        err.write(f"{err.paint.yellow('warning:')} {warning}\n")
    tree = cast("dict[str, Any]", canonical(document))
    if services:
        from provisioner.app.config_parts import only_services

        tree = only_services(document, tree, services)
    return document, tree


# What no list of plays has as a whole.
_OF_ONE = ("profiles", "variables", "environment")


def _text(
    request: Request, document: Document, tree: dict[str, Any], part: str | None, hashed: str | None, form: str
) -> str:
    if hashed is None and part is None:
        if form == "json":
            return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
        from provisioner.render.config_yaml import config_yaml

        return config_yaml(cast("JSON", tree))
    from provisioner.app import config_parts

    if hashed is not None:
        return "".join(f"{name} {digest}\n" for name, digest in config_parts.hashes(tree, hashed))
    if part == "environment":
        return "".join(f"{name}={value}\n" for name, value in config_parts.environment(document, request))
    if part == "variables":
        from provisioner.render.docker_table import docker_table

        rows = config_parts.variable_rows(document)
        if form == "json":
            return json.dumps([row._asdict() for row in rows], ensure_ascii=False) + "\n"
        titles = ["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"]
        return docker_table(titles, [[r.name, str(r.required).lower(), r.default, r.alternate] for r in rows])
    names = config_parts.profiles(document) if part == "profiles" else part_of(tree, part or "")
    as_json = form == "json"
    return json.dumps(names, ensure_ascii=False) + "\n" if as_json else "".join(f"{name}\n" for name in names)


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
