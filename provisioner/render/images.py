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
    for result in results:
        if result.error is None:
            digest = f" {result.digest}" if result.digest else ""
            lines.append(
                f"{paint.green('✔')} {result.address}: {done(result.verb)} {printable(result.reference)}{digest}"
            )
            continue
        lines.append(f"{paint.red('✘')} {result.address}: {result.verb.value} failed")
        lines += [f"  {printable(line)}" for line in str(result.error).splitlines()]
        if result.error.hint:
            lines.append(f"  {paint.bold('Next:')} {printable(result.error.hint)}")
    return "\n".join(lines) + "\n"


def images_json(results: Sequence[ImageResult]) -> list[dict[str, JSON]]:
    """An object for each image."""
    return [
        {
            "address": str(result.address),
            "image": result.reference,
            "verb": result.verb.value,
            **({"digest": result.digest} if result.digest else {}),
            **({"error": error_json(result.error)} if result.error else {}),
        }
        for result in results
    ]
