"""One seeded source of chance, ids and times, so that every seed gives the same rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID

Item = TypeVar("Item")


class Draw:
    """Draws from `seed`; `now` is the naive UTC time that ages are counted back from."""

    def __init__(self, now: datetime, seed: int = 20_261_123) -> None:
        self.now = now
        self.random = Random(seed)

    def id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def one(self, items: list[Item] | tuple[Item, ...]) -> Item:
        return items[int(self.random.random() * len(items))]

    def weighted(self, weights: Mapping[Item, float]) -> Item:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def chance(self, rate: float) -> bool:
        return self.random.random() < rate

    def whole(self, low: int, high: int) -> int:
        return low + int(self.random.random() * (high - low + 1))

    def ago(self, least_hours: float, most_hours: float) -> datetime:
        """A time between `least_hours` and `most_hours` before now."""
        return self.now - timedelta(hours=self.random.uniform(least_hours, most_hours))
