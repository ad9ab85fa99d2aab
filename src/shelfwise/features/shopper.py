"""What one shopper's history says of the shopper: a user row, and a profile to compare items with.

Compiled, and one request at a time: a live question and a million training rows run the same loop.
Only events up to the request's moment count. It reads products through the item table's columns.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from shelfwise.features.vectors import (
    DAY_MS,
    GROUPS,
    HASH_DIMS,
    ITEM_FEATURES,
    STRENGTH,
    USER_FEATURES,
    WINDOW_DAYS,
    WINDOWS,
    group_of_type,
)

HALF_LIFE_EVENTS = 8.0
"""Interest halves with each this many events after."""
HALF_LIFE_DAYS = 30.0
"""And with each this many days, where times are real."""
VISIT_GAP_MS = 30 * 60 * 1000
"""A longer pause starts a new visit."""


class Layout(NamedTuple):
    """Where things are in the vectors: an argument, as compiled code caches its globals."""

    group_of_type: Any
    strengths: Any
    edges_ms: Any
    hash_dims: int
    after_counts: int
    """Where a user row's counts end."""
    user_hash: int
    item_hash: int
    lift: int
    idf: int
    log_price: int
    repeat_gap: int


LAYOUT = Layout(
    group_of_type=group_of_type(),
    strengths=np.array([0.0, *(STRENGTH[name] for name in GROUPS[1:])]),
    edges_ms=np.asarray(WINDOW_DAYS, np.int64) * DAY_MS,
    hash_dims=HASH_DIMS,
    after_counts=len(GROUPS) * len(WINDOWS),
    user_hash=len(USER_FEATURES) - HASH_DIMS,
    item_hash=len(ITEM_FEATURES) - HASH_DIMS,
    lift=ITEM_FEATURES.index("item.lift_any_all"),
    idf=ITEM_FEATURES.index("item.idf"),
    log_price=ITEM_FEATURES.index("item.log_price"),
    repeat_gap=ITEM_FEATURES.index("item.repeat_gap"),
)


class ItemColumns(NamedTuple):
    """What the loops read of products: codes, columns of the item table, and where these are."""

    table: Any
    """[n_items, len(ITEM_FEATURES)] float32."""
    brand: Any
    leaf: Any
    top: Any
    at: Layout


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


_BUY = 3
_PLACE, _MOMENT, _TIME, _BOUGHT, _WIDTH = 5, 6, 7, 8, 9
_DAY = 86_400_000.0
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
    where, group = _known(item, kind, time_ms, now_ms, items.at.group_of_type)
    at = items.at
    n = len(where)
    size = _slots(n)
    item_keys, brand_keys, leaf_keys, top_keys = _free(size), _free(size), _free(size), _free(size)
    brand_share, leaf_share, top_share = np.zeros(size), np.zeros(size), np.zeros(size)
    facts = np.zeros((size, _WIDTH))
    taste = np.zeros(at.hash_dims)
    for c in range(len(user)):
        user[c] = np.nan
    _user_counts(time_ms, where, group, now_ms, timed, at, user)
    rest = user[at.after_counts :]
    moments = _item_facts(item, time_ms, where, group, item_keys, facts)
    means = np.zeros(5)  # price, its square, their weight; popularity, its weight
    for j in range(n - 1, -1, -1):
        i = where[j]
        code = item[i]
        decay = 2.0 ** (-(n - 1 - j) / _HALF_EVENTS)
        if timed:
            decay *= 2.0 ** (-max(now_ms - time_ms[i], 0) / _DAY / _HALF_DAYS)
        weight = decay * at.strengths[group[j]]
        _add(brand_keys, brand_share, items.brand[code], weight)
        _add(leaf_keys, leaf_share, items.leaf[code], weight)
        _add(top_keys, top_share, items.top[code], weight)
        row = items.table[code]
        _add_means(row, weight, at, means)
        for d in range(at.hash_dims):
            taste[d] += weight * row[at.idf] * row[at.item_hash + d]
    price_mean = means[0] / means[2] if means[2] > 0.0 else np.nan
    popularity = means[3] / means[4] if means[4] > 0.0 else np.nan
    _to_length_one(taste)
    if n > 0:
        _user_times(time_ms, where, now_ms, timed, rest)
        distinct = 0
        for k in range(size):
            distinct += item_keys[k] >= 0
        rest[3] = math.log1p(distinct)
        rest[4] = (n - distinct) / n
        rest[5] = price_mean
        if means[2] > 0.0:
            rest[6] = math.sqrt(max(means[1] / means[2] - price_mean**2, 0.0))
        rest[7] = popularity
    rest[8] = _to_shares(brand_share)
    rest[9] = _to_shares(leaf_share)
    rest[10] = _to_shares(top_share)
    for d in range(at.hash_dims):
        user[at.user_hash + d] = taste[d]
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
def _known(item: Any, kind: Any, time_ms: Any, now_ms: int, group_of_type: Any) -> Any:
    """Places and groups of the events that count: of an interest type, and not after now."""
    where = np.empty(len(item), np.int64)
    group = np.empty(len(item), np.int64)
    n = 0
    for i in range(len(item)):
        own = group_of_type[kind[i]]
        if own > 0 and time_ms[i] <= now_ms:
            where[n] = i
            group[n] = own
            n += 1
    return where[:n], group[:n]


@njit(cache=True, nogil=True)
def _user_counts(
    time_ms: Any, where: Any, group: Any, now_ms: int, timed: bool, at: Any, user: Any
) -> None:
    n_edges = len(at.edges_ms)
    n_windows = n_edges + 1
    for c in range(at.after_counts):
        user[c] = 0.0
    for j in range(len(where)):
        age = now_ms - time_ms[where[j]]
        for w in range(n_windows):
            if w == n_edges or age <= at.edges_ms[w]:
                user[w] += 1.0
                user[group[j] * n_windows + w] += 1.0
    for c in range(at.after_counts):
        known = timed or c % n_windows == n_edges
        user[c] = math.log1p(user[c]) if known else np.nan


@njit(cache=True, nogil=True)
def _user_times(time_ms: Any, where: Any, now_ms: int, timed: bool, rest: Any) -> None:
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
    rest[0] = math.log1p((now_ms - time_ms[where[n - 1]]) / _DAY)
    if n_between:
        rest[1] = math.log1p(between / n_between)
    if n_within:
        rest[2] = math.log1p(within / n_within)


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
        if group[j] == _BUY:
            own[_BOUGHT] = time_ms[i]
    return moments


@njit(cache=True, nogil=True)
def _add(keys: Any, values: Any, key: Any, weight: float) -> None:
    if key >= 0:
        slot = slot_of(keys, key)
        keys[slot] = key
        values[slot] += weight


@njit(cache=True, nogil=True)
def _add_means(row: Any, weight: float, at: Any, means: Any) -> None:
    price = row[at.log_price]
    if math.isfinite(price):
        means[0] += weight * price
        means[1] += weight * price * price
        means[2] += weight
    if math.isfinite(row[at.lift]):
        means[3] += weight * row[at.lift]
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
