"""Item-to-item weights, pruned, and how a history's neighbours add up to scores.

Shared by every model whose score is a sum over the history. Rows are sorted by code, so that adding
a row walks forward through memory and one pair is found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.model import NOT_SCORED, Contribution
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.context import Context
from shelfwise.retrieval.topk import push

_PIECE = 64
_NO_TABLE = 32_768
"""Items whose sums fit the nearest cache anyway."""
_SPREAD = 2_654_435_761
"""Knuth's multiplier for hashing; which place it gives alters no result."""


@dataclass(frozen=True)
class Neighbours:
    """Row `i` says what an interaction with item `i` adds to the score of other items."""

    indptr: NDArray[np.int64]
    item: NDArray[np.int32]
    weight: NDArray[np.float32]

    @property
    def n_items(self) -> int:
        """Length of a row of scores."""
        return len(self.indptr) - 1

    def scores(self, context: Context) -> NDArray[np.float32]:
        """[requests, n_items] the weighted sum of the context's rows; -inf where none reaches."""
        out = np.full((len(context), self.n_items), NOT_SCORED, np.float32)
        over_rows(
            lambda start, stop: _add_rows(
                context.indptr,
                context.item,
                context.weight,
                self.indptr,
                self.item,
                self.weight,
                out,
                start,
                stop,
            ),
            len(out),
            _PIECE,
        )
        return out

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The rows as flat arrays."""
        return {"indptr": self.indptr, "item": self.item, "weight": self.weight}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Neighbours:
        """The rows that `arrays()` was taken from."""
        return cls(arrays["indptr"], arrays["item"], arrays["weight"])

    def explain(
        self,
        context: Context,
        items: NDArray[np.int32],
        facts: Callable[[int, int], dict[str, float]],
        most: int | None = None,
    ) -> list[list[Contribution]]:
        """For a context of one request: what each of its items added to the score of `items`.

        The `most` largest (all, if None), largest first. `facts(history item, place)` gives the
        evidence of the pair stored at `place`.
        """
        history, place = np.unique(context.item, return_inverse=True)
        weight = np.bincount(place, context.weight, minlength=len(history)).astype(np.float32)
        where = _find(self.indptr, self.item, history, items)
        stored = where >= 0
        amount = np.where(stored, weight * self.weight[np.where(stored, where, 0)], -np.inf)
        return [
            [
                Contribution(
                    int(history[h]),
                    float(amount[row, h]),
                    facts(int(history[h]), int(where[row, h])),
                )
                for h in largest(amount[row], most)
            ]
            for row in range(len(items))
        ]


def largest(amount: NDArray[np.floating], most: int | None) -> list[int]:
    """Places of the `most` largest finite amounts (all, if None), largest first."""
    if most == 1:
        at = int(amount.argmax()) if len(amount) else 0
        return [at] if len(amount) and amount[at] > -np.inf else []
    order = np.argsort(-amount, kind="stable")[:most].tolist()
    return [at for at, value in zip(order, amount[order].tolist(), strict=True) if value > -np.inf]


@njit(cache=True, nogil=True)
def _add_rows(
    context_indptr: NDArray[np.int64],
    context_item: NDArray[np.int32],
    context_weight: NDArray[np.float32],
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    weight: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    for row in range(start, stop):
        scores = out[row]
        for at in range(context_indptr[row], context_indptr[row + 1]):
            factor = context_weight[at]
            source = context_item[at]
            for place in range(indptr[source], indptr[source + 1]):
                code = item[place]
                before = scores[code]
                added = factor * weight[place]
                scores[code] = added if before == NOT_SCORED else before + added


@njit(cache=True, nogil=True)
def _find(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    history: NDArray[np.int32],
    items: NDArray[np.int32],
) -> NDArray[np.int64]:
    """[items, history] where the pair is stored; -1 where it is not."""
    out = np.full((len(items), len(history)), -1, np.int64)
    for h in range(len(history)):
        start, stop = indptr[history[h]], indptr[history[h] + 1]
        for row in range(len(items)):
            at = start + np.searchsorted(item[start:stop], items[row])
            if at < stop and item[at] == items[row]:
                out[row, h] = at
    return out


@njit(cache=True, nogil=True)
def prune(
    codes: NDArray[np.int32],
    values: NDArray[np.float32],
    n_codes: int,
    heap_value: NDArray[np.float32],
    kept: NDArray[np.int32],
) -> int:
    """Leaves in `kept` those of `codes` with the greatest `values` > 0, ascending; how many.

    At most `len(kept)`; `heap_value` is scratch of the same length.
    """
    size = 0
    for at in range(n_codes):
        code, value = codes[at], values[at]
        full = size == len(kept)
        if value <= 0 or (
            full and (value < heap_value[0] or (value == heap_value[0] and code > kept[0]))
        ):
            continue
        size = push(heap_value, kept, size, len(kept), value, code)
    kept[:size].sort()
    return size


@njit(cache=True, nogil=True)
def table_mask(n_items: int, most: int) -> int:
    """The mask of a hash table for at most `most` of the items; -1: take a place for every item.

    Sums about a few of very many items stay in the nearest cache by this: what a row costs does
    not grow with the catalogue.
    """
    if n_items <= _NO_TABLE:
        return -1
    size = 1024
    while size < 2 * most:
        size *= 2
    return size - 1 if 4 * size <= n_items else -1


@njit(cache=True, nogil=True, inline="always")
def slot_of(keys: NDArray[np.int32], mask: int, code: int) -> int:
    """The place of `code` in the table, or the free one (`keys` -1) where it belongs."""
    if mask < 0:
        return code
    at = (code * _SPREAD >> 12) & mask
    while keys[at] != code and keys[at] != -1:
        at = (at + 1) & mask
    return at


def packed(n_kept: NDArray[np.int64], *columns: NDArray[Any]) -> list[NDArray[Any]]:
    """The first `n_kept[row]` of each row of the [rows, most] columns, end to end; limits first."""
    indptr = np.zeros(len(n_kept) + 1, np.int64)
    np.cumsum(n_kept, out=indptr[1:])
    width = columns[0].shape[1]
    used = np.arange(width) < n_kept[:, None]
    return [indptr, *(column[used] for column in columns)]


def joined(parts: Sequence[Sequence[NDArray[Any]]]) -> list[NDArray[Any]]:
    """Parts that are `packed`, of consecutive rows, as one."""
    lengths = [np.diff(part[0]) for part in parts]
    indptr = np.concatenate([[0], *lengths]).cumsum(dtype=np.int64)
    rest = range(1, len(parts[0]))
    return [indptr, *(np.concatenate([part[at] for part in parts]) for at in rest)]
