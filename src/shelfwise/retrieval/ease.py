"""EASE: the linear item-to-item model with a closed form (Steck, WWW 2019).

One Cholesky inverse of the Gram matrix, in single precision: half the time and memory of double,
and no measurable loss. Above `max_items` only the most popular items take part; the others are not
scored. Cost grows with the cube of the items, memory with the square.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import config, njit
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from shelfwise.core.errors import ConfigError
from shelfwise.core.settings import Settings
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.interactions import (
    EventWeights,
    FitData,
    as_dataset,
    interaction_matrix,
    mean_weight,
)
from shelfwise.retrieval.met_by_same import MetBySame
from shelfwise.retrieval.neighbours import Neighbours, packed, prune
from shelfwise.retrieval.shared_pairs import gram, users_of_both

_PIECE = 256
_TILE = 512


class EASEConfig(Settings):
    """How strongly the model is held back, and how a history is weighed."""

    reg: float = Field(default=100.0, gt=0)
    """Penalty on squared weights, against the sum over shoppers of squared interactions."""
    max_items: int = Field(default=15_000, ge=1)
    """At most so many items take part, the most popular. Time grows with the cube: 12,000 items
    take some 25 processor seconds and 0.6 GB."""
    min_shoppers: int = Field(default=2, ge=1)
    """Items with fewer distinct shoppers take no part: nothing can be learnt about them."""
    neighbours: int = Field(default=200, ge=1)
    """Weights kept per history item, the largest in size."""
    context_decay: float = Field(default=0.7, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class EASE(MetBySame[EASEConfig]):
    """Score: the sum over the history of learnt weights, some of them negative."""

    name: ClassVar[str] = "ease"
    config_class = EASEConfig

    @classmethod
    def fit(cls, data: FitData, config: EASEConfig, rng: np.random.Generator) -> EASE:
        """The weights that rebuild every shopper's items best from their other items."""
        dataset = as_dataset(data)
        matrix = interaction_matrix(dataset, config.weights)
        matrix.data /= np.float32(mean_weight(matrix))
        shoppers = np.bincount(matrix.indices, minlength=dataset.n_items).astype(np.int32)
        chosen = _most_popular(shoppers, config)
        narrow = sparse.csr_matrix(matrix[:, chosen])
        weights = _weights(gram(narrow), config.reg)
        inner = _pruned(weights, config.neighbours)
        neighbours = _widened(inner, chosen, dataset.n_items)
        return cls(neighbours, users_of_both(narrow, inner), shoppers, dataset.timed, config)


def _most_popular(shoppers: NDArray[np.int32], config: EASEConfig) -> NDArray[np.int64]:
    """Codes, ascending, of the items that take part."""
    order = np.argsort(-shoppers, kind="stable")[: config.max_items]
    return np.sort(order[shoppers[order] >= config.min_shoppers])


def _weights(gram_matrix: NDArray[np.float32], reg: float) -> NDArray[np.float32]:
    """[history item, scored item] the weights; takes the Gram matrix's memory for the result."""
    if not len(gram_matrix):
        return gram_matrix
    with threadpool_limits(config.NUMBA_NUM_THREADS, "blas"):
        return _solved(gram_matrix, reg)


def _solved(gram_matrix: NDArray[np.float32], reg: float) -> NDArray[np.float32]:
    gram_matrix[np.diag_indices(len(gram_matrix))] += np.float32(reg)
    factor, failed = lapack.spotrf(gram_matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise ConfigError(
            f"ease.reg = {reg:g} is too small for this shop: the Gram matrix is singular.",
            remedy=f"Set ease.reg to {10 * reg:g} or more.",
            field="reg",
        )
    inverse = lapack.spotri(factor, lower=1, overwrite_c=1)[0].T
    _mirror(inverse)
    diagonal = inverse.diagonal().copy()
    inverse /= -diagonal
    np.fill_diagonal(inverse, 0.0)
    return np.asarray(inverse)


def _mirror(square: NDArray[np.float32]) -> None:
    """Copies the upper triangle to the lower, tile by tile so that it stays in cache."""
    n = len(square)
    for row in range(0, n, _TILE):
        rows = slice(row, row + _TILE)
        corner = square[rows, rows]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        for column in range(row + _TILE, n, _TILE):
            columns = slice(column, column + _TILE)
            square[columns, rows] = square[rows, columns].T


def _pruned(weights: NDArray[np.float32], neighbours: int) -> Neighbours:
    """The largest weights in size of each row."""
    n_items = len(weights)
    width = max(1, min(neighbours, n_items))
    kept = np.zeros(n_items, np.int64)
    codes = np.zeros((n_items, width), np.int32)
    values = np.zeros((n_items, width), np.float32)
    over_rows(
        lambda start, stop: _prune_rows(weights, kept, codes, values, start, stop),
        n_items,
        _PIECE,
    )
    return Neighbours(*packed(kept, codes, values))


@njit(cache=True, nogil=True)
def _prune_rows(
    weights: NDArray[np.float32],
    kept: NDArray[np.int64],
    codes: NDArray[np.int32],
    values: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    everyone = np.arange(weights.shape[1]).astype(np.int32)
    heap = np.empty(codes.shape[1], np.float32)
    for row in range(start, stop):
        kept[row] = prune(everyone, np.abs(weights[row]), len(everyone), heap, codes[row])
        for k in range(kept[row]):
            values[row, k] = weights[row, codes[row, k]]


def _widened(inner: Neighbours, chosen: NDArray[np.int64], n_items: int) -> Neighbours:
    """The same rows among all items, where `chosen` are the codes of the inner ones."""
    lengths = np.zeros(n_items, np.int64)
    lengths[chosen] = np.diff(inner.indptr)
    indptr = np.zeros(n_items + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    return Neighbours(indptr, chosen[inner.item].astype(np.int32), inner.weight)
