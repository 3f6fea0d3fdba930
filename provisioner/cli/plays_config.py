"""`provision config` of a list of plays: every resolved playbook, or where a name comes from in each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from provisioner.errors import UsageError

if TYPE_CHECKING:
    from provisioner.app.plays import PlayList
    from provisioner.cli.settings import Settings


def show_config(
    settings: Settings, plays: PlayList, *, form: str, only_check: bool, explain: str | None, part: str | None
) -> int:
    """Print the documents as YAML documents in one stream, or as JSON under `plays`; with `part` the names of all."""
    if explain:
        return _explain(settings, plays, explain, as_json=form == "json")
    from provisioner.app.plan_plays import read_all

    read_all(plays, allow_unset=True)
    trees = _trees(settings, plays)
    if only_check:
        return 0
    out = settings.out()
    if part:
        from provisioner.cli.cmd_config import part_of

        names = sorted({name for tree in trees for name in part_of(tree, part)})
        out.write(json.dumps(names) + "\n" if form == "json" else "".join(f"{name}\n" for name in names))
    elif form == "json":
        entries = [
            {"name": play.name, "target": play.request.target, "config": tree}
            for play, tree in zip(plays.plays, trees, strict=True)
        ]
        shown = {"format_version": 1, "target": plays.title, "plays": entries}
        out.write_json(shown)
    else:
        from provisioner.render.config_yaml import config_yaml

        for play, tree in zip(plays.plays, trees, strict=True):
            out.write(f"---\n# {play.name}: {play.request.target}\n{config_yaml(tree)}")
    return 0


def _trees(settings: Settings, plays: PlayList) -> list[Any]:
    """The canonical document of each play; its warnings are told."""
    from provisioner.app.config import config
    from provisioner.document import canonical

    err = settings.err()
    trees = []
    for play in plays.plays:
        document = config(play.request)
        for warning in document.warnings:
            err.write(f"{err.paint.yellow('warning:')} {warning}\n")
        trees.append(canonical(document))
    return trees


def _explain(settings: Settings, plays: PlayList, name: str, *, as_json: bool) -> int:
    """Where a name comes from in each play that knows it. UsageError where none does."""
    from provisioner.app.config import explain
    from provisioner.render.plays_text import heading

    out = settings.out()
    explanations = []
    unknown: UsageError | None = None
    for play in plays.plays:
        try:
            explanations.append((play, explain(play.request, name)))
        except UsageError as error:
            unknown = error
    if unknown is not None and not explanations:
        raise unknown
    if as_json:
        entries = [{"name": play.name, "lines": list(explanation.lines)} for play, explanation in explanations]
        shown = {"format_version": 1, "target": plays.title, "plays": entries}
        out.write_json(shown)
        return 0
    for play, explanation in explanations:
        out.write(heading(play.name, out.paint) + "".join(f"{line}\n" for line in explanation.lines))
    return 0
