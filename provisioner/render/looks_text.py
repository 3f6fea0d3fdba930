"""`top`, `images`, `volumes` and `ls` as Compose writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.kinds.values import moment
from provisioner.render.docker_table import decimal_size, docker_table, formatted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provisioner.model.edges import EngineJson
    from provisioner.model.looks import Environment, Processes, UsedImage
    from provisioner.model.node import JSON

_SHORT = 12
_VOLUME_TITLES = {
    "Name": "VOLUME NAME", "Driver": "DRIVER", "Labels": "LABELS", "Links": "LINKS", "Mountpoint": "MOUNTPOINT",
    "Scope": "SCOPE", "Size": "SIZE", "Availability": "AVAILABILITY", "Group": "GROUP", "Status": "STATUS",
}  # fmt: skip


def top_text(by_container: Sequence[Processes], *, width: int = 0) -> str:
    """One table of all containers; columns that not all have are empty where one has them not."""
    titles = list(dict.fromkeys(title for processes in by_container for title in processes.titles))
    rows = []
    for processes in by_container:
        for row in processes.rows:
            cells = dict(zip(processes.titles, row, strict=False))
            rows.append(
                [
                    processes.address.name,
                    str(processes.address.index or 1),
                    *(cells.get(title, "-") for title in titles),
                ]
            )
    spare = ("PPID", "C", "STIME", "TTY")
    return docker_table(["SERVICE", "#", *titles], rows, width=width, spare=spare) if by_container else ""


def images_text(images: Sequence[UsedImage], form: str, *, only_ids: bool, width: int = 0) -> str:
    """The table, a list of objects as JSON, or with `only_ids` each id once."""
    if only_ids:
        return "".join(f"{identity}\n" for identity in dict.fromkeys(image.id.partition(":")[2] for image in images))
    if form == "json":
        import json

        return json.dumps([_image(image) for image in images], ensure_ascii=False, separators=(",", ":")) + "\n"
    titles = ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"]
    rows = [
        [
            image.container, image.repository, image.tag, image.platform, image.id.partition(":")[2][:_SHORT],
            decimal_size(image.size), _ago(image.created),
        ]
        for image in images
    ]  # fmt: skip
    return docker_table(titles, rows, width=width, spare=("PLATFORM", "CREATED"))


def _image(image: UsedImage) -> dict[str, JSON]:
    return {
        "ID": image.id, "ContainerName": image.container, "Repository": image.repository, "Tag": image.tag,
        "Platform": image.platform, "Size": image.size, "Created": image.created,
    }  # fmt: skip


def volumes_text(volumes: Sequence[EngineJson], form: str, *, only_names: bool, width: int = 0) -> str:
    """The table of `docker volume ls`, or its rows in a form."""
    if only_names:
        return "".join(f"{raw['Name']}\n" for raw in volumes)
    if form in ("", "table"):
        rows = [[str(raw["Driver"]), str(raw["Name"])] for raw in volumes]
        return docker_table(["DRIVER", "VOLUME NAME"], rows, width=width)
    return formatted(form, _VOLUME_TITLES, [_volume(raw) for raw in volumes])


def _volume(raw: EngineJson) -> dict[str, JSON]:
    labels = ",".join(f"{key}={value}" for key, value in sorted((raw.get("Labels") or {}).items()))
    return {
        "Availability": "N/A", "Driver": raw["Driver"], "Group": "N/A", "Labels": labels, "Links": "N/A",
        "Mountpoint": raw.get("Mountpoint") or "", "Name": raw["Name"], "Scope": raw.get("Scope") or "local",
        "Size": "N/A", "Status": "N/A",
    }  # fmt: skip


def environments_text(environments: Sequence[Environment], form: str, *, only_names: bool, width: int = 0) -> str:
    """The table, a list of objects as JSON, or only the names."""
    if only_names:
        return "".join(f"{environment.project}\n" for environment in environments)
    if form == "json":
        import json

        return (
            json.dumps(
                [_environment(environment) for environment in environments], ensure_ascii=False, separators=(",", ":")
            )
            + "\n"
        )
    titles = ["NAME", "STATUS", "APPLIED", "BY", "FOLDER"]
    rows = [
        [
            environment.project,
            status(environment),
            _ago(environment.applied_at),
            environment.applied_by,
            environment.directory,
        ]
        for environment in environments
    ]
    return docker_table(titles, rows, width=width, spare=("BY",))


def status(environment: Environment) -> str:
    """What its containers do: `running(3), exited(1)`, as Compose says it."""
    return ", ".join(f"{state}({count})" for state, count in environment.states) or "nothing runs"


def _environment(environment: Environment) -> dict[str, JSON]:
    return {
        "Name": environment.project, "Status": status(environment), "ConfigFiles": environment.directory,
        "AppliedAt": environment.applied_at, "AppliedBy": environment.applied_by, "Title": environment.title,
    }  # fmt: skip


def _ago(text: str) -> str:
    """How long ago a time was, in Docker's words: `3 hours ago`."""
    then = moment(text)
    if then is None or then.year < 2000:
        return text or "N/A"
    seconds = max(0, int((datetime.now(UTC) - then).total_seconds()))
    hours = seconds // 3600
    for limit, text_of in (
        (1, "Less than a second"), (2, "1 second"), (60, f"{seconds} seconds"), (120, "About a minute"),
        (46 * 60, f"{seconds // 60} minutes"), (90 * 60, "About an hour"), (48 * 3600, f"{hours} hours"),
        (14 * 86400, f"{hours // 24} days"), (60 * 86400, f"{hours // 24 // 7} weeks"),
        (730 * 86400, f"{hours // 24 // 30} months"),
    ):  # fmt: skip
        if seconds < limit:
            return f"{text_of} ago"
    return f"{hours // 24 // 365} years ago"
