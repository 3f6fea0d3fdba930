"""What somebody wants of a service beside what the file says: that it is stopped or paused, that so many of it run.

It is kept with the revisions, by one record that is written anew, until an apply, `start` or another file ends it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, field, replace
from typing import TYPE_CHECKING, Any

from provisioner.kinds.values import moment
from provisioner.model.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioner.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Intention:
    """`at` is RFC 3339 in UTC, `by` who it was. Of a scaled service: how many are to run, and how many the file
    declared then.
    """

    at: str
    by: str
    replicas: int = 0
    declared: int = 0

    def __str__(self) -> str:
        then = moment(self.at)
        since = then.strftime("%Y-%m-%d %H:%M UTC") if then is not None else self.at
        return f"on purpose (since {since}, by {self.by.partition(',')[0]})"


@dataclass(frozen=True, slots=True)
class Intentions:
    """By service. `number` counts the records that there were."""

    number: int = 0
    stopped: Mapping[str, Intention] = field(default_factory=dict)
    scaled: Mapping[str, Intention] = field(default_factory=dict)
    paused: Mapping[str, Intention] = field(default_factory=dict)

    def with_stopped(self, services: Iterable[str], why: Intention) -> Intentions:
        """These, with services that are stopped from now on. Who stopped one that is stopped already stays."""
        return replace(self, stopped={**dict.fromkeys(services, why), **self.stopped})

    def without_stopped(self, services: Iterable[str]) -> Intentions:
        """These, with services that run again."""
        gone = set(services)
        return replace(self, stopped={name: why for name, why in self.stopped.items() if name not in gone})

    def with_paused(self, services: Iterable[str], why: Intention) -> Intentions:
        """These, with services that are paused from now on. Who paused one that is paused already stays."""
        return replace(self, paused={**dict.fromkeys(services, why), **self.paused})

    def without_paused(self, services: Iterable[str]) -> Intentions:
        """These, with services that go on."""
        gone = set(services)
        return replace(self, paused={name: why for name, why in self.paused.items() if name not in gone})

    def with_scaled(self, scaled: Mapping[str, Intention]) -> Intentions:
        """These, with other numbers; a number that is the declared one is no intention any more."""
        together = {**self.scaled, **scaled}
        return replace(self, scaled={name: why for name, why in together.items() if why.replicas != why.declared})

    def same(self, other: Intentions) -> bool:
        """Whether both say the same."""
        return (self.stopped, self.scaled, self.paused) == (other.stopped, other.scaled, other.paused)


def parse_intentions(content: bytes) -> Intentions | None:
    """A record as it was kept; None for a torn one."""
    try:
        record: dict[str, Any] = json.loads(content)
        return Intentions(
            int(record["number"]),
            {name: Intention(**why) for name, why in record["stopped"].items()},
            {name: Intention(**why) for name, why in record["scaled"].items()},
            # Records of earlier versions know of no pause.
            {name: Intention(**why) for name, why in record.get("paused", {}).items()},
        )
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def keep_intentions(store: Store, intentions: Intentions, series: str) -> None:
    """Keep these in the place of those before."""
    text = json.dumps(asdict(replace(intentions, number=intentions.number + 1)), sort_keys=True).encode()
    store.keep(intentions.number + 1, text, 1, series)
