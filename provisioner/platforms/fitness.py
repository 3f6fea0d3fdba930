"""Whether an engine can do what a playbook says: what is refused, and what is told to have no effect. Pure."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.document.attributes import rows, rules
from provisioner.kinds.fields import EMPTY, Ignored, Refused
from provisioner.kinds.keys import Treatment, keys_at, on_swarm, since_of, swarm_answer
from provisioner.model.span import Problem, Verdict, refusal
from provisioner.playbook.pools import host_bits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioner.document.attributes import Rule
    from provisioner.kinds.keys import Key, Version
    from provisioner.model.edges import ComposeBody
    from provisioner.model.node import JSON, Node
    from provisioner.model.playbook import Playbook
    from provisioner.model.span import Span
    from provisioner.model.state import Facts

# The Docker Engine that brought an Engine API version.
RELEASES = {(1, 43): "24.0", (1, 44): "25.0", (1, 45): "26.0", (1, 46): "27.0", (1, 47): "27.2", (1, 48): "28.0",
             (1, 49): "28.1", (1, 50): "28.2", (1, 51): "28.3"}  # fmt: skip

# Since then a subnet is refused that is written as an address inside of it.
_EXACT_SUBNETS = (1, 44)


class Given(NamedTuple):
    """A value of a playbook: the path of its `row` in the table of keys, its own path, the mapping that it stands in
    (only where its row asks for that), and where it is.
    """

    row: str
    path: str
    value: Any
    body: ComposeBody
    span: Span


def unfit(playbook: Playbook, values: Iterable[Given], facts: Facts, *, swarm: bool = False) -> Iterator[Verdict]:
    """The keys that this engine is too old for, or not made for. On Swarm only those that it has at all."""
    for given in values:
        if not swarm or on_swarm(given.row) not in ("refused", "no effect"):
            for text, hint in _lacks(given, facts):
                yield refusal(text, given.span, given.path, hint)
    if facts.api_version >= _EXACT_SUBNETS:
        yield from (Verdict(True, problem) for problem in host_bits(playbook))


def on_swarm_problems(values: Iterable[Given]) -> Iterator[Verdict]:
    """The keys that are refused on Swarm, and those that have no effect there."""
    for pattern, path, value, body, span in values:
        answer = swarm_answer(pattern)
        when = next((key.swarm_when for key in keys_at(pattern) if key.swarm_when), None)
        if not (when(value, body) if when else _is_given(value)):
            continue
        key = path.rpartition(".")[2]
        if isinstance(answer, Refused):
            why = f": {answer.why}" if answer.why else ""
            yield refusal(f"'{key}' can not be had on Swarm{why}", span, path, answer.instead)
        if isinstance(answer, Ignored):
            yield Verdict(False, Problem(f"'{key}' has no effect on Swarm", span, path, answer.why))


def without_swarm(values: Iterable[Given]) -> Iterator[Verdict]:
    """The keys that are refused without Swarm, and those that have no effect there."""
    for pattern, path, value, body, span in values:
        for key in keys_at(pattern):
            if key.how is Treatment.REFUSED and _concerns(key, value, body):
                yield refusal(f"can not be had: {key.why}", span, path, key.instead)
            if key.how is Treatment.NOTED and _concerns(key, value, body):
                yield Verdict(False, Problem(f"has no effect here: {key.why}", span, path, key.instead or None))


def _lacks(given: Given, facts: Facts) -> Iterator[tuple[str, str]]:
    keys = keys_at(given.row)
    concerned = [key for key in keys if _concerns(key, given.value, given.body)]
    if any(key.windows for key in concerned) and facts.platform != "windows":
        yield f"only engines on Windows have it, and this one is on {facts.platform}", "leave it out"
    own = [key.since for key in keys if key.since]
    since = next((key.since for key in concerned if key.since), None) if own else since_of(given.row)
    if since is None or since <= facts.api_version or given.value is None:
        return
    wanted, here = _version(since), _version(facts.api_version)
    needs = f"Docker Engine {RELEASES[since]} (API {wanted})" if since in RELEASES else f"Engine API {wanted}"
    yield (
        f"needs {needs}, and this engine is {facts.engine_version} (API {here})",
        "upgrade the engine, or leave it out",
    )


def _concerns(key: Key, value: Any, body: ComposeBody) -> bool:
    return key.when(value, body) if key.when else _is_given(value)


def _is_given(value: Any) -> bool:
    return value not in EMPTY


def _version(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


@cache
def _paths_with_a_word() -> frozenset[str]:
    """The paths of rows of which there is something to say, and of those that lead to them."""
    paths = {row.path for row in rows() if _has_a_word(row.path)}
    return frozenset(
        ".".join(parts[:end]) for path in paths for parts in [path.split(".")] for end in range(len(parts) + 1)
    )


@cache
def _has_a_word(path: str) -> bool:
    """Whether there is something to say of a key, for some engine or mode."""
    has_reason = any(key.windows or key.why for key in keys_at(path))
    return has_reason or since_of(path) is not None or isinstance(swarm_answer(path), Refused | Ignored)


def given_values(playbook: Playbook) -> Iterator[Given]:
    """Every value of the objects that are to be there, as far as there is something to say of its key."""
    objects = [("services", name, service.body) for name, service in playbook.services.items()]
    for section in ("networks", "volumes", "configs", "secrets"):
        objects += [(section, name, declared.body) for name, declared in getattr(playbook, section).items()]
    for section, name, body in objects:
        rule = rules().children[section].any
        if rule is not None:
            yield from _descend(body, rule, f"{section}.*", f"{section}.{name}")


def _descend(node: Node, rule: Rule, pattern: str, path: str) -> Iterator[Given]:
    if node.is_mapping:
        inside = [(key, item, node.key_spans.get(key, item.span)) for key, item in node.mapping.items()]
    elif node.is_sequence:
        inside = [(str(index), item, item.span) for index, item in enumerate(node.items)]
    else:
        return
    body: JSON = None
    for key, item, span in inside:
        below = rule.below(key)
        row = f"{pattern}.{key if key in rule.children else '*'}"
        if below is None or row not in _paths_with_a_word():
            continue
        if _has_a_word(row):
            if body is None and any(entry.when or entry.swarm_when for entry in keys_at(row)):
                body = node.plain()
            yield Given(row, f"{path}.{key}", item.plain(), body if isinstance(body, dict) else {}, span)
        yield from _descend(item, below, row, f"{path}.{key}")
