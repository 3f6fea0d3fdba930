"""Values that must arrive byte for byte and appear nowhere else, and where else they are looked for."""

from __future__ import annotations

import base64
import io
import json
import secrets
import shlex
import string
import tarfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import docker

# What only one value has in the whole world; letters and digits stay what they are in every escape.
_MARK = 20


@dataclass(frozen=True)
class Canary:
    """`value` is the secret; `mark` a part of it that nothing else has, None where it is too short for one."""

    name: str
    value: bytes
    mark: str | None

    @property
    def text(self) -> str:
        return self.value.decode()

    def needles(self) -> set[bytes]:
        """The value as it might be written somewhere."""
        if self.mark is None:
            return set()
        found = {self.mark.encode(), self.mark[::-1].encode(), self.mark.encode().hex().encode()}
        found |= {_inside_base64(self.mark.encode(), shift) for shift in range(3)}
        found |= {
            base64.urlsafe_b64encode(b"\0" * shift + self.mark.encode())[4 if shift else 0 : -4] for shift in range(3)
        }
        if len(self.value) < 4096:
            found |= {self.value, base64.b64encode(self.value), base64.b85encode(self.value)}
            text = self.value.decode("latin-1")
            found |= {
                form.encode()
                for form in (quote(self.value), quote_plus(self.value), json.dumps(text)[1:-1], shlex.quote(text))
            }
        return {needle for needle in found if len(needle) >= 8}


def _inside_base64(content: bytes, shift: int) -> bytes:
    """What is certain to stand in the base64 text of anything that has `content` at an offset of `shift` modulo 3."""
    whole = base64.b64encode(b"\0" * shift + content)
    return whole[4 if shift else 0 : -4]


def canary(name: str, before: str | bytes = "", after: str | bytes = "") -> Canary:
    mark = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_MARK))
    parts = [part.encode() if isinstance(part, str) else part for part in (before, mark, after)]
    return Canary(name, b"".join(parts), mark)


def all_kinds() -> dict[str, Canary]:
    """One canary of each kind; `binary` does not fit into `.env.local`."""
    filler = "".join(secrets.choice(string.ascii_letters) for _ in range(1000))
    large = canary("large", filler * 255, "")
    room = 512_000 - 1 - len(large.value)
    found = [
        Canary("one", b"x", None),
        Canary("large", large.value + b"y" * room, large.mark),
        canary("lines", "-----BEGIN KEY-----\n", "\nsecond line\r\n\n-----END KEY-----\n"),
        canary("dollars", "$HOME ${X:-y} $$ `id` $(id) \\ '", "' \" # a=b ; & | < > % !\\"),
        canary("unicode", "ключ-🔑-e\u0301 ", " \u2028\u00a0end "),
        canary("binary", bytes(range(256)), bytes(reversed(range(256)))),
    ]
    return {one.name: one for one in found}


def literal(value: str) -> str:
    """A right-hand side of `.env.local` in double quotes."""
    table = str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\", "$": "\\$"})
    return f'"{value.translate(table)}"'


def hits(canaries: Iterable[Canary], where: str, content: bytes | str) -> list[str]:
    """The canaries that a text gives away, each with where and how."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    return [
        f"{one.name} in {where} as {needle[:30]!r}" for one in canaries for needle in one.needles() if needle in data
    ]


class Processes:
    """Watches the arguments of all processes of the machine, and the environment of those it may see."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._needles = {needle for one in canaries for needle in one.needles()}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.found: set[str] = set()
        self.looked = 0

    def __enter__(self) -> Processes:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            self.looked += 1
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit():
                    self._look(folder)

    def _look(self, folder: Path) -> None:
        for file in ("cmdline", "environ"):
            try:
                content = (folder / file).read_bytes()
            except OSError:
                continue
            if any(needle in content for needle in self._needles):
                self.found.add(f"{folder / file}: {content[:80]!r}")


def files_below(folder: Path, but: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Every regular file below a folder, without those where the values are meant to be."""
    left_out = {path.resolve() for path in but}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.resolve() not in left_out:
            yield str(path), path.read_bytes()


def engine_texts(engine: docker.DockerClient, mine: str) -> Iterator[tuple[str, bytes]]:
    """Everything that the engine tells about the objects of a project: inspections, labels, logs, layers, files of
    the ledger and the lease."""
    api = engine.api
    for one in api.containers(all=True):
        name = (one["Names"] or ["/"])[0].lstrip("/")
        if not name.startswith(mine) and mine not in json.dumps(one["Labels"]):
            continue
        yield f"inspect of {name}", _json(api.inspect_container(one["Id"]))
        # The container's own layers, and the files of those that never start; mounted volumes are not in it.
        yield f"export of {name}", b"".join(api.export(one["Id"]))
        if one["State"] != "created":
            yield f"log of {name}", api.logs(one["Id"])
    for one in api.networks():
        if one["Name"].startswith(mine):
            yield f"network {one['Name']}", _json(api.inspect_network(one["Id"]))
    for one in api.volumes()["Volumes"] or ():
        if one["Name"].startswith(mine):
            yield f"volume {one['Name']}", _json(one)
    for one in api.images():
        yield f"image {one['Id']}", _json(api.inspect_image(one["Id"])["Config"])
    if api.info()["Swarm"]["LocalNodeState"] == "active":
        for kind, objects in (("service", api.services()), ("secret", api.secrets()), ("config", api.configs())):
            for one in objects:
                if one["Spec"]["Name"].startswith(mine):
                    yield f"{kind} {one['Spec']['Name']}", _json(one)
        for task in api.tasks():
            yield f"task {task['ID']}", _json(task)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode()


def inside(container: Any, path: str) -> tuple[bytes, tarfile.TarInfo]:
    """A file of a container, byte for byte, with its owner and mode."""
    stream, _ = container.get_archive(path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        member = archive.next()
        assert member is not None
        content = archive.extractfile(member)
        assert content is not None
        return content.read(), member
