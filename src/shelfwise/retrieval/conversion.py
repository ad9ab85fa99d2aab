"""How often a look, a click or a cart ends in a purchase, in this shop.

Read from a shop's past, it says which products a shopper may yet buy (`retrieval.revisit`), and how
much an event of each type tells about what is wanted (`learnt_weights`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, EVENT_TYPES
from shelfwise.core.dataset import Dataset
from shelfwise.retrieval.interactions import EventWeights

ENOUGH_PURCHASES: Final = 300
"""With fewer purchases nothing is learnt: a share of so few says little."""
SHRINK: Final = 50.0
"""Pairs of the whole shop that are mixed into each type's share."""
LOOKS: Final = ("view", "click", "add_to_cart", "wishlist")
"""Event types that come before a purchase."""
_PURCHASE: Final = EVENT_CODE["purchase"]


def conversion_rates(dataset: Dataset) -> NDArray[np.float64]:
    """[event types] the share of (shopper, product) pairs with such an event that was bought later.

    Pairs bought before the event do not count; shares are shrunk to that of all types together.
    NaN for types that are no look or that the shop does not have, and throughout where it has too
    few purchases.
    """
    events = dataset.events
    out = np.full(len(EVENT_TYPES), np.nan)
    if (events.type == _PURCHASE).sum() < ENOUGH_PURCHASES:
        return out
    shown, bought = _pairs(events.user, events.item, events.type, dataset)
    wanted = np.isin(EVENT_TYPES, LOOKS) & (shown > 0)
    overall = bought[wanted].sum() / max(shown[wanted].sum(), 1)
    out[wanted] = (bought[wanted] + SHRINK * overall) / (shown[wanted] + SHRINK)
    return out


def learnt_weights(dataset: Dataset) -> EventWeights | None:
    """Purchase 1, a look the root of its conversion rate; None: too few purchases, or no looks.

    Types of which nothing is known keep their usual share of a purchase.

    Models weigh a pair of products by the product of two such weights, one of what they learn from
    and one of the history: so the root makes of two views, for example, what one view is worth.
    """
    rates = conversion_rates(dataset)
    if np.isnan(rates).all():
        return None
    usual = EventWeights()
    told = {name: getattr(usual, name) / usual.purchase for name in (*LOOKS, "purchase", "rate")}
    for name in LOOKS:
        if np.isfinite(rates[EVENT_CODE[name]]):
            told[name] = float(np.sqrt(rates[EVENT_CODE[name]]))
    return EventWeights(**told)


def _pairs(
    user: NDArray[np.int32], item: NDArray[np.int32], kind: NDArray[np.int8], dataset: Dataset
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[event types] pairs with such an event before any purchase, and those bought afterwards."""
    about = np.flatnonzero(item >= 0)
    pair = user[about].astype(np.int64) * max(dataset.n_items, 1) + item[about]
    order = about[np.argsort(pair, kind="stable")]
    shown = np.zeros(len(EVENT_TYPES), np.int64)
    bought = np.zeros(len(EVENT_TYPES), np.int64)
    _count(user[order], item[order], kind[order], shown, bought)
    return shown, bought


@njit(cache=True, nogil=True)
def _count(
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    kind: NDArray[np.int8],
    shown: NDArray[np.int64],
    bought: NDArray[np.int64],
) -> None:
    """Of events sorted by pair and time."""
    before = np.zeros(len(shown), np.bool_)
    done = False
    for at in range(len(user)):
        if at == 0 or user[at] != user[at - 1] or item[at] != item[at - 1]:
            before[:] = False
            done = False
        if done:
            continue
        if kind[at] == _PURCHASE:
            done = True
            for one in range(len(before)):
                bought[one] += before[one]
        elif not before[kind[at]]:
            before[kind[at]] = True
            shown[kind[at]] += 1
