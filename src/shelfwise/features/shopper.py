"""What one shopper's history says of the shopper: a user row, and a profile to compare items with.

Compiled, and one request at a time: a live question and a million training rows run the same loop.
Only events up to the request's moment count. It reads products through the item table's columns.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.features.vectors import (
    DAY_MS,
    GROUPS,
    HASH_DIMS,
    ITEM_FEATURES,
    STRENGTH,
    USER_FEATURES,
    WINDOW_DAYS,
    group_of_type,
)

HALF_LIFE_EVENTS = 8.0
"""Interest halves with each this many events after."""
HALF_LIFE_DAYS = 30.0
"""And with each this many days, where times are real."""
VISIT_GAP_MS = 30 * 60 * 1000
"""A longer pause starts a new visit."""


class ItemColumns(NamedTuple):
    """What the loops read of products: codes, and columns of the item table."""

    table: Any
    """[n_items, len(ITEM_FEATURES)] float32."""
    brand: Any
    leaf: Any
    top: Any


class Profile(NamedTuple):
    """A shopper's history, keyed for looking up one item, brand or category."""

    n: int
    """Events that count."""
    last: int
    """Item of the last of them, -1 without any."""
    item_keys: Any
    item_facts: Any
    """[slots, 9] float64: events by group (0 is any), then place, moment and time of the last, then
    time of the last purchase (NaN: never)."""
    brand_keys: Any
    brand_share: Any
    leaf_keys: Any
    leaf_share: Any
    top_keys: Any
    top_share: Any
    moments: float
    """Distinct times so far."""
    price_mean: float
    popularity_mean: float
    taste: Any
    """[HASH_DIMS] of length 1, or 0 when unknown."""


_GROUP_OF_TYPE = group_of_type()
_STRENGTHS = np.array([0.0, *(STRENGTH[name] for name in GROUPS[1:])])
_EDGES: NDArray[np.int64] = np.asarray(WINDOW_DAYS, np.int64) * DAY_MS
_N_GROUPS = len(GROUPS)
_N_WINDOWS = len(WINDOW_DAYS) + 1
_AFTER_COUNTS = _N_GROUPS * _N_WINDOWS
_USER_HASH = len(USER_FEATURES) - HASH_DIMS
_ITEM_HASH = len(ITEM_FEATURES) - HASH_DIMS
_LIFT = ITEM_FEATURES.index("item.lift_any_all")
_IDF = ITEM_FEATURES.index("item.idf")
_LOG_PRICE = ITEM_FEATURES.index("item.log_price")
_HASH_DIMS = HASH_DIMS
_PLACE, _MOMENT, _TIME, _BOUGHT, _WIDTH = 5, 6, 7, 8, 9
_DAY = float(DAY_MS)
_VISIT = float(VISIT_GAP_MS)
_HALF_EVENTS, _HALF_DAYS = HALF_LIFE_EVENTS, HALF_LIFE_DAYS


@njit(cache=True, nogil=True)
def slot_of(keys: Any, key: Any) -> int:
    """Where `key` is in an open-addressing table, or the free slot where it would go."""
    mask = len(keys) - 1
    slot = (key * 0x9E3779B1 >> 7) & mask
    while keys[slot] != -1 and keys[slot] != key:
        slot = (slot + 1) & mask
    return int(slot)


@njit(cache=True, nogil=True)
def _slots(n: int) -> int:
    size = 16
    while size < 2 * n:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def _free(size: int) -> Any:
    keys = np.empty(size, np.int64)
    for slot in range(size):
        keys[slot] = -1
    return keys


@njit(cache=True, nogil=True)
def profile_of(
    item: Any, kind: Any, time_ms: Any, now_ms: int, timed: bool, items: Any, user: Any
) -> Any:
    """The profile of one history (oldest first); fills `user`, a row of `USER_FEATURES`."""
    where, group = _known(item, kind, time_ms, now_ms)
    n = len(where)
    size = _slots(n)
    item_keys, brand_keys, leaf_keys, top_keys = _free(size), _free(size), _free(size), _free(size)
    brand_share, leaf_share, top_share = np.zeros(size), np.zeros(size), np.zeros(size)
    facts = np.zeros((size, _WIDTH))
    taste = np.zeros(_HASH_DIMS)
    for c in range(len(user)):
        user[c] = np.nan
    _user_counts(time_ms, where, group, now_ms, timed, user)
    moments = _item_facts(item, time_ms, where, group, item_keys, facts)
    means = np.zeros(5)  # price, its square, their weight; popularity, its weight
    for j in range(n - 1, -1, -1):
        i = where[j]
        code = item[i]
        decay = 2.0 ** (-(n - 1 - j) / _HALF_EVENTS)
        if timed:
            decay *= 2.0 ** (-max(now_ms - time_ms[i], 0) / _DAY / _HALF_DAYS)
        weight = decay * _STRENGTHS[group[j]]
        _add(brand_keys, brand_share, items.brand[code], weight)
        _add(leaf_keys, leaf_share, items.leaf[code], weight)
        _add(top_keys, top_share, items.top[code], weight)
        row = items.table[code]
        _add_means(row, weight, means)
        for d in range(_HASH_DIMS):
            taste[d] += weight * row[_IDF] * row[_ITEM_HASH + d]
    price_mean = means[0] / means[2] if means[2] > 0.0 else np.nan
    popularity = means[3] / means[4] if means[4] > 0.0 else np.nan
    _to_length_one(taste)
    if n > 0:
        at = _AFTER_COUNTS
        _user_times(time_ms, where, now_ms, timed, user)
        distinct = 0
        for k in range(size):
            distinct += item_keys[k] >= 0
        user[at + 3] = math.log1p(distinct)
        user[at + 4] = (n - distinct) / n
        user[at + 5] = price_mean
        if means[2] > 0.0:
            user[at + 6] = math.sqrt(max(means[1] / means[2] - price_mean**2, 0.0))
        user[at + 7] = popularity
    user[_AFTER_COUNTS + 8] = _to_shares(brand_share)
    user[_AFTER_COUNTS + 9] = _to_shares(leaf_share)
    user[_AFTER_COUNTS + 10] = _to_shares(top_share)
    for d in range(_HASH_DIMS):
        user[_USER_HASH + d] = taste[d]
    last = item[where[n - 1]] if n > 0 else -1
    return Profile(
        n,
        last,
        item_keys,
        facts,
        brand_keys,
        brand_share,
        leaf_keys,
        leaf_share,
        top_keys,
        top_share,
        moments,
        price_mean,
        popularity,
        taste,
    )


@njit(cache=True, nogil=True)
def _known(item: Any, kind: Any, time_ms: Any, now_ms: int) -> Any:
    """Places and groups of the events that count: of an interest type, and not after now."""
    where = np.empty(len(item), np.int64)
    group = np.empty(len(item), np.int64)
    n = 0
    for i in range(len(item)):
        own = _GROUP_OF_TYPE[kind[i]]
        if own > 0 and time_ms[i] <= now_ms:
            where[n] = i
            group[n] = own
            n += 1
    return where[:n], group[:n]


@njit(cache=True, nogil=True)
def _user_counts(time_ms: Any, where: Any, group: Any, now_ms: int, timed: bool, user: Any) -> None:
    for c in range(_AFTER_COUNTS):
        user[c] = 0.0
    for j in range(len(where)):
        age = now_ms - time_ms[where[j]]
        for w in range(_N_WINDOWS):
            if w == _N_WINDOWS - 1 or age <= _EDGES[w]:
                user[w] += 1.0
                user[group[j] * _N_WINDOWS + w] += 1.0
    for c in range(_AFTER_COUNTS):
        known = timed or c % _N_WINDOWS == _N_WINDOWS - 1
        user[c] = math.log1p(user[c]) if known else np.nan


@njit(cache=True, nogil=True)
def _user_times(time_ms: Any, where: Any, now_ms: int, timed: bool, user: Any) -> None:
    if not timed:
        return
    n = len(where)
    between, within, n_between, n_within = 0.0, 0.0, 0, 0
    for j in range(1, n):
        gap = float(time_ms[where[j]] - time_ms[where[j - 1]])
        if gap > _VISIT:
            between += gap / _DAY
            n_between += 1
        elif gap > 0.0:
            within += gap / 1000.0
            n_within += 1
    user[_AFTER_COUNTS] = math.log1p((now_ms - time_ms[where[n - 1]]) / _DAY)
    if n_between:
        user[_AFTER_COUNTS + 1] = math.log1p(between / n_between)
    if n_within:
        user[_AFTER_COUNTS + 2] = math.log1p(within / n_within)


@njit(cache=True, nogil=True)
def _item_facts(item: Any, time_ms: Any, where: Any, group: Any, keys: Any, facts: Any) -> float:
    """Fills the facts by item; gives how many moments (distinct times) there were."""
    moments = 0.0
    for j in range(len(where)):
        i = where[j]
        if j == 0 or time_ms[i] != time_ms[where[j - 1]]:
            moments += 1.0
        slot = slot_of(keys, item[i])
        own = facts[slot]
        if keys[slot] == -1:
            keys[slot] = item[i]
            own[_BOUGHT] = np.nan
        own[0] += 1.0
        own[group[j]] += 1.0
        own[_PLACE] = j
        own[_MOMENT] = moments
        own[_TIME] = time_ms[i]
        if group[j] == 3:
            own[_BOUGHT] = time_ms[i]
    return moments


@njit(cache=True, nogil=True)
def _add(keys: Any, values: Any, key: Any, weight: float) -> None:
    if key >= 0:
        slot = slot_of(keys, key)
        keys[slot] = key
        values[slot] += weight


@njit(cache=True, nogil=True)
def _add_means(row: Any, weight: float, means: Any) -> None:
    price = row[_LOG_PRICE]
    if math.isfinite(price):
        means[0] += weight * price
        means[1] += weight * price * price
        means[2] += weight
    if math.isfinite(row[_LIFT]):
        means[3] += weight * row[_LIFT]
        means[4] += weight


@njit(cache=True, nogil=True)
def _to_shares(values: Any) -> float:
    """Divides the values by their sum; gives the sum of squared shares, NaN where all are 0."""
    total = 0.0
    for i in range(len(values)):
        total += values[i]
    if total <= 0.0:
        return np.nan
    focus = 0.0
    for i in range(len(values)):
        values[i] /= total
        focus += values[i] * values[i]
    return focus


@njit(cache=True, nogil=True)
def _to_length_one(vector: Any) -> None:
    length = 0.0
    for d in range(len(vector)):
        length += vector[d] * vector[d]
    if length > 0.0:
        for d in range(len(vector)):
            vector[d] /= math.sqrt(length)
