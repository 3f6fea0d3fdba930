"""Archives for people: a line for each part as it is written, lists, and one archive in full."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from provisioner.render.paint import PLAIN, Paint, printable
from provisioner.render.table import table
from provisioner.render.values import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioner.model.backup import Manifest, Part

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def part_line(part: Part, *, paint: Paint = PLAIN) -> str:
    """A part that is written: `✔ volume.uploads  12.3 MiB (40.0 MiB of 512 files)  1.2s`."""
    inside = amount(part.content_size)
    if part.kind == "volume":
        inside += f" of {files(part.entries)}"
    took = seconds(_took(part.started_at, part.ended_at))
    return f"{paint.green('✔')} {printable(part.address)}  {amount(part.size)} ({inside})  {took}\n"


def archive_line(manifest: Manifest, places: Sequence[str], *, paint: Paint = PLAIN) -> str:
    """The last line of a backup: which archive it is, where, how large, how long it took."""
    took = seconds(_took(manifest.created_at, manifest.ended_at))
    where = ", ".join(places)
    sealed = ", encrypted" if manifest.encrypted else ""
    return (
        f"{printable(manifest.environment)}: {paint.bold(manifest.id)} in {printable(where)}, {amount(manifest.size)}"
        f"{sealed}, in {took}\n"
    )


def archives_text(
    title: str,
    places: Sequence[tuple[str, Sequence[Manifest], Mapping[str, str]]],
    silent: Mapping[str, str] = MappingProxyType({}),
    paint: Paint = PLAIN,
) -> str:
    """Every archive of an environment, the newest first, place by place; what is damaged is named, and why places are
    `silent`."""
    text = ""
    for url, archives, damaged in places:
        text += f"{printable(title)} in {printable(url)}\n"
        if archives:
            rows = [
                (manifest.id, manifest.created_at[:19].replace("T", " "), amount(manifest.size),
                 str(manifest.revision or ""), "encrypted" if manifest.encrypted else "", manifest.reason)
                for manifest in reversed(archives)
            ]  # fmt: skip
            text += table(("ARCHIVE", "MADE (UTC)", "SIZE", "REVISION", "KEY", "REASON"), rows, paint=paint)
        for _, why in sorted(damaged.items()):
            text += f"{paint.red('✘')} {printable(why)}\n"
        if not archives and not damaged:
            text += "There is no archive.\n"
    return text + "".join(f"{paint.red('✘')} {printable(why)}\n" for why in silent.values())


def archive_text(manifest: Manifest, *, paint: Paint = PLAIN) -> str:
    """One archive in full."""
    engine = manifest.engine
    lines = [
        f"{paint.bold(manifest.id)} of {manifest.environment}, made for {manifest.reason}",
        f"made      {manifest.created_at[:19].replace('T', ' ')} UTC by provisioner {manifest.version}",
        f"engine    {engine.get('name', '')} ({engine.get('version', '')}), {manifest.mode}",
        f"revision  {manifest.revision or 'unknown'}",
        f"key       {'encrypted: the secret key of a recipient is needed' if manifest.encrypted else 'not encrypted'}",
        "",
    ]
    rows = [(part.address, amount(part.size), amount(part.content_size), part.sha256[:16], part.file)
            for part in manifest.parts]  # fmt: skip
    text = "".join(f"{printable(line)}\n" if "\x1b" not in line else f"{line}\n" for line in lines)
    text += table(("PART", "SIZE", "CONTENT", "SHA-256", "FILE"), rows, paint=paint)
    images = [
        (name, str(image.get("reference", "")), str(image.get("id", ""))[7:19])
        for name, image in manifest.images.items()
    ]
    if images:
        text += "\n" + table(("SERVICE", "IMAGE", "ID"), images, paint=paint)
    if manifest.secrets:
        text += "\n" + table(("SECRET", "VERSION"), sorted(manifest.secrets.items()), paint=paint)
    return text


def amount(size: int) -> str:
    """A size for people, to one decimal: `12.3 MiB`."""
    value, unit = float(size), _UNITS[0]
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def files(count: int) -> str:
    """`1 file`, `2 files`."""
    return f"{count} {'file' if count == 1 else 'files'}"


def _took(began: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
