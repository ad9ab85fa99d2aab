"""How sure a mean is: percentile bootstrap over requests, alone and for the difference of models.

Resamples are drawn once and shared by all columns, so that two models are compared on the same
shoppers (paired bootstrap; Efron and Tibshirani 1993, chapters 13 and 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 1000
LEVEL: Final = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the limits that hold it with 95 % confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """How much one model's mean is above another's, on the same requests."""

    mean: float
    low: float
    high: float
    p_value: float
    """Two-sided: how often resampling alone turns the sign, doubled; at least 1 / resamples."""


def bootstrap_means(
    values: NDArray[np.float64], rng: np.random.Generator, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """[resamples, n_columns]: the column means of `values` ([n, n_columns]) over drawn rows.

    Rows that are zero throughout, most of them where few requests are hit, are not drawn one by
    one: how many of the others a resample has is binomial.
    """
    n = len(values)
    if n == 0 or not np.isfinite(values).all():
        raise ValueError(f"{n} rows, {int((~np.isfinite(values)).sum())} values not finite.")
    some = values[values.any(axis=1)]
    means = np.empty((resamples, values.shape[1]))
    for one, size in enumerate(rng.binomial(n, len(some) / n, resamples)):
        drawn = np.bincount(rng.integers(0, max(len(some), 1), size), minlength=len(some))
        means[one] = drawn.astype(np.float64) @ some / n
    return means


def intervals(
    values: NDArray[np.float64], seed: int, resamples: int = RESAMPLES
) -> tuple[Interval, ...]:
    """The mean and interval of each column of `values` ([n, n_columns], finite)."""
    drawn = bootstrap_means(values, np.random.default_rng(seed), resamples)
    low, high = _limits(drawn)
    return tuple(
        Interval(float(mean), float(lo), float(hi))
        for mean, lo, hi in zip(values.mean(axis=0), low, high, strict=True)
    )


def ratio_intervals(
    parts: NDArray[np.float64], whole: NDArray[np.float64], seed: int, resamples: int = RESAMPLES
) -> tuple[Interval, ...]:
    """Sum of each column of `parts` ([n, n_columns]) over that of `whole` ([n], some above 0)."""
    columns = np.column_stack([parts, whole])
    drawn = bootstrap_means(columns, np.random.default_rng(seed), resamples)
    low, high = _limits(drawn[:, :-1] / np.maximum(drawn[:, -1:], np.finfo(np.float64).tiny))
    exact = parts.sum(axis=0) / whole.sum()
    return tuple(Interval(*(float(v) for v in row)) for row in zip(exact, low, high, strict=True))


def difference(
    better: NDArray[np.float64],
    other: NDArray[np.float64],
    seed: int,
    resamples: int = RESAMPLES,
) -> Difference:
    """How far the mean of `better` is above that of `other`; both [n], request by request.

    >>> gain = difference(np.ones(50), np.zeros(50), seed=1)
    >>> gain.mean, gain.low, gain.p_value < 0.01
    (1.0, 1.0, True)
    """
    gap = (better - other)[:, None]
    drawn = bootstrap_means(gap, np.random.default_rng(seed), resamples)[:, 0]
    low, high = _limits(drawn)
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (resamples + 1))
    return Difference(float(gap.mean()), float(low), float(high), p_value)


def _limits(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """[2, …]: the percentile limits over the resamples."""
    return np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
