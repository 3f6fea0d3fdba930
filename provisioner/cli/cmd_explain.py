"""`provision explain`: what an exit code, a lint rule or a key means."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import click

from provisioner.cli.command import WRITE, Command
from provisioner.cli.completion import TOPIC
from provisioner.cli.options import json_option

if TYPE_CHECKING:
    from provisioner.app.explain import Topic
    from provisioner.cli.settings import Settings
    from provisioner.cli.streams import Stream

_WIDTH = 100


@click.command(
    "explain",
    cls=Command,
    purpose=WRITE,
    short_help="What an exit code, a lint rule or a key of a playbook means.",
    examples=(
        ("provision explain 76", "an exit code"),
        ("provision explain P101", "a lint rule"),
        ("provision explain deploy.replicas", "a key, wherever it stands"),
        ("provision explain services.web.ports", "a place of a playbook"),
    ),
)
@click.argument("word", metavar="CODE|RULE|KEY", type=TOPIC)
@json_option
@click.pass_obj
def command(settings: Settings, word: str, as_json: bool) -> int:
    """Say what an exit code, a lint rule or a key means, and what to do. No playbook and no engine is needed.

    For a key: what may stand there, what becomes of it on a plain engine and on a Swarm, and what a change of it costs.
    """
    from provisioner.app.explain import explain

    topics = explain(word)
    out = settings.out()
    if as_json:
        shown = [
            {
                "kind": topic.kind, "name": topic.name, "title": topic.title, "text": topic.text,
                "facts": [{"name": name, "text": text} for name, text in topic.facts],
            }
            for topic in topics
        ]  # fmt: skip
        out.write_json({"format_version": 1, "topics": shown})
        return 0
    out.write("\n".join(_text(topic, out) for topic in topics))
    return 0


def _text(topic: Topic, out: Stream) -> str:
    width = min(out.columns or _WIDTH, _WIDTH)
    names = max((len(name) for name, _ in topic.facts), default=0)
    lines = [out.paint.bold(topic.title), *(f"  {line}" for line in wrap(topic.text, width - 3))]
    last = ""
    for name, text in topic.facts:
        head = "" if name == last else name
        indent = " " * (names + 4)
        first, *rest = wrap(text, max(width - names - 5, 30), break_long_words=False, break_on_hyphens=False) or [""]
        lines += [f"  {out.paint.dim(head)}{' ' * (names - len(head))}  {first}", *(f"{indent}{line}" for line in rest)]
        last = name
    return "\n".join(lines) + "\n"
