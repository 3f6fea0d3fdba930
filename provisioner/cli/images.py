"""What the commands on images share: progress while they work, and how it ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from provisioner.cli.interrupt import interruptible
from provisioner.cli.narration import narrated
from provisioner.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from provisioner.cli.settings import Settings
    from provisioner.model.report import ImageResult
    from provisioner.ports import Interrupt, Listener


def work_on(
    settings: Settings,
    act: Callable[[Listener, Interrupt], Sequence[ImageResult]],
    *,
    as_json: bool,
    forgiving: bool = False,
) -> int:
    """Run `act` with a listener and an event that Ctrl-C sets; tell what became of each image.

    1 when one failed, unless `forgiving`; 130 when it was interrupted.
    """
    from provisioner.render.images import images_json, images_text

    with interruptible(deferred=True) as interrupt, narrated(settings, as_json=False) as listener:
        results = act(listener, interrupt)
    out = settings.out()
    if as_json:
        out.write(json.dumps(images_json(results), indent=2, ensure_ascii=False) + "\n")
    else:
        out.write(images_text(results, paint=out.paint))
    if interrupt.is_set():
        return Interrupted.exit_code
    return 1 if any(one.error for one in results) and not forgiving else 0
