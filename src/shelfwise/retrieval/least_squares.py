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
from threadpoolctl import threadpool_limits

from shelfwise.core.dataset import Events
from shelfwise.core.model import Contribution
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.context import Context
from shelfwise.retrieval.neighbours import largest

_PIECE = 256
_STEPS = 3
"""Conjugate gradient steps a round; 2 and 3 end level, 1 does not."""
_CONVERGED = np.float32(1e-20)
_ROWS, _ENTRIES = 64, 1024
"""Of a block done together: its vectors stay in the second cache."""
_WANTED, _NOTHING = np.float32(1), np.float32(0)
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
    with threadpool_limits(1, "blas"):
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


@njit(cache=True, nogil=True)
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
    gathered = np.empty((_ENTRIES, size), np.float32)
    in_order = np.arange(_ENTRIES).astype(item.dtype)
    scratch = np.zeros((3, _ROWS, size), np.float32)
    row = start
    while row < stop:
        end = _block_end(indptr, kind, row, stop)
        first, last = indptr[row], indptr[end]
        # read once from all over memory, then four times in a row
        fits = last - first <= _ENTRIES
        if fits:
            _gather(factors, item[first:last], gathered)
        _descend_block(
            indptr[row : end + 1] - first,
            in_order[: last - first] if fits else item[first:last],
            extra[first:last],
            gathered if fits else factors,
            grams[kind[row]],
            vectors[row:end],
            scratch,
        )
        row = end


@njit(cache=True, nogil=True)
def _gather(
    factors: NDArray[np.float32], item: NDArray[np.int32], out: NDArray[np.float32]
) -> None:
    for at in range(len(item)):
        vector, copy = factors[item[at]], out[at]
        for k in range(len(vector)):  # an assignment of whole rows takes Numba far longer
            copy[k] = vector[k]


@njit(cache=True, nogil=True)
def _block_end(indptr: NDArray[np.int32], kind: NDArray[np.int8], row: int, stop: int) -> int:
    """The end of the rows from `row` on that are of a kind and few enough to be done together."""
    end = row + 1
    while (
        end < min(stop, row + _ROWS)
        and kind[end] == kind[row]
        and indptr[end + 1] - indptr[row] <= _ENTRIES
    ):
        end += 1
    return end


@njit(cache=True, nogil=True, fastmath=_SUM)
def _descend_block(
    limits: NDArray[np.int64],
    place: NDArray[np.int32],
    extra: NDArray[np.float32],
    table: NDArray[np.float32],
    gram: NDArray[np.float32],
    vectors: NDArray[np.float32],
    scratch: NDArray[np.float32],
) -> None:
    """The same for rows of one kind, side by side: what they share is one product of matrices.

    Row `i` has the entries `limits[i]` to `limits[i + 1]`, whose vectors are `table[place]`.
    """
    n = len(vectors)
    residuals, ways, pulls = scratch[0][:n], scratch[1][:n], scratch[2][:n]
    square = np.zeros(n, np.float32)
    np.dot(vectors, gram, pulls)
    for row in range(n):
        entries = slice(limits[row], limits[row + 1])
        if entries.stop == entries.start:
            vectors[row] = 0
            continue
        _add_entries(table, place[entries], extra[entries], _WANTED, vectors[row], pulls[row])
        for k in range(vectors.shape[1]):
            residuals[row, k] = ways[row, k] = -pulls[row, k]
        square[row] = _product(residuals[row], residuals[row])
    for _ in range(_STEPS):
        np.dot(ways, gram, pulls)
        for row in range(n):
            if square[row] < _CONVERGED:
                continue
            entries = slice(limits[row], limits[row + 1])
            way, pull = ways[row], pulls[row]
            _add_entries(table, place[entries], extra[entries], _NOTHING, way, pull)
            square[row] = _step(vectors[row], residuals[row], way, pull, square[row])


@njit(cache=True, nogil=True, fastmath=_SUM)
def _step(
    x: NDArray[np.float32],
    residual: NDArray[np.float32],
    way: NDArray[np.float32],
    pull: NDArray[np.float32],
    square: np.float32,
) -> np.float32:
    """Goes along `way`, of which `pull` is the system's product, and turns it; the new square."""
    length = square / _product(way, pull)
    for k in range(len(x)):
        x[k] += length * way[k]
        residual[k] -= length * pull[k]
    after: np.float32 = _product(residual, residual)
    turn = after / square
    for k in range(len(x)):
        way[k] = residual[k] + turn * way[k]
    return after


@njit(cache=True, nogil=True, fastmath=_SUM)
def _product(one: NDArray[np.float32], other: NDArray[np.float32]) -> np.float32:
    total = np.float32(0)
    for k in range(len(one)):
        total += one[k] * other[k]
    return np.float32(total)


@njit(cache=True, nogil=True, fastmath=_SUM)
def _add_entries(
    table: NDArray[np.float32],
    place: NDArray[np.int32],
    extra: NDArray[np.float32],
    wanted: np.float32,
    x: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Adds to `out` each entry's vector times (extra · product with x - wanted · (1 + extra)).

    Four entries a pass, which reads `x` and `out` a quarter as often: a training takes half as long
    as entry by entry.
    """
    size, n = len(x), len(place)
    whole = n - n % 4
    for at in range(0, whole, 4):
        a, b = table[place[at]], table[place[at + 1]]
        c, d = table[place[at + 2]], table[place[at + 3]]
        of_a = of_b = of_c = of_d = np.float32(0)
        for k in range(size):
            of_a += a[k] * x[k]
            of_b += b[k] * x[k]
            of_c += c[k] * x[k]
            of_d += d[k] * x[k]
        of_a = extra[at] * (of_a - wanted) - wanted
        of_b = extra[at + 1] * (of_b - wanted) - wanted
        of_c = extra[at + 2] * (of_c - wanted) - wanted
        of_d = extra[at + 3] * (of_d - wanted) - wanted
        for k in range(size):
            out[k] += (of_a * a[k] + of_b * b[k]) + (of_c * c[k] + of_d * d[k])
    for at in range(whole, n):
        a = table[place[at]]
        of_a = extra[at] * (_product(a, x) - wanted) - wanted
        for k in range(size):
            out[k] += of_a * a[k]


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
