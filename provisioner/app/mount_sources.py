"""Sources of bind mounts that are not there: the engine would make empty folders of them, which belong to root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.lint.bodies import mounts
from provisioner.model.span import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioner.model.playbook import Playbook
    from provisioner.model.state import Facts


def missing_sources(playbook: Playbook, facts: Facts) -> Iterator[Problem]:
    """A note for each; none where the engine is on another machine, whose files can not be seen from here."""
    for service in playbook.services.values() if facts.local else ():
        for mount in mounts(service):
            if mount.kind != "bind" or not mount.source.startswith("/") or _is_there(Path(mount.source)):
                continue
            item = service.body.mapping["volumes"].items[mount.index]
            create = item.get("bind", "create_host_path")
            makes = create is None or create.value is not False
            follows = "makes an empty folder of that name, owned by root" if makes else "refuses the mount"
            yield Problem(
                f"'{mount.source}' does not exist: the engine {follows}",
                item.span,
                f"services.{service.name}.volumes.{mount.index}",
                "correct the path, or make what is to be mounted",
            )


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # It can not be looked at, so nothing is said.
        return True
    return True
