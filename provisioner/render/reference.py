"""The reference of the language, made from the rows, the fields and the keys: the schema for editors, and a page.

`python -m provisioner.render.reference FOLDER` writes both; a test holds the kept ones to what is made here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.document.attributes import rows, rules
from provisioner.document.descriptions import about
from provisioner.document.plays import KEYS as PLAY_KEYS
from provisioner.document.schema import schema
from provisioner.document.shape import MAPPING, NULL, SEQUENCE, article
from provisioner.kinds import container, network, volume
from provisioner.kinds.builders import words
from provisioner.kinds.keys import Treatment, fields_of, key_of, keys_at, on_swarm, since_of, why_not_on_swarm
from provisioner.model.change import Impact
from provisioner.model.dataclass import dataclass
from provisioner.platforms.fitness import RELEASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioner.document.shape import Row
    from provisioner.kinds.fields import Field

_BUILD = "services.*.build."
_COST = {
    Impact.METADATA: "renames it",
    Impact.IN_PLACE: "in place",
    Impact.REPLACE: "replaces it",
    Impact.DATA_LOSS: "would lose data: refused",
}
_SECTIONS = (
    ("The playbook", "", ("name", "environment", "extends", "include", "env_files", "vars", "engine", "version")),
    ("Services", "services.*", ()),
    ("Services: deploy", "services.*.deploy", ()),
    ("Networks", "networks.*", ()),
    ("Volumes", "volumes.*", ()),
    ("Configs", "configs.*", ()),
    ("Secrets", "secrets.*", ()),
    ("Models", "models.*", ()),
    ("Checks", "verify.*", ()),
    ("Lint", "lint", ()),
)
_HEAD = """\
# Playbook reference

Every key of the language: Compose's, and those that provisioner adds (marked *own*). This page is made from the tables
that the program itself works with, by `script/generate-docs`; a test fails when it is stale. The same tables give the
JSON Schema ([playbook.schema.json](playbook.schema.json), `provision schema`), which completes and checks playbooks in
[editors](../editors.md).

**Columns.** *Containers* and *Swarm* say what becomes of the key on a plain engine and on a Swarm:

| word | meaning |
| --- | --- |
| compared, yes | applied, read back from the engine and compared: changes in the file and by hand are both found |
| done by provision | no engine has it: provision acts on it, or makes other keys of it |
| at creation | it says how something is made, and can not be read back |
| for people | it has no effect anywhere |
| no effect | it has none in this mode: the plan says so, with the reason |
| refused | the plan stops before anything is touched, with the reason and what to do instead |

*Engine* is the first Docker Engine that has the key (its API version); an older one is refused at the plan. *A change*
is what it costs: in place, or a new container (network) in the old one's stead.
"""
_PLAYS = """\
## A list of plays

A playbook may be a list instead: several environments under one name ([lists of plays](../plays.md)). The keys of a
play:

"""
_CHOSEN = """\
## What an engine chooses

Values that an engine fills in where the playbook says nothing. They are compared only as far as they are declared, or
were declared when the object was made; all other keys are compared always, so that removing one is a change.

"""


def playbook_schema() -> dict[str, Any]:
    """The JSON Schema of a playbook, as `provision schema` prints it."""
    return schema(_described)


def _plays() -> str:
    """The keys of a play."""
    lines = [f"| `{key.name}` | {key.expected} | {key.about} |" for key in PLAY_KEYS]
    lines.append("| `hosts` | | Reserved for plays on several engines; refused. |")
    return _PLAYS + "| key | value | |\n| --- | --- | --- |\n" + "\n".join(lines) + "\n"


def playbook_page() -> str:
    """The reference as Markdown."""
    parts = [_HEAD]
    for title, at, only in _SECTIONS:
        lines = [_line(row, at) for row in _rows_of(at, only)]
        parts.append(
            f"## {title}\n\n| key | value | containers | Swarm | engine | a change | |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(lines) + "\n"
        )
    parts.append(_plays())
    parts.append("## What is refused or has no effect without Swarm\n\n" + "\n".join(_reasons()) + "\n")
    parts.append(_CHOSEN + "\n".join(_chosen()) + "\n")
    return "\n".join(parts)


def files() -> dict[str, str]:
    """The text of each file of docs/reference/ that is made, by its name."""
    return {
        "playbook.md": playbook_page(),
        "playbook.schema.json": json.dumps(playbook_schema(), indent=1, ensure_ascii=False) + "\n",
    }


def summary_of(path: str) -> str:
    """The one sentence on a key: what the engines make of it, its own, or its field's."""
    own = next((key.summary for key in keys_at(path) if key.summary), "")
    fields = fields_of(path)
    text = own or about(path) or (fields[0].summary if fields else "")
    return f"{text[:1].upper()}{text[1:]}{'' if not text or text.endswith('.') else '.'}"


def _described(path: str) -> str:
    """What an editor says of a key: its sentence, and what an engine may not make of it."""
    more = []
    since = since_of(path)
    if since and not any(key.when for key in keys_at(path)):
        more.append(f"Needs Docker Engine {RELEASES[since]}.")
    for key in keys_at(path):
        if key.how in (Treatment.REFUSED, Treatment.NOTED) and not key.when:
            more.append(f"{'Refused' if key.how is Treatment.REFUSED else 'No effect'} without Swarm: {key.why}.")
    return " ".join([summary_of(path), *more]).strip()


def _rows_of(at: str, only: tuple[str, ...]) -> Iterator[Row]:
    """The rows below a place that have a name of their own, those of `deploy` apart from the other services'."""
    prefix = f"{at}." if at else ""
    for row in rows():
        path = row.path
        if not path or path.endswith("*") or not path.startswith(prefix) or (only and path.split(".")[0] not in only):
            continue
        if at == "services.*" and path.startswith("services.*.deploy."):
            continue
        yield row


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to say of a key, in words. `path` is as people write it, below `at`; `reasons` say why not."""

    path: str
    own: bool
    value: str
    containers: str
    swarm: str
    engine: str
    cost: str
    summary: str
    reasons: tuple[str, ...] = ()
    not_on_swarm: str = ""


def entry_of(row: Row, at: str = "") -> Entry:
    """The entry of a row."""
    path = row.path
    fields = fields_of(path) or _fields_around(path)
    key = key_of(path)
    since = since_of(path)
    here = key.how.value if key else ""
    if key and key.windows:
        here = "compared (Windows)"
    if any(entry.when and entry.how in (Treatment.REFUSED, Treatment.NOTED) for entry in keys_at(path)):
        here = f"{here}, some values not" if here != Treatment.NOTED else "compared, some values not"
    if path.startswith(_BUILD) and (builder := words(path.removeprefix(_BUILD))):
        here = f"{here}, with {builder}"
    return Entry(
        path=_shown(path, at),
        own=row.own,
        value=_value(row),
        containers=here,
        swarm=on_swarm(path),
        engine=f"{RELEASES[since]} ({since[0]}.{since[1]})" if since else "",
        cost=_COST[max(field.impact for field in fields)] if fields else "",
        summary=summary_of(path),
        reasons=tuple(_reasons_of(row)),
        not_on_swarm=why_not_on_swarm(path),
    )


def _line(row: Row, at: str) -> str:
    entry = entry_of(row, at)
    cells = [
        f"`{entry.path}`{' *own*' if entry.own else ''}",
        entry.value,
        entry.containers,
        entry.swarm,
        entry.engine,
        entry.cost,
        entry.summary,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(path: str, at: str) -> str:
    """A path below a section as people write it: `ports[].target`, `networks.NAME.aliases`."""
    rule = rules()
    text = ""
    for index, part in enumerate(path.split(".")):
        if part == "*":
            text += "[]" if SEQUENCE in rule.row.shape.kinds else ".NAME"
        else:
            text += f".{part}"
        below = rule.below(part)
        assert below is not None, path
        rule = below
        if at and index + 1 == len(at.split(".")):
            text = ""
    return text.removeprefix(".")


def _fields_around(path: str) -> tuple[Field, ...]:
    """The fields of what a key stands in, where that is compared as a whole."""
    key = key_of(path)
    parts = path.split(".")
    if key is None or key.how is not Treatment.COMPARED:
        return ()
    around = (fields_of(".".join(parts[:end])) for end in range(len(parts) - 1, 2, -1))
    return next((fields for fields in around if fields), ())


def _value(row: Row) -> str:
    """What may stand there, in words."""
    shape = row.shape
    text = " or ".join(f"`{word}`" for word in shape.enum) if shape.enum else shape.expected
    also = [article(kind) for kind in row.short if kind not in (NULL, *shape.kinds) and article(kind) not in text]
    if MAPPING in shape.kinds and also:
        return f"{text}; in short {' or '.join(also)}"
    return f"{text}, or {' or '.join(also)}" if also else text


def _reasons() -> Iterable[str]:
    return (f"- {reason}" for row in rows() for reason in _reasons_of(row))


def _reasons_of(row: Row) -> Iterable[str]:
    for key in keys_at(row.path):
        if key.how in (Treatment.REFUSED, Treatment.NOTED):
            instead = f" Instead: {key.instead}." if key.instead else ""
            some = " (some values)" if key.when else ""
            yield f"`{key.path.replace('.*', '.NAME', 1)}`{some}: {key.how.value}, {key.why}.{instead}"


def _chosen() -> Iterable[str]:
    for kind, fields in (("service", container.FIELDS), ("network", network.FIELDS), ("volume", volume.FIELDS)):
        for field in fields:
            if field.chosen:
                yield f"- {kind}: `{field.key}` (Engine API `{field.api}`)"
    yield "- service: the hardware address of each of `networks`"


def main() -> int:
    """Write the files into the folder that the command line names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
