"""What the commands on images share: progress while they work, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.cli.interrupt import interruptible
from provisioner.cli.progress_listener import progress_listener
from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.app.plays import PlayList
    from provisioner.app.request import Request
    from provisioner.cli.settings import Settings
    from provisioner.model.report import ImageResult
    from provisioner.ports import Interrupt, Listener

    Act = Callable[[Request, Listener, Interrupt], Sequence[ImageResult]]


def work_on(
    settings: Settings, target: str | None, services: Sequence[str], act: Act, *, as_json: bool, forgiving: bool = False
) -> int:
    """Run `act` on the environment of a TARGET, or on each play of a list; tell what became of each image.

    1 when one failed, unless `forgiving`; 130 when it was interrupted. A play that fails stops those after it; services
    are of one environment.
    """
    plays = settings.plays(target) if not services else None
    if plays is not None:
        return _work_on_plays(settings, plays, act, as_json=as_json, forgiving=forgiving)
    from provisioner.render.images import images_json, images_text

    request = settings.request(target)
    with interruptible(deferred=True) as interrupt, progress_listener(settings, as_json=False) as listener:
        results = act(request, listener, interrupt)
    out = settings.out()
    if as_json:
        out.write_json(images_json(results))
    else:
        out.write(images_text(results, paint=out.paint))
    return _exit_code(results, interrupt, forgiving=forgiving)


def _work_on_plays(settings: Settings, plays: PlayList, act: Act, *, as_json: bool, forgiving: bool) -> int:
    from provisioner.render.images import images_json, images_text
    from provisioner.render.plays_text import heading

    out = settings.out()
    entries = []
    code = 0
    with interruptible(deferred=True) as interrupt:
        for play in plays.plays:
            out.write("" if as_json else heading(play.name, out.paint))
            with progress_listener(settings, as_json=False) as listener:
                results = act(play.request, listener, interrupt)
            entries.append({"name": play.name, "target": play.request.target, "images": images_json(results)})
            out.write("" if as_json else images_text(results, paint=out.paint))
            code = _exit_code(results, interrupt, forgiving=forgiving)
            if code:
                break
    if as_json:
        shown = {"format_version": 1, "target": plays.title, "plays": entries}
        out.write_json(shown)
    return code


def _exit_code(results: Sequence[ImageResult], interrupt: Interrupt, *, forgiving: bool) -> int:
    if interrupt.is_set():
        return Interrupted.exit_code
    return 1 if any(result.error for result in results) and not forgiving else 0
