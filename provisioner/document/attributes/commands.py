"""What a service runs: command, entrypoint, user, folder, hooks, health check."""

from __future__ import annotations

from dataclasses import replace

from provisioner.document.attributes.environment import OPTIONAL_VALUE
from provisioner.document.attributes.shapes import (
    AS_TEXT,
    DURATION,
    EXPLICIT_COUNT,
    FLAG,
    FREE,
    KEPT_STRUCT,
    LIST,
    STRUCT,
    TEXT,
    drop,
    pairs,
)
from provisioner.document.command_line import split
from provisioner.document.shape import NULL, SEQUENCE, STRING, Merge, Place, Row, Shape, scalar, sequence
from provisioner.model.node import Node

WORDS = Shape((SEQUENCE, NULL), "a command, as text or a list of words", keep=True)
WORD = TEXT


def words(node: Node, place: Place) -> Node | None:
    """A command line as its words; nothing is expanded, and no shell runs it."""
    try:
        parts, rest = split(str(node.value))
    except ValueError as error:
        place.wrong(str(error), node.span, 'close it, write the command as a list, or sh -c "..."')
        return None
    if rest:
        message = f"the command ends at '{rest[0]}': no shell runs it, so what follows is left out, as in Compose"
        place.ignored(message, node.span, 'write sh -c "..." around it')
    return sequence([scalar(part, node) for part in parts], node)


def _test(node: Node, _place: Place) -> Node | None:
    return sequence([scalar("CMD-SHELL", node), Node(node.value, node.span, node.text)], node)


def _check(node: Node, place: Place) -> Node:
    """A test says how it is run."""
    test = node.get("test")
    if test is not None and test.items and test.items[0].value not in ("NONE", "CMD", "CMD-SHELL"):
        where = Place((*place.path, "test"), place.directory, place.home, place.findings)
        where.wrong("the first word is none of CMD, CMD-SHELL, NONE", test.items[0].span, "put CMD before the command")
    interval = node.get("start_interval")
    if interval is not None and node.get("start_period") is None:
        where = Place((*place.path, "start_interval"), place.directory, place.home, place.findings)
        where.findings.warn("start_interval means nothing without start_period", interval.span, where.path)
    return node


def _watched(node: Node, place: Place) -> Node:
    """What is copied is copied somewhere."""
    action = node.get("action")
    if action is not None and str(action.value).startswith("sync") and node.get("target") is None:
        place.wrong("'target' is missing", node.span, f"say where '{action.value}' copies to")
    return node


def _hook(at: str, *, also: tuple[Row, ...] = ()) -> tuple[Row, ...]:
    return (
        Row(f"{at}.command", WORDS, expand=words, short=(STRING,), merge=Merge.REPLACE),
        Row(f"{at}.command.*", WORD),
        Row(f"{at}.user", TEXT),
        Row(f"{at}.privileged", FLAG),
        Row(f"{at}.working_dir", TEXT),
        Row(f"{at}.environment", FREE, expand=pairs, short=(SEQUENCE,)),
        Row(f"{at}.environment.*", OPTIONAL_VALUE),
        *also,
    )


_HOOK = replace(STRUCT, required=("command",))

ROWS = (
    Row("services.*.command", WORDS, "Replaces the image's command.", words, (STRING,), merge=Merge.REPLACE),
    Row("services.*.command.*", WORD),
    Row("services.*.entrypoint", WORDS, "Replaces the image's entrypoint.", words, (STRING,), merge=Merge.REPLACE),
    Row("services.*.entrypoint.*", WORD),
    Row("services.*.working_dir", TEXT, "The folder it runs in."),
    Row("services.*.user", TEXT, "Who runs it."),
    Row("services.*.group_add", LIST, "More groups of its user."),
    Row("services.*.group_add.*", AS_TEXT),
    Row("services.*.stdin_open", FLAG),
    Row("services.*.tty", FLAG),
    Row("services.*.stop_signal", TEXT),
    Row("services.*.stop_grace_period", replace(DURATION, keep=True), "How long it may take to stop."),
    Row("services.*.healthcheck", KEPT_STRUCT, "How its health is checked.", finish=_check),
    Row("services.*.healthcheck.test", LIST, expand=_test, short=(STRING,), merge=Merge.REPLACE),
    Row("services.*.healthcheck.test.*", WORD),
    Row("services.*.healthcheck.interval", replace(DURATION, keep=True)),
    Row("services.*.healthcheck.timeout", replace(DURATION, keep=True)),
    Row("services.*.healthcheck.start_period", replace(DURATION, keep=True)),
    Row("services.*.healthcheck.start_interval", replace(DURATION, keep=True)),
    Row("services.*.healthcheck.retries", EXPLICIT_COUNT),
    Row("services.*.healthcheck.disable", FLAG),
    Row("services.*.post_start", LIST, "Commands run after it has started."),
    Row("services.*.post_start.*", _HOOK),
    *_hook("services.*.post_start.*"),
    Row("services.*.pre_stop", LIST, "Commands run before it is stopped."),
    Row("services.*.pre_stop.*", _HOOK),
    *_hook("services.*.pre_stop.*"),
    Row("services.*.pre_start", LIST, "Containers run before it starts."),
    Row("services.*.pre_start.*", STRUCT),
    *_hook(
        "services.*.pre_start.*",
        also=(Row("services.*.pre_start.*.image", TEXT), Row("services.*.pre_start.*.per_replica", FLAG)),
    ),
    Row("services.*.develop", KEPT_STRUCT, "For work on the service.", drop, (NULL,)),
    Row("services.*.develop.watch", LIST, "What happens when files change."),
    Row("services.*.develop.watch.*", replace(STRUCT, required=("path", "action")), finish=_watched),
    Row("services.*.develop.watch.*.path", TEXT, location=True),
    Row(
        "services.*.develop.watch.*.action",
        Shape(
            (STRING,),
            "one of rebuild, sync, restart, sync+restart, sync+exec",
            enum=("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
        ),
    ),
    Row("services.*.develop.watch.*.target", TEXT),
    Row("services.*.develop.watch.*.ignore", LIST, expand=lambda node, _: _as_list(node), short=(STRING,)),
    Row("services.*.develop.watch.*.ignore.*", TEXT),
    Row("services.*.develop.watch.*.include", LIST, expand=lambda node, _: _as_list(node), short=(STRING,)),
    Row("services.*.develop.watch.*.include.*", TEXT),
    Row("services.*.develop.watch.*.initial_sync", FLAG),
    Row("services.*.develop.watch.*.exec", _HOOK),
    *_hook("services.*.develop.watch.*.exec"),
    Row("services.*.job", KEPT_STRUCT, "A one-shot: it runs to its end.", own=True),
    Row(
        "services.*.job.run",
        Shape((STRING,), "one of on_change, once, always", enum=("on_change", "once", "always")),
        "When it runs again.",
        own=True,
    ),
)


def _as_list(node: Node) -> Node | None:
    return sequence([Node(node.value, node.span, node.text)], node)
