"""Rows for (request, candidate): user, item and pair features side by side.

One compiled loop serves a ranker's training set and a live question; a row depends on its request
and its item alone, never on the rest of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.errors import BadInputError
from shelfwise.core.requests import Histories, Requests
from shelfwise.features.shopper import (
    BOUGHT,
    BRAND,
    INNER,
    ITEM,
    KNOWN,
    LAST,
    LEAF,
    MOMENT,
    MOMENTS,
    PLACE,
    POPULARITY,
    PRICE,
    SLOTS,
    TIME,
    TOP,
    Profile,
    read_history,
    slot_of,
)
from shelfwise.features.tables import FeatureTables
from shelfwise.features.vectors import (
    ITEM_FEATURES,
    PAIR_FEATURES,
    RANKING_FEATURES,
    USER_FEATURES,
)

_DAY = 86_400_000.0


def feature_matrix(
    tables: FeatureTables,
    requests: Requests,
    request_row: NDArray[np.int32],
    item: NDArray[np.int32],
    names: Sequence[str] = RANKING_FEATURES,
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """`names`, and [n_rows, len(names)] of row `i`: request `request_row[i]`, candidate `item[i]`.

    `request_row` ascends. Columns are any of `ALL_FEATURES`, in the order of `names`; NaN where
    unknown. Raises `BadInputError` for a name that is not a feature.
    """
    listed = tuple(names)
    runs = _runs(listed)
    indptr = np.searchsorted(request_row, np.arange(len(requests) + 1)).astype(np.int64)
    out = np.empty((len(item), len(listed)), np.float32)
    history = requests.history
    _fill(
        history.indptr,
        history.item,
        history.type,
        history.time_ms,
        requests.now_ms,
        tables.timed,
        tables.columns,
        indptr,
        item,
        runs,
        Profile.of_length(int(history.lengths().max(initial=0))),
        np.empty(len(PAIR_FEATURES), np.float32),
        out,
    )
    return listed, out


def user_vectors(
    tables: FeatureTables, history: Histories, now_ms: NDArray[np.int64]
) -> NDArray[np.float32]:
    """[n_shoppers, len(USER_FEATURES)] what each history says, as of `now_ms`."""
    row = np.arange(len(history), dtype=np.int32)
    requests = Requests.of_histories(history, 1, now_ms=now_ms)
    return feature_matrix(tables, requests, row, np.zeros_like(row), USER_FEATURES)[1]


_POSITION = {
    name: (kind, position)
    for kind, names in enumerate((USER_FEATURES, ITEM_FEATURES, PAIR_FEATURES))
    for position, name in enumerate(names)
}


@lru_cache(maxsize=64)
def _runs(names: tuple[str, ...]) -> NDArray[np.int64]:
    """[n_runs, 4] stretches to copy: from user, item or pair, first there, first here, length."""
    runs: list[list[int]] = []
    for at, name in enumerate(names):
        if name not in _POSITION:
            raise BadInputError(
                f"There is no feature {name!r}.",
                remedy="Take names from shelfwise.features.vectors.ALL_FEATURES.",
            )
        kind, position = _POSITION[name]
        if runs and runs[-1][0] == kind and runs[-1][1] + runs[-1][3] == position:
            runs[-1][3] += 1
        else:
            runs.append([kind, position, at, 1])
    return np.asarray(runs, np.int64).reshape(-1, 4)


@njit(cache=True, nogil=True)
def _fill(
    history_indptr: Any,
    history_item: Any,
    history_type: Any,
    history_time: Any,
    now_ms: Any,
    timed: bool,
    items: Any,
    indptr: Any,
    item: Any,
    runs: Any,
    profile: Any,
    pair: Any,
    out: Any,
) -> None:
    for r in range(len(indptr) - 1):
        if indptr[r] == indptr[r + 1]:
            continue
        start, stop = history_indptr[r], history_indptr[r + 1]
        read_history(
            history_item[start:stop],
            history_type[start:stop],
            history_time[start:stop],
            now_ms[r],
            timed,
            items,
            profile,
        )
        for i in range(indptr[r], indptr[r + 1]):
            _fill_pair(profile, item[i], now_ms[r], timed, items, pair)
            _copy(profile.user, 0, runs, out[i])
            _copy(items.table[item[i]], 1, runs, out[i])
            _copy(pair, 2, runs, out[i])


@njit(**INNER)
def _copy(source: Any, kind: int, runs: Any, out: Any) -> None:
    for k in range(len(runs)):
        if runs[k, 0] == kind:
            first, at, length = runs[k, 1], runs[k, 2], runs[k, 3]
            for c in range(length):
                out[at + c] = source[first + c]


@njit(**INNER)
def _fill_pair(profile: Any, item: Any, now_ms: int, timed: bool, items: Any, pair: Any) -> None:
    at, table = items.at, items.table
    for k in range(len(pair)):
        pair[k] = np.nan
    _own_past(profile, item, now_ms, timed, table[item, at.repeat_gap], at, pair)
    last = int(profile.numbers[LAST])
    if last < 0:
        return
    pair[10] = table[item, at.log_price] - profile.numbers[PRICE]
    gap = table[item, at.log_price] - table[last, at.log_price]
    pair[11] = gap
    if math.isfinite(gap):
        pair[12] = 1.0 if gap < 0.0 else 0.0
    pair[13] = _share(profile, BRAND, items.brand[item])
    pair[14] = _share(profile, LEAF, items.leaf[item])
    pair[15] = _share(profile, TOP, items.top[item])
    pair[16] = _same(items.brand[item], items.brand[last])
    pair[17] = _same(items.leaf[item], items.leaf[last])
    pair[18] = _same(items.top[item], items.top[last])
    if items.leaf[item] >= 0:
        match = 0.0
        for d in range(at.hash_dims):
            match += profile.taste[d] * table[item, at.item_hash + d]
        pair[19] = match
    pair[20] = table[item, at.lift] - profile.numbers[POPULARITY]


@njit(**INNER)
def _own_past(
    profile: Any, item: Any, now_ms: int, timed: bool, usual_gap: Any, at: Any, pair: Any
) -> None:
    """What the shopper did with this very product."""
    for k in range(5):
        pair[k] = 0.0
    pair[8] = 0.0
    slot = slot_of(profile.keys, ITEM, int(profile.numbers[SLOTS]), item)
    if profile.keys[ITEM, slot] == -1:
        return
    facts = profile.facts
    for g in range(4):
        pair[g] = math.log1p(facts[slot, g])
    for g in range(1, 5):
        if facts[slot, g] > 0.0:
            pair[4] = max(pair[4], at.strengths[g])
    since = profile.numbers[KNOWN] - 1.0 - facts[slot, PLACE]
    pair[6] = math.log1p(profile.numbers[MOMENTS] - facts[slot, MOMENT])
    pair[7] = math.log1p(since)
    pair[8] = 2.0 ** (-since / 8.0)
    if timed:
        pair[5] = math.log1p((now_ms - facts[slot, TIME]) / _DAY)
        days = (now_ms - facts[slot, BOUGHT]) / _DAY
        pair[9] = math.log(max(days, 1.0 / 24.0)) - usual_gap


@njit(**INNER)
def _share(profile: Any, table: int, key: Any) -> float:
    """The share of `key`, 0 where it is not in the table, NaN where it is unknown."""
    if key < 0:
        return np.nan
    slot = slot_of(profile.keys, table, int(profile.numbers[SLOTS]), key)
    return float(profile.shares[table, slot])


@njit(**INNER)
def _same(one: Any, other: Any) -> float:
    if one < 0 or other < 0:
        return np.nan
    return 1.0 if one == other else 0.0
