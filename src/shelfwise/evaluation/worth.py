"""What finding each relevant item was worth to the shop: units bought, and money paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.grouping import rows_of
from shelfwise.evaluation.splits import Split


@dataclass(frozen=True)
class Worth:
    """Per value of a split's `relevant`; 0 where the item was looked at but not bought."""

    units: NDArray[np.float64]
    """Units bought in the held-out part."""
    revenue: NDArray[np.float64]
    """Price times quantity of those purchases, in the shop's currency; 0 without a price."""
    priced_share: float
    """Share of the units with a known price; NaN where nothing was bought."""

    @classmethod
    def of(cls, split: Split, dataset: Dataset) -> Worth:
        """The worth of what `split`, made from `dataset`, holds out.

        The price is the event's own, else the product's of today.
        """
        events, wanted = dataset.events, split.relevant
        worth = np.zeros((3, len(wanted.values)))
        listed = dataset.products.column("price").to_numpy(zero_copy_only=False)
        _add_purchases(
            (events.user, events.item, events.type == EVENT_CODE["purchase"]),
            (events.quantity, events.price, np.asarray(listed, np.float64)),
            rows_of(split.users, dataset.n_users),
            split.requests.history.lengths(),
            wanted.indptr,
            wanted.values,
            worth,
        )
        units, revenue, priced = worth
        total = float(units.sum())
        return cls(units, revenue, float(priced.sum()) / total if total > 0 else float("nan"))


@njit(cache=True, nogil=True)
def _add_purchases(
    events: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]],
    amounts: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]],
    row: NDArray[np.int32],
    known: NDArray[np.int64],
    indptr: NDArray[np.int64],
    wanted: NDArray[np.int32],
    worth: NDArray[np.float64],
) -> None:
    """Adds units, revenue and priced units of every purchase after the history it belongs to."""
    user, item, bought = events
    quantity, paid, listed = amounts
    met = np.zeros(len(known), np.int64)
    for i in range(len(user)):
        r = row[user[i]]
        if r < 0 or item[i] < 0:
            continue
        met[r] += 1
        if met[r] <= known[r] or not bought[i]:
            continue
        for at in range(indptr[r], indptr[r + 1]):
            if wanted[at] == item[i]:
                price = paid[i] if paid[i] > 0 else listed[item[i]]
                worth[0, at] += quantity[i]
                if price > 0:
                    worth[1, at] += quantity[i] * price
                    worth[2, at] += quantity[i]
                break
