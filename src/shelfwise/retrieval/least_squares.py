"""Rows of vectors moved towards their least squares, or solved for: the work of a factorisation.

A row's system is one that many rows share (Gram matrices of the other sides and the penalty) plus
what the row's own few confident entries add (Hu, Koren and Volinsky, ICDM 2008). Fitting takes a
few conjugate gradient steps a round from where the round before ended (Takács, Pilászy and Tikk,
RecSys 2011); a history is solved for exactly, through a system as small as itself (Woodbury).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.dataset import Events
from shelfwise.core.model import Contribution
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.context import Context
from shelfwise.retrieval.neighbours import largest

_PIECE = 256
_STEPS = 3
"""Conjugate gradient steps a round; 2 and 3 end level, 1 does not."""
_CONVERGED = np.float32(1e-20)
_SUM = {"reassoc", "contract", "nsz"}


def regularised_gram(factors: NDArray[np.float32], reg: float) -> NDArray[np.float32]:
    """[factors, factors] products of the columns, `reg` added on the diagonal."""
    gram = factors.T @ factors
    gram[np.diag_indices(len(gram))] += np.float32(reg)
    return gram


def random_start(
    events: Events, known: NDArray[np.bool_], n_factors: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Small random item vectors, drawn in order of first appearance; zeros where not `known`.

    What a code is plays no part.
    """
    met, first = np.unique(events.item, return_index=True)
    drawn = met[np.argsort(first)]
    drawn = drawn[drawn >= 0]
    start = np.zeros((len(known), n_factors), np.float32)
    start[drawn] = rng.normal(0.0, 0.1 / np.sqrt(n_factors), (len(drawn), n_factors))
    start[~known] = 0.0
    return start


def improve(
    vectors: NDArray[np.float32],
    extra: sparse.csr_matrix,
    factors: NDArray[np.float32],
    grams: NDArray[np.float32],
    kind: NDArray[np.int8],
) -> None:
    """Moves each row of `vectors` towards the best, given `factors` of the columns of `extra`.

    Stored entries of `extra` are wanted (1, where all others are 0) with so much confidence beyond
    the 1 of all others. A row without any becomes zeros. `grams` [kinds, factors, factors] are what
    rows of each `kind` have in common, penalty included.
    """
    over_rows(
        lambda start, stop: _descend(
            extra.indptr, extra.indices, extra.data, factors, grams, kind, vectors, start, stop
        ),
        len(vectors),
        _PIECE,
    )


def fold_in(
    context: Context,
    alpha: float,
    factors: NDArray[np.float32],
    answers: NDArray[np.float32],
) -> NDArray[np.float32]:
    """[rows, factors] the exact least squares of each row of columns, given their `factors`.

    Weights of the context, times `alpha`, are the confidence beyond 1. `answers` are the common
    system solved for each column's vector.
    """
    out = np.zeros((len(context), factors.shape[1]), np.float32)
    extra = np.float32(alpha) * context.weight
    over_rows(
        lambda start, stop: _solve(
            context.indptr, context.item, extra, factors, answers, out, start, stop
        ),
        len(out),
        _PIECE,
    )
    return out


def shares(
    context: Context,
    alpha: float,
    factors: NDArray[np.float32],
    answers: NDArray[np.float32],
    items: NDArray[np.int32],
    most: int | None,
) -> list[list[Contribution]]:
    """For one row of items: what each of them gave to the score of `items` (Hu et al. section 5).

    The `most` largest, largest first. They add up to the product with the vector of `fold_in`.
    """
    history, place = np.unique(context.item, return_inverse=True)
    weight = alpha * np.bincount(place, context.weight, minlength=len(history))
    appearances = np.bincount(place, minlength=len(history))
    # Woodbury: the system of the history's size, which is small, not of the factors'
    solved = answers[history].astype(np.float64)
    system = np.eye(len(history)) + weight[:, None] * (factors[history] @ solved.T)
    given = np.linalg.solve(system.T, solved @ factors[items].T).T
    given = given * (appearances + weight)
    return [
        [Contribution(int(history[at]), float(row[at])) for at in largest(row, most)]
        for row in given
    ]


@njit(cache=True, nogil=True, fastmath=_SUM)
def _descend(
    indptr: NDArray[np.int32],
    item: NDArray[np.int32],
    extra: NDArray[np.float32],
    factors: NDArray[np.float32],
    grams: NDArray[np.float32],
    kind: NDArray[np.int8],
    vectors: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    """Conjugate gradient steps on each row's system; `extra` is the confidence beyond 1."""
    size = factors.shape[1]
    residual, way, pull = (
        np.empty(size, np.float32),
        np.empty(size, np.float32),
        np.empty(size, np.float32),
    )
    for row in range(start, stop):
        items = item[indptr[row] : indptr[row + 1]]
        more = extra[indptr[row] : indptr[row + 1]]
        gram = grams[kind[row]]
        x = vectors[row]
        if len(items) == 0:
            x[:] = 0
            continue
        _apply(gram, factors, items, more, x, pull)
        residual[:] = -pull
        for k in range(len(items)):
            residual += (np.float32(1) + more[k]) * factors[items[k]]
        way[:] = residual
        square = np.dot(residual, residual)
        for _ in range(_STEPS):
            if square < _CONVERGED:
                break
            _apply(gram, factors, items, more, way, pull)
            length = square / np.dot(way, pull)
            x += length * way
            residual -= length * pull
            before = square
            square = np.dot(residual, residual)
            way[:] = residual + (square / before) * way


@njit(cache=True, nogil=True, fastmath=_SUM)
def _apply(
    gram: NDArray[np.float32],
    factors: NDArray[np.float32],
    items: NDArray[np.int32],
    extra: NDArray[np.float32],
    x: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Puts in `out` the product of a row's system and `x`."""
    for i in range(len(x)):
        total = np.float32(0)
        for k in range(len(x)):
            total += gram[i, k] * x[k]
        out[i] = total
    for at in range(len(items)):
        vector = factors[items[at]]
        total = np.float32(0)
        for k in range(len(x)):
            total += vector[k] * x[k]
        total *= extra[at]
        for k in range(len(x)):
            out[k] += total * vector[k]


@njit(cache=True, nogil=True)
def _solve(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    extra: NDArray[np.float32],
    factors: NDArray[np.float32],
    answers: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    """Solves each row's system exactly.

    With the common system C, the row's vectors Y and its extra confidences D, the answer to
    (C + Y'DY) x = Y'(1 + D) is Y C^-1 weighted by (I + D Y C^-1 Y')^-1 (1 + D).
    """
    for row in range(start, stop):
        first, n = indptr[row], indptr[row + 1] - indptr[row]
        if n == 0:
            continue
        root = np.sqrt(extra[first : first + n].astype(np.float64))
        system = np.empty((n, n), np.float64)
        right = np.empty(n, np.float64)
        for i in range(n):
            for j in range(i + 1):
                product = np.dot(answers[item[first + i]], factors[item[first + j]])
                system[i, j] = system[j, i] = root[i] * root[j] * product
            system[i, i] += 1
            right[i] = (1 + root[i] ** 2) / root[i]
        weight = root * np.linalg.solve(system, right)
        for i in range(n):
            out[row] += np.float32(weight[i]) * answers[item[first + i]]
