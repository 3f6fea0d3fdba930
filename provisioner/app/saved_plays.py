"""The plans of all plays of a list in one file: each as that of one environment is kept, and which plays were meant."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from provisioner.app.plays import Selection, find_plays, select_plays
from provisioner.app.saved_plan import SavedPlan, content_of, read, request_of, require_form, unusable, write
from provisioner.errors import PlanStale, UsageError
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from provisioner.app.plan_plays import PlannedPlay
    from provisioner.app.plays import PlayList
    from provisioner.app.request import Request
    from provisioner.model.plan import Policy


@dataclass(frozen=True, slots=True)
class SavedPlays:
    """The content of a plan file of a list, as it was written. `path` is for messages."""

    path: str
    content: Mapping[str, Any] = field(repr=False)

    @property
    def policy(self) -> Policy:
        """What the user permitted when the plan was made."""
        return self._plans[0].policy

    @property
    def scale(self) -> dict[str, int]:
        return self._plans[0].scale

    @property
    def request(self) -> Mapping[str, Any]:
        """What the list was asked for: the fields of a Request, without values."""
        asked: Mapping[str, Any] = self.content["request"]
        return asked

    @property
    def selection(self) -> Selection:
        """Which plays were meant."""
        chosen = self.content["selection"]
        return Selection(tuple(chosen["limits"]), tuple(chosen["tags"]), tuple(chosen["skip_tags"]))

    @property
    def names(self) -> list[str]:
        """The plays in their order."""
        return [str(play["name"]) for play in self.content["plays"]]

    def require_current(self, plays: PlayList, planned: Sequence[PlannedPlay]) -> None:
        """PlanStale, naming what moved in which play, unless all of them are those of the file."""
        now = [play.name for play in plays.plays]
        moved = []
        if now != self.names:
            moved.append(f"the plays were {', '.join(self.names)}, and are {', '.join(now)}")
        plans = dict(zip(self.names, self._plans, strict=True))
        for play in planned if not moved else ():
            name = play.opened.play.name
            try:
                plans[name].require_current(play.prepared)
            except PlanStale as stale:
                why = stale.message.removeprefix(f"the plan {self.path} is stale: ")
                moved.append(f"play '{name}': {why}")
        if moved:
            raise PlanStale(
                f"the plan {self.path} is stale: {'; '.join(moved)}",
                hint="make a new one with `provision plan -o FILE`, look at it, and apply that",
            )

    def remarks(self, planned: PlannedPlay) -> tuple[str, ...]:
        """What a person should know of the file where it speaks of this play."""
        plans = dict(zip(self.names, self._plans, strict=True))
        return plans[planned.opened.play.name].remarks(planned.prepared)

    @property
    def _plans(self) -> list[SavedPlan]:
        # The name is the list's: the seal of the environment's key covers what `content_of` gave.
        return [
            SavedPlan(self.path, {key: value for key, value in play.items() if key != "name"})
            for play in self.content["plays"]
        ]


def save_plays(
    path: Path,
    plays: PlayList,
    selection: Selection,
    policy: Policy,
    scale: Mapping[str, int],
    planned: Sequence[PlannedPlay],
) -> None:
    """Write the plans of a list; UsageError when the file can not be written."""
    entries = [
        {"name": play.opened.play.name, **content_of(play.opened.play.request, policy, scale, play.prepared)}
        for play in planned
    ]
    chosen = {
        "limits": list(selection.limits), "tags": list(selection.tags), "skip_tags": list(selection.skip_tags)
    }  # fmt: skip
    content = {"target": plays.title, "request": request_of(plays.request), "selection": chosen, "plays": entries}
    write(path, content)


def load_any(path: Path) -> SavedPlan | SavedPlays:
    """Read a plan file, of one environment or of a list. Raises as `saved_plan.load` does."""
    content = read(path)
    if "plays" not in content:
        require_form(path, content)
        return SavedPlan(str(path), content)
    _require_list_form(path, content)
    return SavedPlays(str(path), content)


def _require_list_form(path: Path, content: Mapping[str, Any]) -> None:
    """PlaybookInvalid for a content that no plan of a list has."""
    entries, chosen = content.get("plays"), content.get("selection")
    words = [chosen.get(key) for key in ("limits", "tags", "skip_tags")] if isinstance(chosen, dict) else [None]
    right = (
        isinstance(entries, list)
        and bool(entries)
        and all(isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in entries)
        and all(isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in words)
    )
    if not right:
        raise unusable(path, "has not the form of a plan")
    for entry in content["plays"]:
        require_form(path, {**entry, "request": content.get("request")})
        require_form(path, entry)


def list_of(saved: SavedPlays, request: Request) -> PlayList:
    """The plays that a saved plan is of, as they are in the files now. PlanStale where they are not there any more."""
    plays = find_plays(request)
    why = "it is of a list of plays, and the file is none any more"
    if plays is not None:
        try:
            return select_plays(plays, saved.selection)
        except UsageError as error:
            why = error.message
    raise PlanStale(
        f"the plan {saved.path} is stale: {why}",
        hint="make a new one with `provision plan -o FILE`, look at it, and apply that",
    )
