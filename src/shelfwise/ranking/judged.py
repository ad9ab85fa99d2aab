"""Judged lists: requests whose candidates are known to be relevant or not, to learn and measure on.

Candidates that a shopper did not take are taken as not relevant. Relevant items which no source
proposed are not rows here, but count in `n_relevant`, so that a measure over these lists is
honest from end to end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.errors import BadInputError


@dataclass(frozen=True)
class JudgedLists:
    """Request `r` is the rows `indptr[r]` to `indptr[r + 1]`."""

    features: NDArray[np.float32]
    """[n_rows, n_features]; NaN: not known."""
    names: tuple[str, ...]
    indptr: NDArray[np.int64]
    relevance: NDArray[np.float32]
    """[n_rows] gain of each row, 0: not relevant."""
    n_relevant: NDArray[np.int64]
    """[n_requests] how many items are relevant, proposed or not."""
    log_weight: NDArray[np.float32]
    """[n_rows] log of how many candidates like it there were, where only some were kept."""

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @classmethod
    def of(
        cls,
        features: NDArray[np.float32],
        names: tuple[str, ...],
        indptr: NDArray[np.int64],
        relevance: NDArray[np.float32],
        n_relevant: NDArray[np.int64] | None = None,
    ) -> JudgedLists:
        """Lists that are whole; without `n_relevant`, all relevant items are among the rows."""
        _check_shapes(features, names, indptr, relevance)
        proposed = _positives(indptr, relevance)
        total = proposed if n_relevant is None else np.maximum(proposed, n_relevant)
        return cls(features, names, indptr, relevance, total, np.zeros(len(relevance), np.float32))

    def learnable(self) -> NDArray[np.bool_]:
        """[n_requests] whether there is both a relevant row and one that is not."""
        positives = _positives(self.indptr, self.relevance)
        return (positives > 0) & (positives < np.diff(self.indptr))

    def found(self) -> NDArray[np.bool_]:
        """[n_requests] whether a relevant item is among the rows."""
        return _positives(self.indptr, self.relevance) > 0

    def judged(self) -> NDArray[np.bool_]:
        """[n_requests] whether anything is relevant, proposed or not."""
        return self.n_relevant > 0

    def row_weight(self) -> NDArray[np.float32]:
        """[n_rows] how many rows each stands for by itself: all relevant rows were kept."""
        return np.where(self.relevance > 0, np.float32(1), np.exp(self.log_weight))

    def take(
        self, requests: NDArray[np.bool_], rows: NDArray[np.bool_] | None = None
    ) -> JudgedLists:
        """A copy of the lists where `requests` is true, with only the rows where `rows` is."""
        kept = np.repeat(requests, np.diff(self.indptr))
        if rows is not None:
            kept &= rows
        running = np.zeros(len(kept) + 1, np.int64)
        np.cumsum(kept, out=running[1:])
        lengths = np.diff(running[self.indptr])[requests]
        indptr = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        where = np.flatnonzero(kept)
        return JudgedLists(
            self.features[where],
            self.names,
            indptr,
            self.relevance[where],
            self.n_relevant[requests],
            self.log_weight[where],
        )


def thin(
    lists: JudgedLists,
    requests: NDArray[np.bool_],
    guide: NDArray[np.float32],
    hard: int,
    others: int,
    rng: np.random.Generator,
) -> JudgedLists:
    """The chosen requests with fewer rows: all relevant, the `hard` best by `guide`, some others.

    The `others` are drawn at random from the rows beyond the `hard` first, and include the relevant
    ones there. Their `log_weight` makes the multinomial logit learnt from what is left that of the
    whole lists (McFadden 1978, on sampled alternatives).
    """
    draw = rng.random(len(lists.relevance), dtype=np.float32)
    kept = np.zeros(len(draw), np.bool_)
    log_weight = np.zeros(len(draw), np.float32)
    _choose_rows(
        lists.indptr, requests, lists.relevance, guide, draw, hard, others, kept, log_weight
    )
    weighted = JudgedLists(
        lists.features, lists.names, lists.indptr, lists.relevance, lists.n_relevant, log_weight
    )
    return weighted.take(requests, kept)


def top_rows(scores: NDArray[np.float32], indptr: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The rows of the `k` highest scores of each request, best first, request after request.

    >>> top_rows(np.array([1, 3, 2, 5], np.float32), np.array([0, 3, 4]), 2).tolist()
    [1, 2, 3]
    """
    lengths = np.minimum(np.diff(indptr), k)
    out = np.empty(int(lengths.sum()), np.int64)
    _top_rows(scores, indptr, k, out)
    return out


def ndcg(
    scores: NDArray[np.float32],
    indptr: NDArray[np.int64],
    relevance: NDArray[np.float32],
    n_relevant: NDArray[np.int64],
    k: int,
) -> NDArray[np.float64]:
    """[n_requests] NDCG@k (Järvelin and Kekäläinen 2002, gain = relevance), 0 if nothing relevant.

    Ties count as their expectation over random order, so no order of rows can help. Relevant items
    beyond the rows add a gain of 1 each to the ideal. A row whose score is NaN is not shown.

    >>> indptr, relevance = np.array([0, 2]), np.array([0, 1], np.float32)
    >>> ndcg(np.array([1, 1], np.float32), indptr, relevance, np.array([1]), 1).tolist()
    [0.5]
    """
    discount = np.zeros(k + 1)
    discount[1:] = np.cumsum(1.0 / np.log2(np.arange(2, k + 2)))
    out = np.zeros(len(indptr) - 1)
    _ndcg(scores, indptr, relevance, n_relevant, discount, out)
    return out


def _check_shapes(
    features: NDArray[np.float32],
    names: tuple[str, ...],
    indptr: NDArray[np.int64],
    relevance: NDArray[np.float32],
) -> None:
    if features.shape != (len(relevance), len(names)) or indptr[-1] != len(relevance):
        raise BadInputError(
            f"Features are {features.shape}, but there are {len(relevance)} relevances, "
            f"{len(names)} names, and requests that end at row {indptr[-1]}.",
            remedy="Give one row per candidate and one column per name.",
        )


def _positives(indptr: NDArray[np.int64], relevance: NDArray[np.float32]) -> NDArray[np.int64]:
    running = np.zeros(len(relevance) + 1, np.int64)
    np.cumsum(relevance > 0, out=running[1:])
    return np.diff(running[indptr])


@njit(cache=True, nogil=True)
def _choose_rows(
    indptr: Any,
    requests: Any,
    relevance: Any,
    guide: Any,
    draw: Any,
    hard: int,
    others: int,
    kept: Any,
    log_weight: Any,
) -> None:
    for r in range(len(indptr) - 1):
        start, stop = indptr[r], indptr[r + 1]
        if not requests[r]:
            continue
        if stop - start <= hard + others:
            kept[start:stop] = True
            continue
        order = np.argsort(-guide[start:stop], kind="mergesort")
        pool = np.empty(stop - start, np.int64)
        n_pool = 0
        kept[start + order[:hard]] = True
        for at in order[hard:]:
            i = start + at
            if relevance[i] > 0:
                kept[i] = True
            else:
                pool[n_pool] = i
                n_pool += 1
        beyond = start + order[hard:]
        n_drawn = max(others - (len(beyond) - n_pool), 0)
        kept[pool[np.argsort(draw[pool[:n_pool]])[:n_drawn]]] = True
        log_weight[beyond] = np.log(len(beyond) / others)


@njit(cache=True, nogil=True)
def _top_rows(scores: Any, indptr: Any, k: int, out: Any) -> None:
    place = 0
    for r in range(len(indptr) - 1):
        start, stop = indptr[r], indptr[r + 1]
        order = np.argsort(-scores[start:stop], kind="mergesort")[:k]
        out[place : place + len(order)] = start + order
        place += len(order)


@njit(cache=True, nogil=True)
def _ndcg(
    scores: Any, indptr: Any, relevance: Any, n_relevant: Any, discount: Any, out: Any
) -> None:
    for r in range(len(indptr) - 1):
        if n_relevant[r] > 0:
            rows = slice(indptr[r], indptr[r + 1])
            out[r] = _ndcg_one(scores[rows], relevance[rows], n_relevant[r], discount)


@njit(cache=True, nogil=True)
def _ndcg_one(scores: Any, relevance: Any, n_relevant: int, discount: Any) -> float:
    """`discount[p]` is the sum of the discounts of the first `p` places."""
    k = len(discount) - 1
    gains = np.ones(n_relevant)
    n_found = 0
    dcg = 0.0
    for i in range(len(scores)):
        if relevance[i] <= 0:
            continue
        gains[n_found] = relevance[i]
        n_found += 1
        if math.isnan(scores[i]):
            continue
        better = 0
        equal = 0
        for j in range(len(scores)):
            better += scores[j] > scores[i]
            equal += scores[j] == scores[i]
        if better < k:
            last = min(better + equal, k)
            dcg += relevance[i] * (discount[last] - discount[better]) / equal
    gains = np.sort(gains)[::-1]
    ideal = 0.0
    for p in range(min(k, n_relevant)):
        ideal += gains[p] * (discount[p + 1] - discount[p])
    return dcg / ideal
