"""What of a shopper's history counts, and how much: the newest most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.requests import Histories
from shelfwise.retrieval.interactions import DAY_MS

MAX_INTERACTIONS = 500
"""Older interactions than so many are not looked at: bots and resellers cost no more than this."""


@dataclass(frozen=True)
class Context:
    """Weighted items per request, newest first; an item met twice is there twice."""

    indptr: NDArray[np.int64]
    item: NDArray[np.int32]
    weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.indptr) - 1


@dataclass(frozen=True)
class ContextRule:
    """How a history becomes weights; made once when a model is fitted or loaded."""

    type_weight: NDArray[np.float32]
    """[event types] what an event of each type counts; 0: it is passed over."""
    decay: float
    """Factor per step back. Events at the very same time share a step where times are real."""
    half_life_days: float | None
    """Age against the newest event at which weight halves; only where times are real."""
    timed: bool
    n_items: int
    """Codes from here on are products younger than the model: passed over."""

    def of(self, history: Histories) -> Context:
        """The weighted items of each history. Consecutive events on one item count once."""
        per_ms = np.log(2) / (self.half_life_days * DAY_MS) if self.half_life_days else 0.0
        return Context(
            *_weigh(
                history.indptr,
                history.item,
                history.type,
                history.time_ms,
                self.type_weight,
                self.n_items,
                self.decay,
                per_ms if self.timed else 0.0,
                self.timed,
            )
        )


@njit(cache=True, nogil=True)
def _weigh(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    kind: NDArray[np.int8],
    time_ms: NDArray[np.int64],
    type_weight: NDArray[np.float32],
    n_items: int,
    decay: float,
    per_ms: float,
    timed: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    negligible = 1e-6
    out_indptr = np.zeros(len(indptr), np.int64)
    out_item = np.empty(len(item), np.int32)
    out_weight = np.empty(len(item), np.float32)
    n = 0
    for row in range(len(indptr) - 1):
        first = n
        factor = 1.0
        newest = 0
        previous = 0
        strongest = np.float32(0.0)
        for at in range(indptr[row + 1] - 1, indptr[row] - 1, -1):
            strength = type_weight[kind[at]]
            if strength == 0 or item[at] >= n_items:
                continue
            if n > first and out_item[n - 1] == item[at]:
                if strength > strongest:
                    out_weight[n - 1] *= strength / strongest
                    strongest = strength
                previous = time_ms[at]
                continue
            if n == first:
                newest = time_ms[at]
            elif not (timed and time_ms[at] == previous):
                factor *= decay
            if factor < negligible or n - first == MAX_INTERACTIONS:
                break
            out_item[n] = item[at]
            out_weight[n] = strength * factor * np.exp(-per_ms * (newest - time_ms[at]))
            strongest = strength
            previous = time_ms[at]
            n += 1
        out_indptr[row + 1] = n
    return out_indptr, out_item[:n], out_weight[:n]
