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
    """Room for one shopper's history at a time, keyed for looking up an item, brand or category.

    Made once for a batch. A table is open-addressing: `keys[k, slot]` is -1 where it is free, and
    only its first `numbers[SLOTS]` slots are in use.
    """

    user: Any
    """A row of `USER_FEATURES`."""
    keys: Any
    """[4, slots] int64: of items, brands, leaf categories and top categories."""
    shares: Any
    """[4, slots] float64 of the shopper's interest, beside the keys; unused for items."""
    facts: Any
    """[slots, 9] float64 beside the items' keys: events by group (0 is any), then place, moment and
    time of the last, then time of the last purchase (NaN: never)."""
    where: Any
    """Places in the history of the events that count."""
    group: Any
    """Group of each of them."""
    taste: Any
    """[HASH_DIMS] of length 1, or 0 when unknown."""
    numbers: Any
    """float64: see the names below."""
    sums: Any
    """float64: log price, its square, their weight; popularity, its weight."""

    @classmethod
    def of_length(cls, longest: int) -> Profile:
        """Room for histories of at most `longest` events."""
        size = 16
        while size < 2 * longest:
            size *= 2
        return cls(
            user=np.empty(len(USER_FEATURES), np.float32),
            keys=np.empty((4, size), np.int64),
            shares=np.empty((4, size)),
            facts=np.empty((size, 9)),
            where=np.empty(longest, np.int64),
            group=np.empty(longest, np.int64),
            taste=np.empty(HASH_DIMS),
            numbers=np.empty(6),
            sums=np.empty(5),
        )


ITEM, BRAND, LEAF, TOP = 0, 1, 2, 3
"""Rows of `Profile.keys`."""
KNOWN, LAST, SLOTS, MOMENTS, PRICE, POPULARITY = 0, 1, 2, 3, 4, 5
"""`Profile.numbers`: events that count, item of the last, slots in use, distinct times, mean log
price and mean popularity (NaN: unknown)."""
INNER = {"cache": True, "nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Of functions that only compiled code calls: without wrappers they compile in half the time."""
_BUY = 3
PLACE, MOMENT, TIME, BOUGHT = 5, 6, 7, 8
"""Columns of `Profile.facts`, after the counts."""
_DAY = 86_400_000.0
_VISIT = float(VISIT_GAP_MS)
_HALF_EVENTS, _HALF_DAYS = HALF_LIFE_EVENTS, HALF_LIFE_DAYS


@njit(**INNER)
def slot_of(keys: Any, table: int, slots: int, key: Any) -> int:
    """Where `key` is in one table, or the free slot where it would go."""
    mask = slots - 1
    slot = (key * 0x9E3779B1 >> 7) & mask
    while keys[table, slot] != -1 and keys[table, slot] != key:
        slot = (slot + 1) & mask
    return int(slot)


@njit(**INNER)
def read_history(
    item: Any, kind: Any, time_ms: Any, now_ms: int, timed: bool, items: Any, profile: Any
) -> None:
    """Fills `profile` from one history, oldest first."""
    at, user = items.at, profile.user
    n = _known(item, kind, time_ms, now_ms, at.group_of_type, profile)
    slots = _clear(n, profile)
    _user_counts(time_ms, n, now_ms, timed, at, profile)
    _item_facts(item, time_ms, n, slots, at.after_counts, profile)
    for j in range(n):
        i = profile.where[j]
        weight = at.strengths[profile.group[j]] * 2.0 ** (-(n - 1 - j) / _HALF_EVENTS)
        if timed:
            weight *= 2.0 ** (-max(now_ms - time_ms[i], 0) / _DAY / _HALF_DAYS)
        code = item[i]
        _add(profile, BRAND, slots, items.brand[code], weight)
        _add(profile, LEAF, slots, items.leaf[code], weight)
        _add(profile, TOP, slots, items.top[code], weight)
        _add_means(
            items.table[code, at.log_price], items.table[code, at.lift], weight, profile.sums
        )
        weight *= items.table[code, at.idf]
        for d in range(at.hash_dims):
            profile.taste[d] += weight * items.table[code, at.item_hash + d]
    rest = at.after_counts
    _means(rest, profile)
    for table in range(BRAND, TOP + 1):
        user[rest + 7 + table] = _to_shares(profile.shares, table, slots)
    _to_length_one(profile.taste)
    for d in range(at.hash_dims):
        user[at.user_hash + d] = profile.taste[d]
    if n > 0:
        profile.numbers[LAST] = item[profile.where[n - 1]]
        _user_times(time_ms, n, now_ms, timed, rest, profile)


@njit(**INNER)
def _known(
    item: Any, kind: Any, time_ms: Any, now_ms: int, group_of_type: Any, profile: Any
) -> int:
    """How many events count: of an interest type, and not after now. Fills `where` and `group`."""
    n = 0
    for i in range(len(item)):
        own = group_of_type[kind[i]]
        if own > 0 and time_ms[i] <= now_ms:
            profile.where[n] = i
            profile.group[n] = own
            n += 1
    return n


@njit(**INNER)
def _clear(n: int, profile: Any) -> int:
    """Empties what the last history left, as far as this one needs it; gives the slots to use."""
    slots = 16
    while slots < 2 * n:
        slots *= 2
    for table in range(4):
        for slot in range(slots):
            profile.keys[table, slot] = -1
            profile.shares[table, slot] = 0.0
    for slot in range(slots):
        for column in range(BOUGHT):
            profile.facts[slot, column] = 0.0
        profile.facts[slot, BOUGHT] = np.nan
    for column in range(len(profile.user)):
        profile.user[column] = np.nan
    for d in range(len(profile.taste)):
        profile.taste[d] = 0.0
    for k in range(len(profile.sums)):
        profile.sums[k] = 0.0
    profile.numbers[KNOWN] = n
    profile.numbers[LAST] = -1.0
    profile.numbers[SLOTS] = slots
    profile.numbers[PRICE] = np.nan
    profile.numbers[POPULARITY] = np.nan
    return slots


@njit(**INNER)
def _user_counts(time_ms: Any, n: int, now_ms: int, timed: bool, at: Any, profile: Any) -> None:
    user = profile.user
    n_edges = len(at.edges_ms)
    n_windows = n_edges + 1
    for c in range(at.after_counts):
        user[c] = 0.0
    for j in range(n):
        age = now_ms - time_ms[profile.where[j]]
        for w in range(n_windows):
            if w == n_edges or age <= at.edges_ms[w]:
                user[w] += 1.0
                user[profile.group[j] * n_windows + w] += 1.0
    for c in range(at.after_counts):
        known = timed or c % n_windows == n_edges
        user[c] = math.log1p(user[c]) if known else np.nan


@njit(**INNER)
def _user_times(time_ms: Any, n: int, now_ms: int, timed: bool, rest: int, profile: Any) -> None:
    user, where = profile.user, profile.where
    if not timed:
        return
    between, within, n_between, n_within = 0.0, 0.0, 0, 0
    for j in range(1, n):
        gap = float(time_ms[where[j]] - time_ms[where[j - 1]])
        if gap > _VISIT:
            between += gap / _DAY
            n_between += 1
        elif gap > 0.0:
            within += gap / 1000.0
            n_within += 1
    user[rest] = math.log1p((now_ms - time_ms[where[n - 1]]) / _DAY)
    if n_between:
        user[rest + 1] = math.log1p(between / n_between)
    if n_within:
        user[rest + 2] = math.log1p(within / n_within)


@njit(**INNER)
def _item_facts(item: Any, time_ms: Any, n: int, slots: int, rest: int, profile: Any) -> None:
    """Fills the facts by item, how many moments there were, and what is met again."""
    facts = profile.facts
    moments, distinct = 0.0, 0
    for j in range(n):
        i = profile.where[j]
        if j == 0 or time_ms[i] != time_ms[profile.where[j - 1]]:
            moments += 1.0
        slot = slot_of(profile.keys, ITEM, slots, item[i])
        distinct += profile.keys[ITEM, slot] == -1
        profile.keys[ITEM, slot] = item[i]
        facts[slot, 0] += 1.0
        facts[slot, profile.group[j]] += 1.0
        facts[slot, PLACE] = j
        facts[slot, MOMENT] = moments
        facts[slot, TIME] = time_ms[i]
        if profile.group[j] == _BUY:
            facts[slot, BOUGHT] = time_ms[i]
    profile.numbers[MOMENTS] = moments
    if n > 0:
        profile.user[rest + 3] = math.log1p(distinct)
        profile.user[rest + 4] = (n - distinct) / n


@njit(**INNER)
def _add(profile: Any, table: int, slots: int, key: Any, weight: float) -> None:
    if key >= 0:
        slot = slot_of(profile.keys, table, slots, key)
        profile.keys[table, slot] = key
        profile.shares[table, slot] += weight


@njit(**INNER)
def _add_means(log_price: Any, lift: Any, weight: float, sums: Any) -> None:
    if math.isfinite(log_price):
        sums[0] += weight * log_price
        sums[1] += weight * log_price * log_price
        sums[2] += weight
    if math.isfinite(lift):
        sums[3] += weight * lift
        sums[4] += weight


@njit(**INNER)
def _means(rest: int, profile: Any) -> None:
    user, sums = profile.user, profile.sums
    if sums[2] > 0.0:
        mean = sums[0] / sums[2]
        profile.numbers[PRICE] = mean
        user[rest + 5] = mean
        user[rest + 6] = math.sqrt(max(sums[1] / sums[2] - mean * mean, 0.0))
    if sums[4] > 0.0:
        profile.numbers[POPULARITY] = sums[3] / sums[4]
        user[rest + 7] = sums[3] / sums[4]


@njit(**INNER)
def _to_shares(shares: Any, table: int, slots: int) -> float:
    """Divides one table by its sum; gives the sum of squared shares, NaN where all are 0."""
    total = 0.0
    for slot in range(slots):
        total += shares[table, slot]
    if total <= 0.0:
        return np.nan
    focus = 0.0
    for slot in range(slots):
        shares[table, slot] /= total
        focus += shares[table, slot] ** 2
    return focus


@njit(**INNER)
def _to_length_one(vector: Any) -> None:
    length = 0.0
    for d in range(len(vector)):
        length += vector[d] * vector[d]
    if length > 0.0:
        for d in range(len(vector)):
            vector[d] /= math.sqrt(length)
