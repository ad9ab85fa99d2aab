"""The best items of each row, exactly, with ties broken by the lower code.

Codes are drawn at random (see `core.vocabulary`), so this is a fair draw that repeats. A bounded
heap reads each score once and beats a partial sort of the whole row, which copies it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.model import NOT_SCORED
from shelfwise.core.threads import over_rows
from shelfwise.core.vocabulary import UNKNOWN

_PIECE = 64


def top_k(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` best items of each row of `scores`, best first, and their scores ([n_rows, k] both).

    Items not scored (-inf or NaN) are left out; a row with fewer ends in -1 and -inf.

    >>> items, values = top_k(np.array([[0.5, 2.0, 0.5, -np.inf]], np.float32), 4)
    >>> items.tolist(), values.tolist()
    ([[1, 0, 2, -1]], [[2.0, 0.5, 0.5, -inf]])
    """
    items = np.full((len(scores), k), UNKNOWN, np.int32)
    values = np.full((len(scores), k), NOT_SCORED, np.float32)
    if k > 0:
        over_rows(
            lambda start, stop: _top_rows(scores, items, values, start, stop), len(scores), _PIECE
        )
    return items, values


@njit(cache=True, nogil=True)
def _top_rows(
    scores: NDArray[np.float32],
    items: NDArray[np.int32],
    values: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    k = items.shape[1]
    for row in range(start, stop):
        size = 0
        floor = NOT_SCORED
        for code in range(scores.shape[1]):
            value = scores[row, code]
            if not value > floor:
                continue
            size = push(values[row], items[row], size, k, value, code)
            if size == k:
                floor = values[row, 0]
        sort_heap(values[row], items[row], size)


@njit(cache=True, nogil=True, inline="always")
def _worse(value: float, code: int, other_value: float, other_code: int) -> bool:
    return value < other_value or (value == other_value and code > other_code)


@njit(cache=True, nogil=True)
def push(
    values: NDArray[np.float32],
    codes: NDArray[np.int32],
    size: int,
    k: int,
    value: float,
    code: int,
) -> int:
    """Puts one item in a heap of the best `k` whose worst is first; returns the heap's new size.

    When the heap is full the item takes the place of the worst: call it only if it is better.
    """
    if size < k:
        at = size
        while at > 0:
            parent = (at - 1) // 2
            if not _worse(value, code, values[parent], codes[parent]):
                break
            values[at] = values[parent]
            codes[at] = codes[parent]
            at = parent
        values[at] = value
        codes[at] = code
        return size + 1
    _sink(values, codes, size, value, code)
    return size


@njit(cache=True, nogil=True)
def _sink(
    values: NDArray[np.float32], codes: NDArray[np.int32], size: int, value: float, code: int
) -> None:
    """Replaces the first of the heap by the item and lets it sink to its place."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and _worse(
            values[child + 1], codes[child + 1], values[child], codes[child]
        ):
            child += 1
        if not _worse(values[child], codes[child], value, code):
            break
        values[at] = values[child]
        codes[at] = codes[child]
        at = child
    values[at] = value
    codes[at] = code


@njit(cache=True, nogil=True)
def sort_heap(values: NDArray[np.float32], codes: NDArray[np.int32], size: int) -> None:
    """Turns the heap into a list, best first."""
    for last in range(size - 1, 0, -1):
        value, code = values[last], codes[last]
        values[last] = values[0]
        codes[last] = codes[0]
        _sink(values, codes, last, value, code)
