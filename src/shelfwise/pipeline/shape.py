"""The size and shape of a shop's data: what decides which models are worth their time there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, INTEREST_TYPES
from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.known import interest_mask

ENOUGH_PURCHASES: Final = 300
"""From so many purchases on, a repeat is one of purchases, else one of any interest."""
NEAR: Final = 25
"""Interactions that the ordered models look ahead and back."""


@dataclass(frozen=True)
class Shape:
    """Counts of a shop, of events that show interest in a product."""

    events: int
    shoppers: int
    """With at least one event."""
    products: int
    """In the catalogue, met or not."""
    met: int
    """With at least one event."""
    shared: int
    """With two shoppers or more."""
    pairs: int
    """Distinct (shopper, product)."""
    square: int
    """Sum over shoppers of the square of their distinct products."""
    near: int
    """Sum over shoppers of their events times those within `NEAR` on either side."""
    crowd: float
    """Shoppers of the product of a pair drawn at random."""
    longest: int
    """Distinct products of the shopper with the most."""
    repeats: int
    """Pairs that came together at two times or more, by purchases where there are enough."""
    text_bytes: int
    """Of titles, descriptions, brands, categories and attributes."""
    described: int
    """Products with any of these."""
    event_types: int
    """Different types of events."""

    @property
    def mean_history(self) -> float:
        """Distinct products of the average shopper."""
        return self.pairs / max(self.shoppers, 1)

    @property
    def new_share(self) -> float:
        """Share of the catalogue that nobody met."""
        return 1 - self.met / max(self.products, 1)

    @classmethod
    def of(cls, data: Dataset) -> Shape:
        """The shape of `data`."""
        events = data.events.take(interest_mask(data.events))
        pair = _distinct(_pairs(events.user, events.item))
        of_user = np.bincount(pair >> 32, minlength=1)
        of_item = np.bincount(pair & 0xFFFFFFFF, minlength=1)
        steps = np.bincount(events.user, minlength=1).astype(np.int64)
        text_bytes, described = _written(data.products)
        return cls(
            events=len(events),
            shoppers=int((of_user > 0).sum()),
            products=data.n_items,
            met=int((of_item > 0).sum()),
            shared=int((of_item > 1).sum()),
            pairs=len(pair),
            square=int((of_user**2).sum()),
            near=int((steps * np.minimum(np.maximum(steps - 1, 0), 2 * NEAR)).sum()),
            crowd=float((of_item**2).sum() / max(len(pair), 1)),
            longest=int(of_user.max(initial=0)),
            repeats=_repeats(data),
            text_bytes=text_bytes,
            described=described,
            event_types=len(np.unique(events.type)),
        )


def _pairs(user: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.int64]:
    key: NDArray[np.int64] = user.astype(np.int64) << 32 | item
    return key


def _distinct(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """The different keys, ascending. Sorting takes a third of what `np.unique` takes, by hashes."""
    ordered = np.sort(key)
    first = np.diff(ordered, prepend=-1) != 0
    return np.asarray(ordered[first])


def _repeats(data: Dataset) -> int:
    """Pairs with events at two different times, or steps where times are only an order."""
    bought = data.events.type == EVENT_CODE["purchase"]
    wanted = ("purchase",) if bought.sum() >= ENOUGH_PURCHASES else INTEREST_TYPES
    events = data.events.take(interest_mask(data.events, wanted))
    key = _pairs(events.user, events.item)
    order = np.argsort(key, kind="stable")  # events are in order of time already
    again = np.diff(key[order]) == 0
    again &= np.diff(events.time_ms[order]) > 0
    return len(_distinct(key[order][1:][again]))


def _written(products: pa.Table) -> tuple[int, int]:
    """Bytes of text, and how many products have any."""
    total = 0
    any_text = np.zeros(len(products), np.bool_)
    for name in ("title", "description", "brand", "category"):
        length = pc.fill_null(pc.binary_length(products.column(name)), 0)
        total += pc.sum(length).as_py() or 0
        any_text |= length.to_numpy() > 0
    lists = products.column("attributes")
    total += pc.sum(pc.binary_length(pc.list_flatten(lists))).as_py() or 0
    any_text |= pc.fill_null(pc.list_value_length(lists), 0).to_numpy() > 0
    return int(total), int(any_text.sum())
