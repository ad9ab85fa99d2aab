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
from shelfwise.features.shopper import profile_of, slot_of
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
        np.empty(len(USER_FEATURES), np.float32),
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
    user: Any,
    pair: Any,
    out: Any,
) -> None:
    for r in range(len(indptr) - 1):
        if indptr[r] == indptr[r + 1]:
            continue
        start, stop = history_indptr[r], history_indptr[r + 1]
        profile = profile_of(
            history_item[start:stop],
            history_type[start:stop],
            history_time[start:stop],
            now_ms[r],
            timed,
            items,
            user,
        )
        for i in range(indptr[r], indptr[r + 1]):
            _fill_pair(profile, item[i], now_ms[r], timed, items, pair)
            _copy(user, 0, runs, out[i])
            _copy(items.table[item[i]], 1, runs, out[i])
            _copy(pair, 2, runs, out[i])


@njit(cache=True, nogil=True)
def _copy(source: Any, kind: int, runs: Any, out: Any) -> None:
    for k in range(len(runs)):
        if runs[k, 0] == kind:
            first, at, length = runs[k, 1], runs[k, 2], runs[k, 3]
            for c in range(length):
                out[at + c] = source[first + c]


@njit(cache=True, nogil=True, inline="always")
def _fill_pair(profile: Any, item: Any, now_ms: int, timed: bool, items: Any, pair: Any) -> None:
    for k in range(len(pair)):
        pair[k] = np.nan
    row = items.table[item]
    _own_past(profile, item, now_ms, timed, items.at, row, pair)
    if profile.n == 0:
        return
    last = profile.last
    pair[10] = row[items.at.log_price] - profile.price_mean
    gap = row[items.at.log_price] - items.table[last, items.at.log_price]
    pair[11] = gap
    if math.isfinite(gap):
        pair[12] = 1.0 if gap < 0.0 else 0.0
    pair[13] = _share(profile.brand_keys, profile.brand_share, items.brand[item])
    pair[14] = _share(profile.leaf_keys, profile.leaf_share, items.leaf[item])
    pair[15] = _share(profile.top_keys, profile.top_share, items.top[item])
    pair[16] = _same(items.brand[item], items.brand[last])
    pair[17] = _same(items.leaf[item], items.leaf[last])
    pair[18] = _same(items.top[item], items.top[last])
    if items.leaf[item] >= 0:
        match = 0.0
        for d in range(items.at.hash_dims):
            match += profile.taste[d] * row[items.at.item_hash + d]
        pair[19] = match
    pair[20] = row[items.at.lift] - profile.popularity_mean


@njit(cache=True, nogil=True, inline="always")
def _own_past(
    profile: Any, item: Any, now_ms: int, timed: bool, at: Any, row: Any, pair: Any
) -> None:
    """What the shopper did with this very product."""
    for k in range(5):
        pair[k] = 0.0
    pair[8] = 0.0
    slot = slot_of(profile.item_keys, item)
    if profile.item_keys[slot] == -1:
        return
    facts = profile.item_facts[slot]
    for g in range(4):
        pair[g] = math.log1p(facts[g])
    for g in range(1, 5):
        if facts[g] > 0.0:
            pair[4] = max(pair[4], at.strengths[g])
    pair[6] = math.log1p(profile.moments - facts[6])
    pair[7] = math.log1p(profile.n - 1 - facts[5])
    pair[8] = 2.0 ** (-(profile.n - 1 - facts[5]) / 8.0)
    if timed:
        pair[5] = math.log1p((now_ms - facts[7]) / _DAY)
        pair[9] = math.log(max((now_ms - facts[8]) / _DAY, 1.0 / 24.0)) - row[at.repeat_gap]


@njit(cache=True, nogil=True)
def _share(keys: Any, values: Any, key: Any) -> float:
    """The share of `key`, 0 where it is not in the table, NaN where it is unknown."""
    if key < 0:
        return np.nan
    return float(values[slot_of(keys, key)])


@njit(cache=True, nogil=True)
def _same(one: Any, other: Any) -> float:
    if one < 0 or other < 0:
        return np.nan
    return 1.0 if one == other else 0.0
