"""What each source thinks of each candidate, as columns that a ranker can compare across sources.

Scores of different models have no common unit, so each is set against the other candidates of the
same request, in several ways, since models differ in the shape of their scores: with `log_ratio`
and `score` beside `z` and `ratio`, the linear ranker's NDCG@10 on Beauty rose from .0727 to .0761.
It does not know the models: a source is a name and a column of scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.candidates import Candidates

ROLES = ("z", "ratio", "log_ratio", "score", "reciprocal_rank", "scored")
"""One column of each per source, named `source.role`, in this order."""
_N_ROLES = len(ROLES)
SUMMARIES = ("sources.proposing", "sources.best_reciprocal_rank", "sources.rrf")
"""Columns over all sources together, after those of the sources."""
_LEAST_RATIO = np.float32(1e-3)
RRF_K = 60.0
"""Rank offset of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009, section 2)."""


def source_features(candidates: Candidates) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Names, and [n_rows, 6 · n_sources + 3], of what the sources say.

    `z`: standard score among the request's scored candidates. `ratio`: score over the request's
    largest, within -1 and 1, 0 where that is not positive or the row is not scored. `log_ratio`:
    its logarithm, not below that of 0.001, 0 where the largest is not positive. `score`: as it
    is. `reciprocal_rank`: 0 where not proposed. `scored`: 1 or 0. Where not scored, `z`,
    `log_ratio` and `score` are NaN. Then how many sources propose the row, the best reciprocal
    rank, and rank fusion's score.

    >>> c = Candidates(("a",), np.zeros(2, np.int32), np.arange(2, dtype=np.int32),
    ...     np.array([[3.0], [1.0]], np.float32), np.array([[1], [2]], np.int32), 1)
    >>> names, matrix = source_features(c)
    >>> dict(zip(names[:6], matrix[1].tolist()))["a.z"], names[4], matrix[:, 4].tolist()
    (-1.0, 'a.reciprocal_rank', [1.0, 0.5])
    """
    names = tuple(f"{source}.{role}" for source in candidates.sources for role in ROLES)
    out = np.empty((len(candidates), len(names) + len(SUMMARIES)), np.float32)
    _fill(
        np.ascontiguousarray(candidates.score),
        np.ascontiguousarray(candidates.rank),
        candidates.indptr(),
        out,
    )
    return names + SUMMARIES, out


def source_columns(names: Sequence[str], sources: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """For each source, the columns of `names` that speak for it: those called `source.…`."""
    return {
        source: tuple(i for i, name in enumerate(names) if name.startswith(f"{source}."))
        for source in sources
    }


@njit(cache=True, nogil=True)
def _fill(score: Any, rank: Any, indptr: Any, out: Any) -> None:
    n_sources = score.shape[1]
    mean = np.empty(n_sources)
    spread = np.empty(n_sources)
    top = np.empty(n_sources)
    for r in range(len(indptr) - 1):
        start, stop = indptr[r], indptr[r + 1]
        _moments(score[start:stop], mean, spread, top)
        for i in range(start, stop):
            _fill_scores(score[i], mean, spread, top, out[i])
            _fill_ranks(rank[i], out[i])


@njit(cache=True, nogil=True)
def _moments(score: Any, mean: Any, spread: Any, top: Any) -> None:
    """Mean, standard deviation and largest of the finite scores of each source."""
    n_sources = score.shape[1]
    count = np.zeros(n_sources)
    mean[:] = 0.0
    spread[:] = 0.0
    top[:] = -np.inf
    for i in range(score.shape[0]):
        for s in range(n_sources):
            value = score[i, s]
            if math.isfinite(value):
                count[s] += 1.0
                mean[s] += value
                top[s] = max(top[s], value)
    for s in range(n_sources):
        mean[s] /= max(count[s], 1.0)
    for i in range(score.shape[0]):
        for s in range(n_sources):
            value = score[i, s]
            if math.isfinite(value):
                spread[s] += (value - mean[s]) ** 2
    for s in range(n_sources):
        spread[s] = math.sqrt(spread[s] / max(count[s], 1.0))


@njit(cache=True, nogil=True)
def _fill_scores(score: Any, mean: Any, spread: Any, top: Any, out: Any) -> None:
    for s in range(len(score)):
        value = score[s]
        own = out[_N_ROLES * s : _N_ROLES * (s + 1)]
        if not math.isfinite(value):
            own[0] = own[2] = own[3] = np.nan
            own[1] = own[5] = 0.0
            continue
        own[0] = (value - mean[s]) / spread[s] if spread[s] > 0.0 else 0.0
        own[1] = own[2] = 0.0
        if top[s] > 0.0:
            own[1] = max(-1.0, value / top[s])
            own[2] = math.log(max(own[1], _LEAST_RATIO))
        own[3] = value
        own[5] = 1.0


@njit(cache=True, nogil=True)
def _fill_ranks(rank: Any, out: Any) -> None:
    n_sources = len(rank)
    proposing = 0.0
    best = 0.0
    fused = 0.0
    for s in range(n_sources):
        reciprocal = 1.0 / rank[s] if rank[s] > 0 else 0.0
        out[_N_ROLES * s + 4] = reciprocal
        best = max(best, reciprocal)
        if rank[s] > 0:
            proposing += 1.0
            fused += 1.0 / (RRF_K + rank[s])
    out[_N_ROLES * n_sources] = proposing
    out[_N_ROLES * n_sources + 1] = best
    out[_N_ROLES * n_sources + 2] = fused


def without_source(
    features: NDArray[np.float32], names: Sequence[str], source: str, sources: Sequence[str]
) -> NDArray[np.float32]:
    """[n_rows, n_features] the features as they would be if `source` had not answered.

    A row that no other source proposes keeps the rest of its features; its `sources.proposing` is
    0.
    """
    at = {name: i for i, name in enumerate(names)}
    out = features.copy()
    out[:, list(source_columns(names, [source])[source])] = np.nan
    for role in ("ratio", "reciprocal_rank", "scored"):
        out[:, at[f"{source}.{role}"]] = 0.0
    reciprocal = out[:, [at[f"{name}.reciprocal_rank"] for name in sources]]
    proposed = reciprocal > 0
    summaries = (
        proposed.sum(axis=1),
        reciprocal.max(axis=1),
        (reciprocal / (RRF_K * reciprocal + 1.0)).sum(axis=1),
    )
    for name, values in zip(SUMMARIES, summaries, strict=True):
        out[:, at[name]] = values
    return out
