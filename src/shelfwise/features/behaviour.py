"""What all shoppers together did with each product, as of a moment.

A pure function of events before `now_ms`: the same call gives a ranker's training rows and the
table that is served. Where times are only an order, windows, trend, age and gaps are not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.dataset import Events
from shelfwise.features.vectors import DAY_MS, GROUPS, WINDOW_DAYS, WINDOWS, group_of_type

CONVERSION_PRIOR = 20.0
"""Views that a product's conversion rate must outweigh to leave the shop's."""
REPEAT_PRIOR = 10.0
"""Buyers (or gaps) that a product's repeat rate (or gap) must outweigh to leave the shop's."""


@dataclass(frozen=True)
class ItemBehaviour:
    """Per item code; NaN where unknown."""

    counts: NDArray[np.float32]
    """[n_items, len(GROUPS), len(WINDOWS)] events."""
    shoppers: NDArray[np.float32]
    """Distinct shoppers who showed interest."""
    age_days: NDArray[np.float32]
    """Since the product's first event."""
    buyers: NDArray[np.float32]
    """Distinct shoppers who bought it (or showed interest, in a shop without purchases)."""
    repeaters: NDArray[np.float32]
    """Those who did so at two different times or more."""
    repeat_rate: NDArray[np.float32]
    """Repeaters per buyer, shrunk to the shop's."""
    repeat_gap_days: NDArray[np.float32]
    """Between one shopper's purchases of it: geometric mean, shrunk to the shop's."""
    n_shoppers: int
    """Distinct shoppers of the whole shop."""

    def __len__(self) -> int:
        return len(self.shoppers)

    def count(self, group: str, window: str) -> NDArray[np.float32]:
        """[n_items] events of one group within one window."""
        return self.counts[:, GROUPS.index(group), WINDOWS.index(window)]

    def lift(self) -> NDArray[np.float32]:
        """[n_items, groups, windows] log of each count over that of the average product."""
        mean = self.counts.mean(axis=0, keepdims=True) if len(self) else 0.0
        out: NDArray[np.float32] = np.log((self.counts + 1.0) / (mean + 1.0))
        return out.astype(np.float32)

    def popularity_place(self) -> NDArray[np.float32]:
        """[n_items] share of products with fewer events, plus half of those with as many."""
        counts = self.count("any", "all")
        ranked = np.sort(counts)
        left, right = (np.searchsorted(ranked, counts, side=side) for side in ("left", "right"))
        out: NDArray[np.float64] = (left + right) / (2.0 * max(len(counts), 1))
        return out.astype(np.float32)

    def idf(self) -> NDArray[np.float32]:
        """[n_items] log of all shoppers over those of the product."""
        out: NDArray[np.float32] = np.log((1.0 + self.n_shoppers) / (1.0 + self.shoppers))
        return out.astype(np.float32)

    def conversion(self) -> NDArray[np.float32]:
        """[n_items] log-odds of a purchase per view, shrunk, less the shop's; NaN without views."""
        views, buys = self.count("view", "all"), self.count("buy", "all")
        if not views.any() or not buys.any():
            return np.full(len(self), np.nan, np.float32)
        usual = float(buys.sum()) / float(views.sum() + buys.sum())
        rate = (buys + CONVERSION_PRIOR * usual) / (views + buys + CONVERSION_PRIOR)
        out: NDArray[np.float32] = np.log(rate / (1 - rate)) - np.log(usual / (1 - usual))
        return out.astype(np.float32)

    @classmethod
    def of(
        cls, events: Events, n_items: int, *, now_ms: int | None = None, timed: bool = True
    ) -> ItemBehaviour:
        """The behaviour in the events before `now_ms` (None: in all of them, as of the last).

        >>> events = Events.of(np.array([0, 1, 0], np.int32), np.array([0, 0, 1], np.int32))
        >>> b = ItemBehaviour.of(events, 3)
        >>> b.count("buy", "all").tolist(), b.shoppers.tolist()
        ([2.0, 1.0, 0.0], [2.0, 1.0, 0.0])
        """
        group = group_of_type()[events.type]
        known = group > 0
        if now_ms is not None:
            known &= events.time_ms < now_ms
        used, group = events.take(known), group[known]
        moment = now_ms if now_ms is not None else int(used.time_ms.max(initial=0)) + 1
        counts = np.zeros((n_items, len(GROUPS), len(WINDOWS)), np.float32)
        first = np.full(n_items, np.iinfo(np.int64).max)
        edges = np.asarray(WINDOW_DAYS, np.int64) * DAY_MS
        _count(used.item, group, used.time_ms, moment, edges, counts, first)
        age = np.where(counts[:, 0, -1] > 0, (moment - first) / DAY_MS, np.nan)
        if not timed:
            counts[:, :, :-1] = np.nan
            age[:] = np.nan
        bought = group == GROUPS.index("buy")
        basis = used.take(bought) if bought.any() else used
        buyers, repeaters, log_gap, gaps = _repeats(basis, n_items)
        return cls(
            counts=counts,
            shoppers=_distinct_shoppers(used, n_items),
            age_days=age.astype(np.float32),
            buyers=buyers,
            repeaters=repeaters,
            repeat_rate=_shrunk(repeaters, buyers),
            repeat_gap_days=np.exp(_shrunk(log_gap, gaps if timed else 0 * gaps)),
            n_shoppers=len(np.unique(used.user)),
        )


def _shrunk(total: NDArray[np.float32], count: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean per count, pulled to the overall mean where counts are few; NaN without any count."""
    if not count.any():
        return np.full(len(count), np.nan, np.float32)
    usual = float(total.sum(dtype=np.float64)) / float(count.sum(dtype=np.float64))
    return ((total + REPEAT_PRIOR * usual) / (count + REPEAT_PRIOR)).astype(np.float32)


def _distinct_shoppers(events: Events, n_items: int) -> NDArray[np.float32]:
    key = np.sort(events.item.astype(np.int64) << 32 | events.user)
    first = np.ones(len(key), np.bool_)
    first[1:] = key[1:] != key[:-1]
    return np.bincount(key[first] >> 32, minlength=n_items).astype(np.float32)


def _repeats(
    events: Events, n_items: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Per item: buyers, those who came back, the sum of log gaps in days, and how many gaps."""
    key = events.item.astype(np.int64) << 32 | events.user
    order = np.argsort(key, kind="stable")  # events are in time order already
    out = np.zeros((4, n_items), np.float32)
    _count_repeats(key[order], events.time_ms[order], out)
    return out[0], out[1], out[2], out[3]


@njit(cache=True, nogil=True)
def _count(
    item: Any, group: Any, time_ms: Any, now_ms: int, edges: Any, counts: Any, first: Any
) -> None:
    last = len(edges)
    for i in range(len(item)):
        own = counts[item[i]]
        age = now_ms - time_ms[i]
        first[item[i]] = min(first[item[i]], time_ms[i])
        own[0, last] += 1.0
        own[group[i], last] += 1.0
        for w in range(last):
            if age <= edges[w]:
                own[0, w] += 1.0
                own[group[i], w] += 1.0


@njit(cache=True, nogil=True)
def _count_repeats(key: Any, time_ms: Any, out: Any) -> None:
    again = False
    for i in range(len(key)):
        item = key[i] >> 32
        if i == 0 or key[i] != key[i - 1]:
            out[0, item] += 1.0
            again = False
        elif time_ms[i] > time_ms[i - 1]:
            days = max((time_ms[i] - time_ms[i - 1]) / 86_400_000.0, 1.0 / 24.0)
            out[2, item] += np.log(days)
            out[3, item] += 1.0
            if not again:
                out[1, item] += 1.0
            again = True
