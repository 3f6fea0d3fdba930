"""A list of plays as requests: one for each environment that it names, narrowed as the user asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.document.findings import nearest
from provisioner.document.names import FOLDER
from provisioner.document.plays import is_list_of_plays, read_plays, target_of
from provisioner.errors import UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from provisioner.app.request import Request
    from provisioner.document.plays import Play
    from provisioner.model.span import Span

ALWAYS, NEVER = "always", "never"
# Words for --tags and --skip-tags that stand for plays with or without tags of their own (Ansible's).
ALL, TAGGED, UNTAGGED = "all", "tagged", "untagged"


@dataclass(frozen=True, slots=True)
class PlayRequest:
    """One play as the request of its environment. `groups` are the plays that import the list in which it stands."""

    name: str
    request: Request
    span: Span
    tags: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()

    def is_called(self, word: str) -> bool:
        """Whether --limit means this play by `word`: its name, its TARGET, or the name of a group, in any case."""
        names = (self.name, self.request.target, *self.groups)
        return word.casefold() in (name.casefold() for name in names)


@dataclass(frozen=True, slots=True)
class PlayList:
    """The plays of a list in order. `title` is what the list is called, `request` asks for its own file."""

    title: str
    request: Request
    plays: tuple[PlayRequest, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which plays are meant: words of --limit, --tags and --skip-tags, each of which may be several with commas."""

    limits: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.limits or self.tags or self.skip_tags)


def find_plays(request: Request) -> PlayList | None:
    """The plays of the list that a request's file is, or None where it is one environment.

    UsageError where a list is to be merged with other files; PlaybookInvalid for what is wrong with the list.
    """
    lists = [file for file in request.files if is_list_of_plays(str(Path(request.directory, file)))]
    if not lists:
        return None
    if len(request.files) > 1:
        raise UsageError(
            f"{lists[0]} is a list of plays, and is no layer of another playbook", hint="give it alone, as one -f"
        )
    plays = read_plays(request.files[0], environment=request.shell, overrides=request.overrides)
    title = request.target or target_of(request.files[0])
    return PlayList(title, request, tuple(_play_request(request, play) for play in plays))


def _play_request(request: Request, play: Play) -> PlayRequest:
    in_playbooks = FOLDER in Path(play.file).parts[:-1]
    own = replace(
        request,
        files=(play.shown,),
        target=target_of(play.shown),
        in_playbooks=in_playbooks,
        profiles=tuple(dict.fromkeys((*play.profiles, *request.profiles))),
        ambient_env_file=None if in_playbooks else request.ambient_env_file,
        vars=play.vars,
        typed=request.typed if "--limit" in request.typed else (*request.typed, "--limit", play.name),
    )
    return PlayRequest(play.name, own, play.span, play.tags, play.groups)


def select_plays(plays: PlayList, selection: Selection) -> PlayList:
    """The plays that are meant. UsageError for a word that none of them has, and where none is left."""
    selected = plays.plays
    if selection.limits:
        words = _limits(plays, selection.limits)
        selected = tuple(play for play in selected if any(play.is_called(word) for word in words))
    tags, skipped = _words(selection.tags), _words(selection.skip_tags)
    _require_known(plays, [*tags, *skipped])
    # Who names a play asks for it: `never` does not keep it from running.
    named = frozenset({NEVER}) if selection.limits and not tags else frozenset()
    selected = tuple(play for play in selected if runs(play.tags - named, tags, skipped))
    if not selected:
        raise UsageError(
            f"no play of {plays.title} is left by --limit, --tags and --skip-tags", hint=f"there are: {_listed(plays)}"
        )
    if len(selected) > 1:
        for option, given in (
            ("-p", plays.request.project_name),
            ("--project-directory", plays.request.project_directory),
        ):
            if given:
                raise UsageError(
                    f"{option} is for one environment, and {plays.title} is a list of {len(selected)} plays",
                    hint=f"choose one with --limit PLAY: {_listed(plays)}",
                )
    return replace(plays, plays=selected)


def runs(tags: frozenset[str], asked: Sequence[str], skipped: Sequence[str]) -> bool:
    """Whether a play with `tags` runs, by Ansible's rules.

    Without --tags all do but those with `never`; `always` runs whatever is asked for, unless it is skipped by name;
    a play with `never` runs where another of its tags is asked for.
    """
    plain = NEVER not in tags
    wanted = (
        ALWAYS in tags
        or bool(tags & set(asked))
        or (plain and (not asked or ALL in asked))
        or (plain and TAGGED in asked and bool(tags))
        or (UNTAGGED in asked and not tags)
    )
    if tags & set(skipped) or (UNTAGGED in skipped and not tags) or (TAGGED in skipped and bool(tags)):
        return False
    return wanted and (ALL not in skipped or ALWAYS in tags)


def only_play(plays: PlayList) -> PlayRequest:
    """The one play that is left; UsageError, naming them, where there are several."""
    if len(plays.plays) == 1:
        return plays.plays[0]
    raise UsageError(
        f"{plays.title} is a list of {len(plays.plays)} plays, and this is done to one environment at a time",
        hint=f"choose one with --limit PLAY: {_listed(plays)}",
    )


def _limits(plays: PlayList, texts: Iterable[str]) -> list[str]:
    """The words of --limit; a text is one word where a play is called so, else several apart by commas."""
    words: list[str] = []
    for text in texts:
        whole = any(play.is_called(text.strip()) for play in plays.plays)
        words += [text.strip()] if whole else _words([text])
    for word in words:
        if not any(play.is_called(word) for play in plays.plays):
            known = [name for play in plays.plays for name in (play.name, play.request.target, *play.groups)]
            folded = {name.casefold(): name for name in reversed(known)}
            from difflib import get_close_matches

            near = get_close_matches(word.casefold(), folded, n=1)
            meant = f"did you mean '{folded[near[0]]}'? " if near else ""
            raise UsageError(f"{plays.title} has no play '{word}'", hint=f"{meant}there are: {_listed(plays)}")
    return words


def _require_known(plays: PlayList, words: Sequence[str]) -> None:
    known = {ALWAYS, NEVER, ALL, TAGGED, UNTAGGED}.union(*(play.tags for play in plays.plays))
    for word in words:
        if word not in known:
            tags = sorted(known - {ALL, TAGGED, UNTAGGED, ALWAYS, NEVER})
            listed = f"tags are: {', '.join(tags)}" if tags else "none of its plays has tags"
            raise UsageError(f"no play of {plays.title} has the tag '{word}'", hint=nearest(word, tags) or listed)


def _words(texts: Iterable[str]) -> list[str]:
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def _listed(plays: PlayList) -> str:
    return ", ".join(f"'{play.name}'" for play in plays.plays)
