"""backup: of a service, of a volume, of the environment."""

from __future__ import annotations

from dataclasses import replace

from provisioner.document.attributes.commands import WORD, words
from provisioner.document.attributes.shapes import (
    COUNT,
    EXPLICIT_FLAG,
    KEPT_STRUCT,
    LIST,
    STRUCT,
    TEXT,
    not_empty,
    one_of,
    to_list,
)
from provisioner.document.shape import BOOLEAN, STRING, Merge, Place, Row, Shape, mapping
from provisioner.model.backup import RISKS
from provisioner.model.node import Node

# A folder, which is no address, a bucket (S3's rules for names of buckets), or a repository of restic. That has no
# password in its address: it would be in plans and messages.
_PLACE = Shape(
    (STRING,),
    "a folder, s3://BUCKET/PREFIX, or restic:REPOSITORY without a password in it (`restic:` takes RESTIC_REPOSITORY)",
    pattern=r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?|restic:(?![^@]*//[^/@]*:[^@]*@).*|(?![a-z][a-z0-9+.-]*:).+",
)
_RECIPIENT = Shape((STRING,), "a public age key like age1…", pattern=r"age1[a-z0-9]{58}")


def _enabled(node: Node, _place: Place) -> Node | None:
    return mapping({"enabled": Node(node.value, node.span, node.text)}, Node({}, node.span, None, {}, node.tag))


def _command(key: str, about: str) -> tuple[Row, ...]:
    at = f"services.*.backup.{key}"
    return (
        Row(at, LIST, about, expand=words, short=(STRING,), finish=not_empty, merge=Merge.REPLACE, own=True),
        Row(f"{at}.*", WORD, own=True),
    )


ROWS = (
    Row("services.*.backup", STRUCT, "How its data is dumped.", own=True),
    *_command("command", "What writes the data to its standard output."),
    *_command("restore", "What reads the dump from its standard input."),
    *_command("mask", "What makes the data of a clone harmless, before anybody can reach them."),
    Row("services.*.backup.replaces", LIST, "Volumes that the dump stands for.", to_list, (STRING,), own=True),
    Row("services.*.backup.replaces.*", TEXT, own=True),
    Row(
        "volumes.*.backup",
        replace(KEPT_STRUCT, expected="true, false or a mapping"),
        "Whether and how it is archived.",
        expand=_enabled,
        short=(BOOLEAN,),
        own=True,
    ),
    Row("volumes.*.backup.enabled", EXPLICIT_FLAG, "Whether it is archived.", own=True),
    Row(
        "volumes.*.backup.consistency",
        one_of("pause", "stop", "none"),
        "What is done with the containers that write to it meanwhile; default: pause.",
        own=True,
    ),
    Row("backup", replace(STRUCT, required=("to",)), "Where archives go, and how long they are kept.", own=True),
    Row(
        "backup.to",
        LIST,
        "A folder, s3://BUCKET/PREFIX or restic:REPOSITORY, or several.",
        to_list,
        (STRING,),
        own=True,
    ),
    Row("backup.to.*", _PLACE, own=True),
    Row("backup.keep", STRUCT, "How many archives `backup prune` leaves.", own=True),
    Row("backup.keep.last", COUNT, "The last ones.", own=True),
    Row("backup.keep.daily", COUNT, "The newest of each of so many days.", own=True),
    Row("backup.keep.weekly", COUNT, "The newest of each of so many weeks.", own=True),
    Row("backup.keep.monthly", COUNT, "The newest of each of so many months.", own=True),
    Row("backup.recipients", LIST, "Public age keys that archives are encrypted to.", to_list, (STRING,), own=True),
    Row("backup.recipients.*", _RECIPIENT, own=True),
    Row("backup.before", LIST, "Changes that a snapshot is taken before.", to_list, (STRING,), own=True),
    Row("backup.before.*", one_of(*RISKS), own=True),
)
