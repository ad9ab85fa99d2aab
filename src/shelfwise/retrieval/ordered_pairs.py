"""Which item follows which, and for how many shoppers: the statistics behind `transition`.

One pass over each item's occurrences, a row at a time, so that memory is that of the pruned result
and one row per thread, however many pairs there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.model import Contribution
from shelfwise.core.threads import over_rows, wide_piece
from shelfwise.retrieval.context import Context
from shelfwise.retrieval.interactions import DAY_MS, Sequences
from shelfwise.retrieval.neighbours import (
    Neighbours,
    joined,
    packed,
    prune,
    slot_of,
    table_mask,
)

_PIECE = 256
_AFTER, _TOGETHER, _BEFORE = 0, 1, 2


@dataclass(frozen=True)
class PairRule:
    """What a pair of one shopper's interactions counts, and how the sums become weights."""

    window: int
    """Interactions looked ahead and back."""
    decay: float
    """Factor per further interaction between the two, within a basket too: there the order means
    nothing, but what was put in together does."""
    backward: float
    """Weight of a pair in reverse order, against 1 in order."""
    basket: float
    """Weight of a pair at the very same time."""
    gap_half_life_days: float | None
    """Time between the two at which the weight halves; only where times are real."""
    source_norm: float
    """The sum is divided by the shoppers of the first item to this power."""
    target_norm: float
    """And by the shoppers of the second item to this power."""
    shrink: float
    """Added to both numbers of shoppers."""
    neighbours: int
    """Pairs kept per item."""


@dataclass(frozen=True)
class OrderedPairs:
    """The kept pairs, their weights, and how many distinct shoppers are behind each."""

    neighbours: Neighbours
    after: NDArray[np.int32]
    """Per pair: shoppers who met the second after the first."""
    together: NDArray[np.int32]
    """Per pair: shoppers who met both at the very same time."""
    before: NDArray[np.int32]
    """Per pair: shoppers who met the second before the first."""
    shoppers: NDArray[np.int32]
    """[n_items] shoppers who met the item."""

    @classmethod
    def count(cls, seen: Sequences, rule: PairRule, *, timed: bool) -> OrderedPairs:
        """The pairs of all sequences."""
        shoppers = seen.shoppers()
        limits, places = seen.by_item()
        user = seen.users()
        by_far = (rule.decay ** np.arange(rule.window)).astype(np.float32)
        ahead = np.array([rule.basket, 1.0], np.float32)
        back = np.array([rule.basket, rule.backward], np.float32)
        half_life = rule.gap_half_life_days
        per_ms = np.log(2) / (half_life * DAY_MS) if timed and half_life else 0.0
        base = shoppers + np.float64(rule.shrink)
        source = (np.maximum(base, 1e-9) ** -rule.source_norm).astype(np.float32)
        target = (np.maximum(base, 1e-9) ** -rule.target_norm).astype(np.float32)

        def work(start: int, stop: int) -> None:
            kept, width = np.zeros(stop - start, np.int64), rule.neighbours
            codes = np.zeros((stop - start, width), np.int32)
            weights = np.zeros((stop - start, width), np.float32)
            counts = np.zeros((3, stop - start, width), np.int32)
            _count_rows(
                seen.indptr,
                seen.item,
                seen.step,
                seen.time_ms,
                seen.weight,
                user,
                limits,
                places,
                ahead,
                back,
                by_far,
                per_ms,
                source,
                target,
                kept,
                codes,
                weights,
                counts,
                start,
                stop,
            )
            parts[start] = packed(kept, codes, weights, *counts)

        parts: dict[int, list[NDArray[Any]]] = {}
        over_rows(work, seen.n_items, wide_piece(seen.n_items, _PIECE))
        indptr, item, weight, after, together, before = joined([parts[at] for at in sorted(parts)])
        return cls(Neighbours(indptr, item, weight), after, together, before, shoppers)

    def explain(
        self, context: Context, items: NDArray[np.int32], most: int | None
    ) -> list[list[Contribution]]:
        """What each history item added to the score of `items`, with `facts`."""
        return self.neighbours.explain(context, items, self.facts, most)

    def facts(self, history_item: int, place: int) -> dict[str, float]:
        """`of` shoppers who met the history item: how many met the other one, and when.

        `both` met it afterwards, `together` at the same time, `before` earlier; left out where 0.
        """
        counted = {
            "both": float(self.after[place]),
            "together": float(self.together[place]),
            "before": float(self.before[place]),
        }
        told = {name: count for name, count in counted.items() if count > 0}
        return told | {"of": float(self.shoppers[history_item])}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The pairs as flat arrays."""
        return {
            **self.neighbours.arrays(),
            "after": self.after,
            "together": self.together,
            "before": self.before,
            "shoppers": self.shoppers,
        }

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> OrderedPairs:
        """The pairs that `arrays()` was taken from."""
        return cls(
            Neighbours.of_arrays(arrays),
            arrays["after"],
            arrays["together"],
            arrays["before"],
            arrays["shoppers"],
        )


@njit(cache=True, nogil=True)
def _count_rows(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    step: NDArray[np.int32],
    time_ms: NDArray[np.int64],
    weight: NDArray[np.float32],
    user: NDArray[np.int32],
    limits: NDArray[np.int64],
    places: NDArray[np.int64],
    ahead: NDArray[np.float32],
    back: NDArray[np.float32],
    by_far: NDArray[np.float32],
    per_ms: float,
    source: NDArray[np.float32],
    target: NDArray[np.float32],
    kept: NDArray[np.int64],
    codes: NDArray[np.int32],
    weights: NDArray[np.float32],
    counts: NDArray[np.int32],
    start: int,
    stop: int,
) -> None:
    """Fills the four results, whose first row is that of item `start`."""
    n_items = len(limits) - 1
    keys = np.full(n_items, -1, np.int32)
    total = np.zeros(n_items, np.float32)
    # shoppers met and the last of them, by kind: side by side, for they are looked up together
    met = np.zeros((n_items, 6), np.int32)
    touched = np.empty(n_items, np.int32)
    found, value_of = np.empty(n_items, np.int32), np.empty(n_items, np.float32)
    heap = np.empty(codes.shape[1], np.float32)
    for row in range(start, stop):
        n_touched, most = 0, 0
        for at in places[limits[row] : limits[row + 1]]:
            who = user[at]
            most += min(2 * len(by_far), indptr[who + 1] - indptr[who])
        mask = table_mask(n_items, most)
        for at in places[limits[row] : limits[row + 1]]:
            who = user[at]
            first, end = indptr[who], indptr[who + 1]
            others = (item, step, time_ms, weight)
            sums = (keys, total, met, touched)
            after = min(at + len(by_far) + 1, end)
            n_touched = _look(
                others, sums, mask, n_touched, at, 1, after, ahead, by_far, per_ms, who
            )
            until = max(at - len(by_far) - 1, first - 1)
            n_touched = _look(
                others, sums, mask, n_touched, at, -1, until, back, by_far, per_ms, who
            )
        for t in range(n_touched):
            found[t] = keys[touched[t]]
            total[touched[t]] *= source[row] * target[found[t]]
            value_of[t] = total[touched[t]]
        at_row = row - start
        kept[at_row] = prune(found, value_of, n_touched, heap, codes[at_row])
        for k in range(kept[at_row]):
            slot = slot_of(keys, mask, codes[at_row, k])
            weights[at_row, k] = total[slot]
            for kind in range(3):
                counts[kind, at_row, k] = met[slot, kind]
        for t in range(n_touched):
            keys[touched[t]] = -1
            total[touched[t]] = 0


@njit(cache=True, nogil=True)
def _look(
    others: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]],
    sums: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]],
    mask: int,
    n_touched: int,
    at: int,
    way: int,
    end: int,
    factor: NDArray[np.float32],
    by_far: NDArray[np.float32],
    per_ms: float,
    user: int,
) -> int:
    """Adds the pairs of one occurrence, one way (1 ahead, -1 back); returns how many items met.

    `factor` is what a pair counts at the very same time, and apart; `by_far` by distance.
    `user` is whose occurrence it is: an item is counted once per shopper and kind.
    """
    item, step, time_ms, weight = others
    keys, total, met, touched = sums
    for other in range(at + way, end, way):
        apart = int(step[other] != step[at])
        code = item[other]
        gap = np.exp(-per_ms * way * (time_ms[other] - time_ms[at])) if per_ms > 0 else 1.0
        far = way * (other - at) - 1
        added = np.float32(factor[apart] * by_far[far] * weight[other] * gap)
        if code == item[at] or added == 0:
            continue
        slot = slot_of(keys, mask, code)
        if keys[slot] == -1:
            keys[slot] = code
            touched[n_touched] = slot
            n_touched += 1
            met[slot, :3] = 0
            met[slot, 3:] = -1
        total[slot] += added
        kind = _TOGETHER if apart == 0 else (_AFTER if way > 0 else _BEFORE)
        if met[slot, 3 + kind] != user:
            met[slot, 3 + kind] = user
            met[slot, kind] += 1
    return n_touched
