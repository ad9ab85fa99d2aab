"""Features as small whole numbers: which of at most 64 quantile bins a value falls in.

Bin `b` of a feature holds values above `edges[b - 1]` and not above `edges[b]`. NaN has bin 0 to
itself, since the first edge is -inf: a tree may ask "is it known?" as any other question.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.threads import over_rows

N_BINS = 64
_SAMPLE = 200_000


def bin_edges(
    features: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], ...]:
    """For each feature, its ascending edges, at most 63, the first -inf.

    >>> x = np.array([[1.0], [2.0], [2.0], [np.nan]], np.float32)
    >>> bin_edges(x, np.random.default_rng(0))[0].tolist()
    [-inf, 1.0]
    """
    if len(features) > _SAMPLE:
        features = features[np.sort(rng.choice(len(features), _SAMPLE, replace=False))]
    return tuple(_edges(features[:, f]) for f in range(features.shape[1]))


def _edges(column: NDArray[np.float32]) -> NDArray[np.float32]:
    values, counts = np.unique(column[np.isfinite(column)], return_counts=True)
    if len(values) >= N_BINS:
        # a value so common that it fills bins of its own must not take the others' edges
        share = np.minimum(counts, max(1, counts.sum() // N_BINS))
        level = np.cumsum(share) / share.sum()
        at = np.searchsorted(level, np.arange(1, N_BINS - 1) / (N_BINS - 1))
        values = values[np.unique(at)]
        cuts = values[:-1] if values[-1] == column.max(initial=-np.inf) else values
    else:
        cuts = values[:-1]
    return np.concatenate([np.array([-np.inf], np.float32), cuts])


def binned(
    features: NDArray[np.float32], edges: tuple[NDArray[np.float32], ...]
) -> NDArray[np.uint8]:
    """[n_features, n_rows] bin of each value: how many edges it exceeds."""
    table = np.full((len(edges), N_BINS - 1), np.inf, np.float32)
    for f, own in enumerate(edges):
        table[f, : len(own)] = own
    out = np.empty((features.shape[1], features.shape[0]), np.uint8)
    over_rows(lambda start, stop: _bin(features, table, out, start, stop), len(features), 65_536)
    return out


@njit(cache=True, nogil=True)
def _bin(features: Any, table: Any, out: Any, start: int, stop: int) -> None:
    for i in range(start, stop):
        for f in range(features.shape[1]):
            value = features[i, f]
            low = 0
            # six halvings of 63 edges, padded with +inf
            for step in (32, 16, 8, 4, 2, 1):
                if value > table[f, low + step - 1]:
                    low += step
            out[f, i] = low
