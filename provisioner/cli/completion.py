"""The types of parameters that a shell completes. A command declares one, and need do nothing else:

`@click.option("--target", type=ADDRESS)`, `@click.argument("arguments", nargs=-1, type=words(TARGET, SERVICES))`.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from provisioner.cli.settings import Settings
from provisioner.cli.target import playbooks
from provisioner.errors import ProvisionError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provisioner.app.candidates import Candidate
    from provisioner.app.request import Request

# What an item tells the shell: the word is whole, more follows it without a space, files or folders may stand there.
WHOLE, OPEN, FILES, FOLDERS = "plain", "open", "file", "dir"


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the command line something is completed: the settings so far, and the TARGET that was typed."""

    settings: Settings
    target: str | None

    def requests(self) -> list[Request]:
        """The environments that are meant: one, or those of a list of plays."""
        plays = self.settings.plays(self.target)
        if plays is None:
            return [self.settings.request(self.target)]
        return [play.request for play in plays.plays]


class Completed(click.ParamType):  # type: ignore[type-arg]
    """A text that is taken as it is. `splitter` is what separates several in its environment variable."""

    name = "text"

    def __init__(self, complete: Callable[[Place, str], Sequence[Any]], splitter: str | None = None) -> None:
        self.complete = complete
        if splitter is not None:
            self.envvar_list_splitter = splitter  # type: ignore[misc]

    def candidates(self, place: Place, incomplete: str) -> Sequence[CompletionItem[str]]:
        """What may stand there. A playbook that can not be read, or an engine that does not answer, offers nothing."""
        try:
            return self.complete(place, incomplete)
        except Exception:  # whatever it is, somebody who pressed a key is shown no error
            return ()

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """What may stand there and begins with what is typed."""
        return _offer(ctx, lambda place: self.candidates(place, incomplete), incomplete)


class Words(click.ParamType):  # type: ignore[type-arg]
    """Words one after the other, `[TARGET] SERVICE...`: each is completed by its own type.

    The last type is that of all further words where `repeats`. A TARGET may be left out.
    """

    name = "text"

    def __init__(self, types: Sequence[Completed], *, repeats: bool) -> None:
        self._types = tuple(types)
        self._repeats = repeats

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """What may stand there after the words that are there already."""
        before = ctx.params.get(param.name or "") or ()
        before = [before] if isinstance(before, str) else [str(word) for word in before]
        return _offer(ctx, lambda place: self._next(place, before, incomplete), incomplete)

    def _next(self, place: Place, before: Sequence[str], incomplete: str) -> list[CompletionItem[str]]:
        target, rest = None, tuple(before)
        types = self._types
        if types[0] is TARGET:
            target, rest = place.settings.split(before)
            types = types[1:]
        place = Place(place.settings, target)
        items = (
            [*TARGET.candidates(place, incomplete)]
            if types != self._types and not before and not place.settings.files
            else []
        )
        index = len(rest)
        if index < len(types):
            items += types[index].candidates(place, incomplete)
        elif self._repeats and types:
            items += [item for item in types[-1].candidates(place, incomplete) if item.value not in rest]
        return items


def words(*types: Completed, repeats: bool = True) -> Words:
    """The type of an argument with `nargs=-1` that takes such words."""
    return Words(types, repeats=repeats)


def _offer(
    ctx: click.Context, find: Callable[[Place], Sequence[CompletionItem[str]]], incomplete: str
) -> list[CompletionItem[str]]:
    settings = _settings(ctx)
    try:
        with contextlib.chdir(settings.directory or "."):
            items = find(Place(settings, _typed_target(ctx, settings)))
    except (OSError, ProvisionError):
        return []
    # An open word that is there already has nothing to add.
    return [
        item
        for item in items
        if item.type in (FILES, FOLDERS)
        or (item.value.startswith(incomplete) and (item.type, item.value) != (OPEN, incomplete))
    ]


def _settings(ctx: click.Context) -> Settings:
    """The global options so far, of the command and of those above it."""
    above: list[click.Context] = []
    place: click.Context | None = ctx
    while place is not None:
        above.insert(0, place)
        place = place.parent
    settings = Settings(environment=dict(os.environ))
    for context in above:
        settings = settings.merged(context.params, context.get_parameter_source)
    return settings


def _typed_target(ctx: click.Context, settings: Settings) -> str | None:
    """The TARGET of the command as far as it is typed, for the values of its options."""
    if ctx.params.get("target"):
        return str(ctx.params["target"])
    arguments = ctx.params.get("arguments")
    return settings.split([str(word) for word in arguments])[0] if arguments else None


def _items(candidates: Sequence[Candidate], *, after: str = "") -> list[CompletionItem[str]]:
    kind = OPEN if after else WHOLE
    return [
        CompletionItem(candidate.word + after, type=kind, help=candidate.comment or None) for candidate in candidates
    ]


def _of_playbook(name: str, *, after: str = "") -> Completed:
    """What one function of `app.candidates` finds, for every environment that is meant."""

    def complete(place: Place, incomplete: str) -> list[CompletionItem[str]]:
        from provisioner.app import candidates

        find: Callable[[Request], list[Candidate]] = getattr(candidates, name)
        return _items(candidates.merged(find(request) for request in place.requests()), after=after)

    return Completed(complete)


def _of_machine(name: str) -> Completed:
    """The same where no playbook is needed."""

    def complete(place: Place, incomplete: str) -> list[CompletionItem[str]]:
        from provisioner.app import candidates

        find: Callable[[Request], list[Candidate]] = getattr(candidates, name)
        return _items(find(place.settings.optional_request(None, search=False)))

    return Completed(complete)


def _targets(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name, type=WHOLE) for name in playbooks(str(Path.cwd()))]


def _targets_or_files(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    return [*_targets(place, incomplete), CompletionItem(incomplete, type=FILES)]


def _addresses(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    """Addresses; names alone too, once a letter is typed that begins no kind."""
    items = ADDRESSES_ONLY.candidates(place, incomplete)
    if not incomplete or any(item.value.startswith(incomplete) for item in items):
        return [*items]
    return [*SERVICE.candidates(place, incomplete)]


def _commands(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    from provisioner.cli.main import program

    main = program()
    with main.make_context("provision", ["--help"], resilient_parsing=True) as context:
        return [CompletionItem(name, type=WHOLE) for name in main.list_commands(context)]


def _plays(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    plays = place.settings.without_selection().plays(place.target)
    return [CompletionItem(play.name, type=WHOLE, help=play.request.target) for play in plays.plays] if plays else []


def _tags(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    plays = place.settings.without_selection().plays(place.target)
    tags: Iterator[str] = (tag for play in plays.plays for tag in play.tags) if plays else iter(())
    return [CompletionItem(tag, type=WHOLE) for tag in sorted(set(tags))]


def _path(kind: str) -> Callable[[Place, str], list[CompletionItem[str]]]:
    return lambda place, incomplete: [CompletionItem(incomplete, type=kind)]


def _inside_or_file(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    """A path on this machine, or `SERVICE:` and a path in a container (`cp`)."""
    return [*_items_of_services(place, ":"), CompletionItem(incomplete, type=FILES)]


def _items_of_services(place: Place, after: str) -> list[CompletionItem[str]]:
    items = SERVICE.candidates(place, "")
    return [CompletionItem(item.value + after, type=OPEN, help=item.help) for item in items]


def _topics(place: Place, incomplete: str) -> list[CompletionItem[str]]:
    from provisioner.app.explain import topics

    return [CompletionItem(word, type=WHOLE, help=text) for word, text in topics()]


TARGET = Completed(_targets)
TARGET_OR_FILE = Completed(_targets_or_files)
SERVICE = _of_playbook("services")
SERVICE_EQUALS = _of_playbook("services", after="=")
ADDRESSES_ONLY = _of_playbook("addresses")
ADDRESS = Completed(_addresses)
REVISION = _of_playbook("revisions")
ARCHIVE = _of_playbook("archives")
VARIABLE = _of_playbook("variables", after="=")
EXPLAINABLE = _of_playbook("explainable")
PROFILE = _of_playbook("profiles")
SECRET = _of_playbook("secrets")
VOLUME = _of_playbook("volumes")
CHECK = _of_playbook("checks")
ENVIRONMENT = _of_machine("environments")
CONTEXT = _of_machine("contexts")
PLAY = Completed(_plays)
TAG = Completed(_tags)
FILE = Completed(_path(FILES))
FOLDER = Completed(_path(FOLDERS))
INSIDE_OR_FILE = Completed(_inside_or_file)
COMMAND = Completed(_commands)
TOPIC = Completed(_topics)
NOTHING = Completed(lambda place, incomplete: [])


def listed(kind: Completed, splitter: str) -> Completed:
    """The same type for an option whose environment variable lists several."""
    return Completed(kind.complete, splitter)
