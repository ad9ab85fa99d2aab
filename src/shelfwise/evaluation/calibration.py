"""Calibration: of a list's mix with the shopper's own taste, of probabilities with outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.ragged import Ragged

MIX: Final = 0.01
"""Share of the shopper's own distribution that is mixed into that of the list (Steck 2018)."""


@dataclass(frozen=True)
class Bin:
    """Predictions of about the same size."""

    promised: float
    """Mean predicted probability."""
    happened: float
    """Share that came true."""
    rows: int


@dataclass(frozen=True)
class ProbabilityFit:
    """How far predicted probabilities are from what happened."""

    expected_calibration_error: float
    """Mean gap between promise and outcome over bins of about equally many rows (Naeini 2015)."""
    brier: float
    """Mean squared error of the predictions."""
    log_loss: float
    """Mean negative log likelihood, in nats."""
    base_rate: float
    """Share of all rows that came true."""
    bins: tuple[Bin, ...]
    """Rising."""


@dataclass(frozen=True)
class Promise:
    """What the chances of one outcome were worth on the test requests."""

    requests: int
    """Shoppers who came, whether they did it or not."""
    promised: float
    """Mean chance of the first places."""
    days: float | None
    """How long the shoppers had to do it; None: their next choice."""
    learnt_days: float | None
    """The same where the chances were learnt: promises are for so long."""
    fit: ProbabilityFit


def category_calibration(
    top: NDArray[np.int32], history: Ragged, category: NDArray[np.int32]
) -> NDArray[np.float64]:
    """[n_lists] how far the categories of a list are from those of the shopper's history, in nats.

    Kullback-Leibler divergence of the list's distribution q from the history's p, sum of
    p log(p / q'), with q' = (1 - `MIX`) q + `MIX` p (Steck, RecSys 2018): 0 is the same mix, 4.6
    nothing in common. `category` [n_items], below 0: unknown and left out. NaN where the history or
    the list holds nothing known.
    """
    out = np.full(len(top), np.nan)
    n_categories = int(category.max(initial=-1)) + 1
    _divergences(
        np.ascontiguousarray(top), history.indptr, history.values, category, n_categories, out
    )
    return out


def probability_fit(
    promised: NDArray[np.float64], happened: NDArray[np.bool_], n_bins: int = 10
) -> ProbabilityFit:
    """How well the probabilities `promised` [n_rows] fit what `happened` [n_rows].

    Bins hold equally many rows, since nearly all rows are unlikely; equal promises share a bin.

    >>> probability_fit(np.full(4, 0.5), np.array([1, 0, 1, 0], bool)).expected_calibration_error
    0.0
    """
    if len(promised) == 0 or not ((promised >= 0) & (promised <= 1)).all():
        raise ValueError("Probabilities are one or more numbers from 0 to 1.")
    rising = np.sort(promised)
    place = np.searchsorted(rising, promised, side="left") * n_bins // len(promised)
    rows = np.bincount(place, minlength=n_bins)
    hopes = np.bincount(place, promised, n_bins)
    deeds = np.bincount(place, happened.astype(np.float64), n_bins)
    chance = np.where(happened, promised, 1 - promised)
    return ProbabilityFit(
        expected_calibration_error=float(np.abs(hopes - deeds).sum() / len(promised)),
        brier=float(((promised - happened) ** 2).mean()),
        log_loss=float(-np.log(np.maximum(chance, np.finfo(np.float64).tiny)).mean()),
        base_rate=float(happened.mean()),
        bins=tuple(
            Bin(float(hopes[at] / rows[at]), float(deeds[at] / rows[at]), int(rows[at]))
            for at in np.flatnonzero(rows)
        ),
    )


@njit(cache=True, nogil=True)
def _divergences(
    top: NDArray[np.int32],
    indptr: NDArray[np.int64],
    history: NDArray[np.int32],
    category: NDArray[np.int32],
    n_categories: int,
    out: NDArray[np.float64],
) -> None:
    chosen = np.zeros(n_categories, np.float64)
    shown = np.zeros(n_categories, np.float64)
    for r in range(len(top)):
        past = history[indptr[r] : indptr[r + 1]]
        n_chosen = _count(past, category, chosen)
        n_shown = _count(top[r], category, shown)
        if n_chosen > 0 and n_shown > 0:
            total = 0.0
            for item in past:
                group = category[item]
                if group >= 0 and chosen[group] > 0:
                    p = chosen[group] / n_chosen
                    total += p * math.log(p / ((1 - MIX) * shown[group] / n_shown + MIX * p))
                    chosen[group] = 0.0
            out[r] = total
        _clear(past, category, chosen)
        _clear(top[r], category, shown)


@njit(cache=True, nogil=True)
def _count(items: NDArray[np.int32], category: NDArray[np.int32], into: NDArray[np.float64]) -> int:
    n = 0
    for item in items:
        if item >= 0 and category[item] >= 0:
            into[category[item]] += 1.0
            n += 1
    return n


@njit(cache=True, nogil=True)
def _clear(
    items: NDArray[np.int32], category: NDArray[np.int32], into: NDArray[np.float64]
) -> None:
    for item in items:
        if item >= 0 and category[item] >= 0:
            into[category[item]] = 0.0
