"""Which products a shopper who already has them should see again, learnt from what shoppers do.

For each category: of what shoppers with a past bought, how much had they already bought on an
earlier occasion? Where that is common, people buy again. And how much had they looked at, or put in
the cart, on an earlier occasion, without having bought it? Where that is common, people come back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.core.model import ModelState
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories
from shelfwise.core.settings import Settings

Seen = Literal["auto", "exclude", "allow"]
"""What to do with products that a shopper knows already."""
HAD_TYPES = (EVENT_CODE["purchase"], EVENT_CODE["rate"])
"""Event types after which a shopper has the product."""


class SeenConfig(Settings):
    """When a product that a shopper knows already may be recommended again."""

    again_share: float = 0.1
    """Share of later interactions that must be repeats for a category to count as bought again."""
    shrink: float = 20.0
    """Interactions of the whole shop that are mixed into each category's share."""
    enough_purchases: int = 300
    """With fewer purchases, coming back to a product is any interest in it, not a purchase."""
    occasion_hours: float = 12.0
    """Events of a shopper closer than this belong to one occasion, and are no repeat."""


@dataclass(frozen=True)
class SeenPolicy:
    """Per item: may it be shown again after a purchase (or rating), or after a mere look."""

    after_having: NDArray[np.bool_]
    after_looking: NDArray[np.bool_]
    share_having: float
    """Of the whole shop: share of later purchases that repeat an earlier one."""
    share_looking: float
    """Of later purchases, those of what was looked at before and not bought; of later interactions,
    those with what was met before, in a shop of fewer purchases than `enough_purchases`."""

    @classmethod
    def fit(cls, data: Dataset, category: NDArray[np.int32], config: SeenConfig) -> SeenPolicy:
        """Learnt from the events; `category` [n_items] is any grouping, -1: none known."""
        had = np.isin(data.events.type, HAD_TYPES)
        having, share_having = _again(data, had, had, category, config)
        among = back = np.ones(len(had), np.bool_)
        bought = data.events.type == EVENT_CODE["purchase"]
        if bought.sum() >= config.enough_purchases:
            among, back = _until_had(data, had), bought
        looking, share_looking = _again(data, among, back, category, config)
        if not had.any():
            having = looking
        return cls(having, looking | having, share_having, share_looking)

    def hidden(self, history: Histories, seen: Seen = "auto") -> Ragged:
        """Per request the items it must not show again.

        `auto`: as learnt; `exclude`: all that the history holds; `allow`: none.
        """
        if seen == "allow":
            return Ragged(np.zeros(len(history) + 1, np.int64), np.empty(0, np.int32))
        item = history.item
        n_items = len(self.after_having)
        known = item < n_items
        at = np.where(known, item, 0)
        had = np.isin(history.type, HAD_TYPES)
        again = np.where(had, self.after_having[at], self.after_looking[at]) & known
        hide = np.ones(len(item), np.bool_) if seen == "exclude" else ~again
        running = np.zeros(len(item) + 1, np.int64)
        np.cumsum(hide, out=running[1:])
        return Ragged(running[history.indptr], item[hide])

    def with_item(self) -> SeenPolicy:
        """The policy with one more item, of which nothing is known: seen, it is hidden."""
        return replace(
            self,
            after_having=np.append(self.after_having, False),
            after_looking=np.append(self.after_looking, False),
        )

    def state(self) -> ModelState:
        """The policy as plain data."""
        return ModelState(
            {"share_having": self.share_having, "share_looking": self.share_looking},
            {"after_having": self.after_having, "after_looking": self.after_looking},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> SeenPolicy:
        """The policy that `state` was taken from."""
        return cls(
            state.arrays["after_having"],
            state.arrays["after_looking"],
            state.settings["share_having"],
            state.settings["share_looking"],
        )


def _again(
    data: Dataset,
    among: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    category: NDArray[np.int32],
    config: SeenConfig,
) -> tuple[NDArray[np.bool_], float]:
    """Per item whether its category is one of repeats, and the share over the whole shop.

    Repeats are looked for in events `among`, of which those that are `counted` are chances.
    """
    where = np.flatnonzero(among)
    user, item = data.events.user[where], data.events.item[where]
    occasion = _occasions(data, where, config)
    later = counted[where] & (occasion > _first(user, occasion)[user])
    code = _pairs(data, where)
    repeat = occasion > _first(code, occasion)[code]
    group = category[item] + 1
    n_groups = int(category.max(initial=-1)) + 2
    chances = np.bincount(group[later], minlength=n_groups).astype(np.float64)
    repeats = np.bincount(group[later & repeat], minlength=n_groups).astype(np.float64)
    overall = float(repeats.sum() / chances.sum()) if chances.sum() else 0.0
    share = (repeats + config.shrink * overall) / (chances + config.shrink)
    return (share >= config.again_share)[category + 1], overall


def _until_had(data: Dataset, had: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the event's shopper did not have its product before."""
    place = np.arange(len(had))
    code = _pairs(data, place)
    first = np.full(int(code.max(initial=-1)) + 1, len(had))
    np.minimum.at(first, code[had], place[had])
    return np.asarray(place <= first[code])


def _pairs(data: Dataset, where: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each shopper and product that meet in the events `where`."""
    key = data.events.user[where].astype(np.int64) * data.n_items + data.events.item[where]
    return np.asarray(np.unique(key, return_inverse=True)[1], np.int64)


def _occasions(data: Dataset, where: NDArray[np.int64], config: SeenConfig) -> NDArray[np.int64]:
    """A number for each event that grows with each new occasion of its shopper.

    Without times every step is an occasion of its own, unless it stays on the same item.
    """
    user, time = data.events.user[where], data.events.time_ms[where]
    order = np.argsort(user, kind="stable")
    same = user[order][1:] == user[order][:-1]
    if data.timed:
        new = np.diff(time[order]) > config.occasion_hours * 3_600_000
    else:
        new = np.diff(data.events.item[where][order]) != 0
    steps = np.zeros(len(where), np.int64)
    steps[1:] = np.cumsum(new | ~same)
    out = np.empty(len(where), np.int64)
    out[order] = steps
    return out


def _first(row: NDArray[np.integer], value: NDArray[np.int64]) -> NDArray[np.int64]:
    """Per row code, the smallest value."""
    out = np.full(int(row.max(initial=-1)) + 1, np.iinfo(np.int64).max, np.int64)
    np.minimum.at(out, row, value)
    return out
