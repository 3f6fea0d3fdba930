"""A market whose prices wander: stands in for the exchange's own stream, which needs a contract."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

_CENT = Decimal("0.01")
_LARGEST_STEP = 0.004


@dataclass(frozen=True, slots=True)
class Tick:
    """One price of one symbol, and how many shares were traded at it."""

    symbol: str
    at: datetime
    price: Decimal
    volume: int

    def as_json(self) -> dict[str, object]:
        """The form in which clients get it: the price is text, so that no cent is lost."""
        return {"symbol": self.symbol, "at": self.at.isoformat(), "price": str(self.price), "volume": self.volume}


class Feed:
    """`last` are prices to go on from, by symbol; a symbol without one starts somewhere between 20 and 200."""

    def __init__(self, symbols: tuple[str, ...], last: dict[str, Decimal], seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._prices = {
            symbol: last.get(symbol) or Decimal(self._random.randint(2_000, 20_000)) * _CENT for symbol in symbols
        }

    def next_ticks(self) -> list[Tick]:
        """A new price of every symbol, each a small step from its last one."""
        now = datetime.now(UTC)
        ticks = []
        for symbol, price in self._prices.items():
            step = Decimal(self._random.uniform(1 - _LARGEST_STEP, 1 + _LARGEST_STEP))
            self._prices[symbol] = max((price * step).quantize(_CENT), _CENT)
            ticks.append(Tick(symbol, now, self._prices[symbol], self._random.randint(1, 50) * 100))
        return ticks
