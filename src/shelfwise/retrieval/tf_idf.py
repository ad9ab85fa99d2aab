"""Weighted tokens as sparse rows of length 1, their main axes, and fast sums over shared tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.model import NOT_SCORED
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.context import Context

_PIECE = 64
_OVERSAMPLED = 16
_POWER_STEPS = 4


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that count and what each is worth."""

    tokens: tuple[str, ...]
    """In alphabetical order, so that nothing depends on the order of products."""
    idf: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        found: Sequence[dict[str, float]],
        *,
        min_products: int,
        max_tokens: int,
        power: float,
    ) -> Vocabulary:
        """The tokens of at least `min_products`; idf is the smoothed logarithm to the `power`."""
        count: dict[str, int] = {}
        for one in found:
            for token in one:
                count[token] = count.get(token, 0) + 1
        often = [token for token, n in count.items() if n >= min_products]
        often.sort(key=lambda token: (-count[token], token))
        kept = sorted(often[:max_tokens])
        counts = np.array([count[token] for token in kept], np.float64)
        idf = (np.log((1 + len(found)) / (1 + counts)) + 1) ** power
        return cls(tuple(kept), idf.astype(np.float32))

    @cached_property
    def code(self) -> dict[str, int]:
        """Token to its place."""
        return {token: at for at, token in enumerate(self.tokens)}

    def rows(self, found: Sequence[dict[str, float]]) -> sparse.csr_matrix:
        """[products, tokens] of length 1: the logarithm of each token's weight, times its idf."""
        indptr, indices, data = [0], [], []
        for one in found:
            known = [(self.code[name], weight) for name, weight in one.items() if name in self.code]
            known.sort()
            indices += [at for at, _ in known]
            data += [weight for _, weight in known]
            indptr.append(len(indices))
        column = np.array(indices, np.int32)
        value = np.log1p(np.array(data, np.float32)) * self.idf[column]
        rows = sparse.csr_matrix((value, column, indptr), shape=(len(found), len(self.tokens)))
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        rows.data /= np.repeat(np.maximum(length, 1e-12), np.diff(rows.indptr)).astype(np.float32)
        return rows


def main_axes(rows: sparse.csr_matrix, size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """[tokens, size] the leading right singular vectors, zeros where there are fewer.

    Randomised subspace iteration (Halko, Martinsson and Tropp 2011), started over the tokens: the
    order of the rows does not matter.
    """
    axes = np.zeros((rows.shape[1], size), np.float32)
    width = min(size + _OVERSAMPLED, *rows.shape)
    if width == 0:
        return axes
    basis = rng.normal(size=(rows.shape[1], width)).astype(np.float32)
    for _ in range(_POWER_STEPS):
        basis = np.linalg.qr(rows.T @ (rows @ basis))[0]
    _, _, inner = np.linalg.svd(rows @ basis, full_matrices=False)
    found = basis @ inner[:size].T
    axes[:, : found.shape[1]] = found
    return axes


def cosines(
    rows: sparse.csr_matrix, columns: sparse.csc_matrix, context: Context
) -> NDArray[np.float32]:
    """[requests, products] with the weighted sum of the context's rows; -inf if no token is shared.

    `columns` is `rows` by token.
    """
    out = np.full((len(context), rows.shape[0]), NOT_SCORED, np.float32)
    over_rows(
        lambda start, stop: _add_tokens(
            context.indptr,
            context.item,
            context.weight,
            rows.indptr,
            rows.indices,
            rows.data,
            columns.indptr,
            columns.indices,
            columns.data,
            out,
            start,
            stop,
        ),
        len(out),
        _PIECE,
    )
    return out


@njit(cache=True, nogil=True)
def _add_tokens(
    context_indptr: NDArray[np.int64],
    context_item: NDArray[np.int32],
    context_weight: NDArray[np.float32],
    row_indptr: NDArray[np.int32],
    row_token: NDArray[np.int32],
    row_value: NDArray[np.float32],
    column_indptr: NDArray[np.int32],
    column_item: NDArray[np.int32],
    column_value: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    profile = np.zeros(len(column_indptr) - 1, np.float32)
    touched = np.empty(len(profile), np.int32)
    for row in range(start, stop):
        n_touched = 0
        for at in range(context_indptr[row], context_indptr[row + 1]):
            item, weight = context_item[at], context_weight[at]
            for place in range(row_indptr[item], row_indptr[item + 1]):
                token = row_token[place]
                if profile[token] == 0:
                    touched[n_touched] = token
                    n_touched += 1
                profile[token] += weight * row_value[place]
        square = np.float32(0)
        for t in range(n_touched):
            square += profile[touched[t]] ** 2
        scores = out[row]
        for t in range(n_touched):
            token = touched[t]
            factor = profile[token] / np.sqrt(square)
            profile[token] = 0
            for place in range(column_indptr[token], column_indptr[token + 1]):
                code = column_item[place]
                added = factor * column_value[place]
                before = scores[code]
                scores[code] = added if before == NOT_SCORED else before + added


def dots_and_length(
    rows: sparse.csr_matrix,
    items: NDArray[np.int32],
    history: NDArray[np.int32],
    weight: NDArray[np.float32],
) -> tuple[NDArray[np.float32], float]:
    """[items, history] products of rows, and the length of the weighted sum of the history's."""
    out = np.empty((len(items), len(history)), np.float32)
    total = np.zeros(rows.shape[1], np.float32)
    length = _dots(rows.indptr, rows.indices, rows.data, items, history, weight, total, out)
    return out, float(length)


@njit(cache=True, nogil=True)
def _dots(
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    data: NDArray[np.float32],
    items: NDArray[np.int32],
    history: NDArray[np.int32],
    weight: NDArray[np.float32],
    total: NDArray[np.float32],
    out: NDArray[np.float32],
) -> float:
    """`total` [tokens] is scratch, all 0."""
    for i in range(len(items)):
        start, stop = indptr[items[i]], indptr[items[i] + 1]
        for at in range(start, stop):
            total[indices[at]] = data[at]
        for h in range(len(history)):
            dot = np.float32(0.0)
            for at in range(indptr[history[h]], indptr[history[h] + 1]):
                dot += total[indices[at]] * data[at]
            out[i, h] = dot
        for at in range(start, stop):
            total[indices[at]] = 0.0
    for h in range(len(history)):
        for at in range(indptr[history[h]], indptr[history[h] + 1]):
            total[indices[at]] += weight[h] * data[at]
    squares = 0.0
    for h in range(len(history)):
        for at in range(indptr[history[h]], indptr[history[h] + 1]):
            squares += total[indices[at]] ** 2
            total[indices[at]] = 0.0
    return float(np.sqrt(squares))


@njit(cache=True, nogil=True)
def shared_kinds(
    one: NDArray[np.int32], other: NDArray[np.int32], kinds: NDArray[np.int8]
) -> tuple[int, int, int]:
    """How many tokens of kind 0, 1 and 2 two rows share; their tokens ascend."""
    counts = np.zeros(4, np.int64)
    i, j = 0, 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            counts[kinds[one[i]]] += 1
            i += 1
            j += 1
        elif one[i] < other[j]:
            i += 1
        else:
            j += 1
    return counts[0], counts[1], counts[2]
