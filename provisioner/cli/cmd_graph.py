"""`provision graph`: how the parts of an environment hang together."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.completion import FILE
from provisioner.cli.options import target_argument
from provisioner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioner.cli.settings import Settings
    from provisioner.model.graph import Graph

# By format: the module, the function and the suffixes of files that are written so without --format.
_FORMS = {
    "text": ("graph_text", "graph_text", (".txt",)),
    "svg": ("graph_svg", "graph_svg", (".svg",)),
    "mermaid": ("graph_source", "graph_mermaid", (".mmd", ".mermaid")),
    "dot": ("graph_source", "graph_dot", (".dot", ".gv")),
    "html": ("graph_html", "graph_html", (".html", ".htm")),
}


@click.command(
    "graph",
    cls=Command,
    purpose=WRITE,
    short_help="How the parts of an environment hang together: a tree, SVG, HTML.",
    examples=(
        ("provision graph telecom/dev", "a tree: who waits for whom, what is used by whom"),
        ("provision graph campaign/prod -o campaign.svg", "a drawing; the suffix says the format"),
        ("provision graph campaign/prod -o campaign.html", "a page that needs nothing else"),
        ("provision graph --format mermaid", "for Markdown on GitHub and GitLab"),
    ),
)
@target_argument
@click.option("--format", "form", type=click.Choice([*_FORMS]), help="Default: by the file's suffix, else text.")
@click.option("-o", "--output", metavar="FILE", type=FILE, help="Write it there; default: standard output.")
@click.pass_obj
def command(settings: Settings, target: str | None, form: str | None, output: str | None) -> int:
    """Draw the environment that a playbook declares: its services and jobs with what they wait for, and the networks,
    volumes, configs and secrets that they use. No engine is needed, and no secret's value is in it.
    """
    request = settings.request(target)
    suffix = Path(output).suffix.lower() if output else ""
    form = form or next((name for name, (_, _, suffixes) in _FORMS.items() if suffix in suffixes), "")
    if suffix and not form:
        known = ", ".join(suffixes[0] for _, _, suffixes in _FORMS.values())
        raise UsageError(f"{output}: '{suffix}' says no format", hint=f"name it one of {known}, or add --format")
    from provisioner.app.graph import environment_graph

    graph = environment_graph(request)
    out = settings.out()
    if output:
        from provisioner.app.output_file import write_output

        write_output(request.directory, output, _written(form, graph), [request])
        out.write(f"wrote {output}\n")
    elif form in ("", "text"):
        from provisioner.render.graph_text import graph_text

        out.write(graph_text(graph, paint=out.paint, width=out.columns))
    else:
        out.write(_written(form, graph))
    return 0


def _written(form: str, graph: Graph) -> str:
    module, function, _ = _FORMS[form or "text"]
    write: Callable[[Graph], str] = getattr(import_module(f"provisioner.render.{module}"), function)
    return write(graph)
