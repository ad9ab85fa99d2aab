"""Visits to the demo shop: one shopper at a time, each visit by simple rules and chance.

An errand comes from a product used up, a product that goes with one just bought, or taste and
season. A shelf shows a list; what stands higher is looked at more. Liking decides on views, carts
and purchases. Owning a product shows its quality, and moves the liking for its brand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shelfwise.ingest.demo_words import SHELVES
from shelfwise.ingest.demo_world import DAYS_OF_YEAR, World

SHOWN: Final = 8
"""Products in a list."""
EXAMINED: Final = 1.0 / (1.0 + 0.3 * np.arange(SHOWN, dtype=np.float64))
"""Chance that the product at each place is looked at: the position bias."""
DAY_MS: Final = 86_400_000
COMPLEMENT_DAYS: Final = 15
"""How long a product stays on the mind that goes with one bought."""


class Act(NamedTuple):
    """One event, in codes; -1 where a field does not apply."""

    user: int
    item: int
    kind: str
    time_ms: int
    visit: int
    position: int = -1
    list_: int = -1
    rating: int = -1
    shelf: int = -1
    """Searched for."""


@dataclass
class _Mind:
    """What one shopper has in mind between visits."""

    used_up: list[tuple[int, int]] = field(default_factory=list)
    """(day, product)."""
    wanted: list[tuple[int, int]] = field(default_factory=list)
    """(until day, shelf)."""
    considered: int = -1
    """Looked at last and not bought."""
    owned: set[int] = field(default_factory=set)


@dataclass
class Visits:
    """Plays the visits of all shoppers; `acts` and `owned` grow as it does."""

    world: World
    liking: NDArray[np.float64]
    """[n_shoppers, n_products] at first; experience changes it."""
    start_ms: int
    days: int
    rng: np.random.Generator
    acts: list[Act] = field(default_factory=list)
    purchases: list[Act] = field(default_factory=list)
    _visit: int = 0
    _list: int = 0

    def __post_init__(self) -> None:
        self._on_shelf = [np.flatnonzero(self.world.shelf == s) for s in range(len(SHELVES))]
        self._brands = [np.flatnonzero(self.world.brand == b) for b in range(self._n_brands())]
        self._goes_with = [np.flatnonzero(row) for row in self.world.complement]
        self._year_day = int(self.start_ms // DAY_MS - 19_723) % DAYS_OF_YEAR  # from 2024-01-01

    def play(self) -> None:
        """Every shopper's visits, in the order of their time."""
        for user in range(len(self.world.activity)):
            mind = _Mind()
            for moment in self._moments(user):
                self._one_visit(user, mind, moment)

    def _n_brands(self) -> int:
        return int(self.world.brand.max(initial=-1)) + 1

    def _moments(self, user: int) -> list[int]:
        """When the shopper comes, in milliseconds: by day and night as people do."""
        joined = int(self.world.join_day[user])
        share = (self.days - joined) / self.days
        n = 1 + self.rng.poisson(self.world.activity[user] * share)
        day = self.rng.integers(joined, self.days, n)
        hour = np.clip(self.rng.normal(17, 3.5, n), 6, 23.5)
        moments = self.start_ms + ((day + hour / 24) * DAY_MS).astype(np.int64)
        return sorted(moments.tolist())

    def _one_visit(self, user: int, mind: _Mind, moment: int) -> None:
        self._visit += 1
        self._now = moment
        day = (moment - self.start_ms) // DAY_MS
        if mind.considered >= 0 and self.rng.random() < 0.3:
            self._look(user, mind, day, mind.considered)
        for _ in range(1 + int(self.rng.random() < 0.35)):
            self._errand(user, mind, day)

    def _errand(self, user: int, mind: _Mind, day: int) -> None:
        due = [entry for entry in mind.used_up if entry[0] <= day]
        if due and self.rng.random() < 0.75:
            mind.used_up.remove(due[0])
            self._restock(user, mind, day, due[0][1])
            return
        mind.wanted = [entry for entry in mind.wanted if entry[0] >= day]
        if mind.wanted and self.rng.random() < 0.7:
            self._browse(user, mind, day, mind.wanted.pop(0)[1])
            return
        weight = (
            self.world.taste[user] * self.world.season[:, (self._year_day + day) % DAYS_OF_YEAR]
        )
        total = np.cumsum(weight)
        self._browse(user, mind, day, int(np.searchsorted(total, self.rng.random() * total[-1])))

    def _restock(self, user: int, mind: _Mind, day: int, item: int) -> None:
        """Buys the same again, or looks for another on its shelf."""
        if self.rng.random() > 0.8 - 0.15 * (self.world.quality[item] < -0.5):
            self._browse(user, mind, day, int(self.world.shelf[item]))
            return
        if self.rng.random() < 0.6:
            self._act(user, item, "view")
        self._act(user, item, "add_to_cart")
        self._buy(user, mind, day, item)

    def _browse(self, user: int, mind: _Mind, day: int, shelf: int) -> None:
        items = self._on_shelf[shelf]
        items = items[self.world.launch_day[items] <= day]
        if self.rng.random() < 0.2:
            self._act(user, -1, "search", shelf=shelf)
        # the shop of old lists what is well known, and knows the shopper a little
        rank = self.world.appeal[items] + 0.5 * self.liking[user, items]
        rank = rank + self.rng.gumbel(size=len(items))
        shown = items[np.argsort(-rank)[:SHOWN]]
        list_ = -1
        if self.rng.random() < 0.4:  # only part of the pages log what they showed
            self._list += 1
            list_ = self._list
            for position, item in enumerate(shown.tolist(), start=1):
                self.acts.append(
                    Act(user, item, "impression", self._now, self._visit, position, list_)
                )
        chance = EXAMINED[: len(shown)] / (1.0 + np.exp(-(1.1 * self.liking[user, shown] - 0.1)))
        for position in np.flatnonzero(self.rng.random(len(shown)) < chance).tolist():
            self._look(user, mind, day, int(shown[position]), position + 1, list_)

    def _look(
        self, user: int, mind: _Mind, day: int, item: int, position: int = -1, list_: int = -1
    ) -> None:
        self._act(user, item, "view", position=position if list_ >= 0 else -1, list_=list_)
        mind.considered = item
        if item in mind.owned and not SHELVES[self.world.shelf[item]].repurchase_days:
            return
        liking = 1.2 * self.liking[user, item] - 2.0
        if self.rng.random() > 1.0 / (1.0 + math.exp(-liking)):
            if self.rng.random() < 0.04:
                self._act(user, item, "wishlist")
            return
        self._act(user, item, "add_to_cart")
        fate = self.rng.random()
        if fate < 0.62:
            self._buy(user, mind, day, item)
        elif fate < 0.72:
            self._act(user, item, "remove_from_cart")

    def _buy(self, user: int, mind: _Mind, day: int, item: int) -> None:
        self._act(user, item, "purchase")
        self.purchases.append(self.acts[-1])
        mind.owned.add(item)
        mind.considered = -1
        shelf = int(self.world.shelf[item])
        if SHELVES[shelf].repurchase_days:
            gap = SHELVES[shelf].repurchase_days * self.rng.lognormal(0, 0.25)
            mind.used_up.append((day + max(int(gap), 3), item))
        for other in self._goes_with[shelf].tolist():
            if self.rng.random() < self.world.complement[shelf, other]:
                mind.wanted.append((day + COMPLEMENT_DAYS, other))
        felt = 0.25 * self.world.quality[item]
        self.liking[user, self._brands[self.world.brand[item]]] += felt
        self.liking[user, item] += felt

    def _act(
        self,
        user: int,
        item: int,
        kind: str,
        *,
        position: int = -1,
        list_: int = -1,
        shelf: int = -1,
    ) -> None:
        self._now += int(1000 * (4 + self.rng.exponential(40)))
        self.acts.append(
            Act(user, item, kind, self._now, self._visit, position, list_, shelf=shelf)
        )
