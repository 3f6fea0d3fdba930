"""Look at one environment, or at each play of a list, and write what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from provisioner.errors import Interrupted, ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioner.app.plays import PlayList, PlayRequest
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.model.node import JSON

View = TypeVar("View")


def look_at(
    settings: Settings,
    target: str | None,
    look: Callable[[Request], View],
    *,
    text: Callable[[View], str],
    document: Callable[[View], Mapping[str, JSON]] | None = None,
    code: Callable[[View], int] = lambda view: 0,
) -> int:
    """Look at what `target` names, a list of plays as `look_at_plays` does; the exit code of what was found."""
    plays = settings.plays(target)
    if plays is not None:
        return look_at_plays(settings, plays, lambda play: look(play.request), text=text, document=document, code=code)
    view = look(settings.request(target))
    if document:
        settings.out().write_json(document(view))
    else:
        settings.out().write_folded(text(view))
    return code(view)


def look_at_plays(
    settings: Settings,
    plays: PlayList,
    look: Callable[[PlayRequest], View],
    *,
    text: Callable[[View], str],
    document: Callable[[View], Mapping[str, JSON]] | None = None,
    code: Callable[[View], int] = lambda view: 0,
) -> int:
    """Look at each play, under its heading, or with `document` as one JSON object.

    `code` gives the exit code of what was found, or raises what is wrong with it. A play that can not be looked at is
    told and does not hide the others; its exit code comes first.
    """
    codes: list[int] = []
    failed: list[int] = []
    documents: list[JSON] = []
    for index, play in enumerate(plays.plays):
        entry: dict[str, JSON] = {"name": play.name, "target": play.request.target}
        if not document:
            _write_heading(settings, play.name, index)
        try:
            view = look(play)
            if document:
                entry |= document(view)
            else:
                settings.out().write_folded(text(view))
            codes.append(code(view))
        except Interrupted:
            raise
        except ProvisionError as error:
            failed.append(error.exit_code)
            _tell_error(settings, error, entry if document else None)
        documents.append(entry)
    if document:
        shown = {"format_version": 1, "target": plays.title, "plays": documents}
        settings.out().write_json(shown)
    return next((exit_code for exit_code in (*failed, *codes) if exit_code), 0)


def _write_heading(settings: Settings, name: str, index: int) -> None:
    from provisioner.render.plays_text import heading

    out = settings.out()
    out.write(("\n" if index else "") + heading(name, out.paint))


def _tell_error(settings: Settings, error: ProvisionError, entry: dict[str, JSON] | None) -> None:
    if entry is not None:
        from provisioner.render.error_json import error_json

        entry["error"] = error_json(error)
        return
    from provisioner.render.error_text import error_text

    err = settings.err()
    err.write_folded(error_text(error, paint=err.paint, detailed=settings.verbose))
