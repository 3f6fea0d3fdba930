"""What became of images that were built, pulled or pushed, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.render.error_json import error_json
from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.progress import done

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.node import JSON
    from provisioner.model.report import ImageResult


def images_text(results: Sequence[ImageResult], *, paint: Paint = PLAIN) -> str:
    """One line for each image, and for those that failed why."""
    if not results:
        return "There is no image to act on.\n"
    lines = []
    for one in results:
        if one.error is None:
            digest = f" {one.digest}" if one.digest else ""
            lines.append(f"{paint.green('✔')} {one.address}: {done(one.verb)} {printable(one.reference)}{digest}")
            continue
        lines.append(f"{paint.red('✘')} {one.address}: {one.verb.value} failed")
        lines += [f"  {printable(line)}" for line in str(one.error).splitlines()]
        if one.error.hint:
            lines.append(f"  {paint.bold('Next:')} {printable(one.error.hint)}")
    return "\n".join(lines) + "\n"


def images_json(results: Sequence[ImageResult]) -> list[dict[str, JSON]]:
    """An object for each image."""
    return [
        {
            "address": str(one.address),
            "image": one.reference,
            "verb": one.verb.value,
            **({"digest": one.digest} if one.digest else {}),
            **({"error": error_json(one.error)} if one.error else {}),
        }
        for one in results
    ]
