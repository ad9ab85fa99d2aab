"""What events are worth, and the data as the models read them: sequences or a sparse matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.columns import EVENT_CODE, EVENT_TYPES, INTEREST_TYPES
from shelfwise.core.dataset import Dataset, Events
from shelfwise.core.settings import Settings

DAY_MS: Final = 86_400_000

FitData = Dataset | sparse.csr_matrix | sparse.csr_array
"""What a model is fitted on: a shop's data, or a sparse user × item matrix."""


class EventWeights(Settings):
    """How much one event of each type counts; types not named here count nothing."""

    view: float = Field(default=1.0, ge=0)
    """Weight of a product page view."""
    click: float = Field(default=1.0, ge=0)
    """Weight of a click on a list."""
    add_to_cart: float = Field(default=2.0, ge=0)
    """Weight of putting a product in the cart."""
    wishlist: float = Field(default=2.0, ge=0)
    """Weight of saving a product for later."""
    purchase: float = Field(default=3.0, ge=0)
    """Weight of buying."""
    rate: float = Field(default=1.0, ge=0)
    """Weight of a rating or review above `low_rating`, or without stars."""
    low_rating: float = Field(default=2.0, ge=0)
    """Ratings of at most so many stars count nothing when fitting."""

    def by_type(self) -> NDArray[np.float32]:
        """[event types] the weight of each type, in code order."""
        return np.array(
            [getattr(self, name) if name in INTEREST_TYPES else 0.0 for name in EVENT_TYPES],
            np.float32,
        )

    def of(self, events: Events) -> NDArray[np.float32]:
        """[events] the weight of each; 0 for an event that shows no interest in a known item."""
        weight = self.by_type()[events.type]
        weight[(events.type == EVENT_CODE["rate"]) & (events.rating <= self.low_rating)] = 0.0
        weight[events.item < 0] = 0.0
        return weight


class Freshness(Settings):
    """How much old interactions count against new ones, where times are real.

    A shop asks about today: on real shops, cut in time, fading lifts what is found by some 10 %.
    Leave-one-out asks about years ago as well, and loses by it: hence the floor.
    """

    half_life_days: float | None = Field(default=60.0, gt=0)
    """Age against the newest event at which the part above the floor halves; none: no fading."""
    floor: float = Field(default=0.3, ge=0, le=1)
    """What the oldest interaction still counts, where the newest has 1."""


@dataclass(frozen=True)
class Sequences:
    """What each user did: interactions `indptr[u]` to `indptr[u + 1]`, oldest first.

    An interaction is consecutive events of one user on one item: a view, then the purchase.
    """

    indptr: NDArray[np.int64]
    item: NDArray[np.int32]
    step: NDArray[np.int32]
    """Counts a user's moments from 0. Interactions at the very same time share one: a basket."""
    time_ms: NDArray[np.int64]
    weight: NDArray[np.float32]
    """Of the interaction's weightiest event."""
    n_items: int

    def users(self) -> NDArray[np.int32]:
        """[interactions] the user of each."""
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))

    def by_item(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of each item's interactions, ascending, and their limits per item."""
        order = np.argsort(self.item, kind="stable").astype(np.int64, copy=False)
        indptr = np.zeros(self.n_items + 1, np.int64)
        np.cumsum(np.bincount(self.item, minlength=self.n_items), out=indptr[1:])
        return indptr, order

    def shoppers(self) -> NDArray[np.int32]:
        """[n_items] how many distinct users met each item."""
        return np.asarray(_distinct_users(self.indptr, self.item, self.n_items))


def as_dataset(data: FitData) -> Dataset:
    """The data as a `Dataset`; a matrix becomes one purchase per stored non-zero, row by row."""
    if isinstance(data, Dataset):
        return data
    matrix = sparse.csr_matrix(data, copy=True)
    matrix.eliminate_zeros()
    n_users, n_items = matrix.shape
    user = np.repeat(np.arange(n_users, dtype=np.int32), np.diff(matrix.indptr))
    return Dataset.of_pairs(user, matrix.indices.astype(np.int32), n_users, n_items)


def sequences(data: FitData, weights: EventWeights) -> Sequences:
    """Every user's interactions in time order; events that count nothing are left out."""
    dataset = as_dataset(data)
    events = dataset.events
    indptr, item, step, time_ms, weight = _collapse(
        events.user,
        events.item,
        events.time_ms,
        weights.of(events),
        dataset.n_users,
        dataset.timed,
    )
    return Sequences(indptr, item, step, time_ms, weight, dataset.n_items)


def faded(seen: Sequences, freshness: Freshness, *, timed: bool) -> Sequences:
    """The same interactions, weighing less the older they are."""
    if not timed or freshness.half_life_days is None or not len(seen.time_ms):
        return seen
    half_lives = (seen.time_ms.max() - seen.time_ms) / (freshness.half_life_days * DAY_MS)
    part = freshness.floor + (1 - freshness.floor) * 0.5**half_lives
    return replace(seen, weight=(seen.weight * part).astype(np.float32))


def interaction_matrix(data: FitData, weights: EventWeights) -> sparse.csr_matrix:
    """[n_users, n_items] float32: the weight of the user's weightiest event on the item."""
    seen = sequences(data, weights)
    users = seen.users()
    key = users.astype(np.int64) * seen.n_items + seen.item
    order = np.lexsort((-seen.weight, key))
    first = np.ones(len(order), np.bool_)
    first[1:] = np.diff(key[order]) > 0
    kept = order[first]
    indptr = np.zeros(len(seen.indptr), np.int64)
    np.cumsum(np.bincount(users[kept], minlength=len(indptr) - 1), out=indptr[1:])
    shape = (len(indptr) - 1, seen.n_items)
    return sparse.csr_matrix((seen.weight[kept], seen.item[kept], indptr), shape=shape)


def mean_weight(matrix: sparse.csr_matrix) -> float:
    """The mean of the stored entries, 1 where there are none.

    Divided by it, interactions weigh the same whatever event types a shop has.
    """
    return float(matrix.data.mean()) if len(matrix.data) else 1.0


@njit(cache=True, nogil=True)
def _distinct_users(
    indptr: NDArray[np.int64], item: NDArray[np.int32], n_items: int
) -> NDArray[np.int32]:
    last = np.full(n_items, -1, np.int64)
    count = np.zeros(n_items, np.int32)
    for user in range(len(indptr) - 1):
        for at in range(indptr[user], indptr[user + 1]):
            if last[item[at]] != user:
                last[item[at]] = user
                count[item[at]] += 1
    return count


@njit(cache=True, nogil=True)
def _by_user(
    user: NDArray[np.int32], weight: NDArray[np.float32], n_users: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of each user's events that count, in order, and their limits per user."""
    indptr = np.zeros(n_users + 1, np.int64)
    for at in range(len(user)):
        if weight[at] > 0:
            indptr[user[at] + 1] += 1
    for u in range(n_users):
        indptr[u + 1] += indptr[u]
    free = indptr[:-1].copy()
    order = np.empty(indptr[-1], np.int64)
    for at in range(len(user)):
        if weight[at] > 0:
            order[free[user[at]]] = at
            free[user[at]] += 1
    return indptr, order


@njit(cache=True, nogil=True)
def _collapse(
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    time_ms: NDArray[np.int64],
    weight: NDArray[np.float32],
    n_users: int,
    timed: bool,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int64],
    NDArray[np.float32],
]:
    limits, order = _by_user(user, weight, n_users)
    indptr = np.zeros(n_users + 1, np.int64)
    out_item = np.empty(len(order), np.int32)
    out_step = np.empty(len(order), np.int32)
    out_time = np.empty(len(order), np.int64)
    out_weight = np.empty(len(order), np.float32)
    n = 0
    for u in range(n_users):
        first = n
        for place in range(limits[u], limits[u + 1]):
            at = order[place]
            if n > first and out_item[n - 1] == item[at]:
                out_weight[n - 1] = max(out_weight[n - 1], weight[at])
                continue
            step = 0
            if n > first:
                together = timed and out_time[n - 1] == time_ms[at]
                step = out_step[n - 1] + (0 if together else 1)
            out_item[n] = item[at]
            out_step[n] = step
            out_time[n] = time_ms[at]
            out_weight[n] = weight[at]
            n += 1
        indptr[u + 1] = n
    return indptr, out_item[:n], out_step[:n], out_time[:n], out_weight[:n]
