"""Behaviour and words factorised together, by alternating least squares.

Minimises, over the vectors U of shoppers and V of products and the factors of words B and C,

    Σ c (x - u·v)² over shoppers and products + Σ c (y - v·b)² over products and their words
        + Σ c (z - u·c)² over shoppers and their words + reg · (‖U‖² + ‖V‖² + ‖B‖² + ‖C‖²)

where x, y and z are 1 for what was met or written and 0 else, and each c is the confidence of it: 1
for a 0, more for a 1 (Hu, Koren and Volinsky, ICDM 2008). The matrices share U and V with behaviour
(collective factorisation: Singh and Gordon, KDD 2008). A row of which a matrix says nothing at all
(a product nobody met, a shopper who wrote nothing) is missing there, not zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.retrieval.context import Context
from shelfwise.retrieval.least_squares import fold_in, improve, regularised_gram


@dataclass(frozen=True)
class Joint:
    """A joint factorisation."""

    users: NDArray[np.float32]
    items: NDArray[np.float32]
    user_words: tuple[NDArray[np.float32], ...]
    """[words, factors] for each matrix of words of the shoppers."""
    item_words: tuple[NDArray[np.float32], ...]
    """[words, factors] for each matrix of words of the products."""


def factorise(
    behaviour: sparse.csr_matrix,
    start: NDArray[np.float32],
    user_words: Sequence[sparse.csr_matrix],
    item_words: Sequence[sparse.csr_matrix],
    reg: float,
    iterations: int,
) -> Joint:
    """The vectors after `iterations` rounds from `start`, the products' first vectors.

    `behaviour` [users, items] and the matrices of words [users or items, words] hold the confidence
    beyond 1 of what was met or written.
    """
    user_side, item_side = _Side.of(behaviour, user_words), _Side.of(_turned(behaviour), item_words)
    items = start.copy()
    users = np.zeros((behaviour.shape[0], items.shape[1]), np.float32)
    of_users = user_side.none(items.shape[1])
    of_items = item_side.none(items.shape[1])
    item_side.learn_words(of_items, items, reg)
    for _ in range(iterations):
        user_side.improve(users, [items, *of_users], reg)
        user_side.learn_words(of_users, users, reg)
        item_side.improve(items, [users, *of_items], reg)
        item_side.learn_words(of_items, items, reg)
    return Joint(users, items, tuple(of_users), tuple(of_items))


def solved_from(
    rows: sparse.csr_matrix, factors: NDArray[np.float32], gram: NDArray[np.float32]
) -> NDArray[np.float32]:
    """[rows, factors] the exact vectors of rows of which only these entries are known.

    `gram` is that of the factors of all columns that take part, penalty included.
    """
    answers = factors @ np.linalg.inv(gram.astype(np.float64)).astype(np.float32)
    context = Context(rows.indptr.astype(np.int64), rows.indices, rows.data)
    return fold_in(context, 1.0, factors, answers)


@dataclass(frozen=True)
class _Side:
    """The matrices that share one matrix of vectors: behaviour first, then words."""

    entries: sparse.csr_matrix
    """[rows, all columns] of all matrices side by side."""
    kind: NDArray[np.int8]
    """[rows] bit b is set where matrix b says anything of the row."""
    by_column: tuple[sparse.csr_matrix, ...]
    """The columns of each matrix as rows."""

    @classmethod
    def of(cls, behaviour: sparse.csr_matrix, words: Sequence[sparse.csr_matrix]) -> _Side:
        matrices = [behaviour, *words]
        kind = np.zeros(behaviour.shape[0], np.int8)
        for bit, one in enumerate(matrices):
            kind |= (np.diff(one.indptr) > 0).astype(np.int8) << bit
        return cls(
            sparse.csr_matrix(sparse.hstack(matrices, format="csr")),
            kind,
            tuple(_turned(one) for one in matrices),
        )

    def none(self, n_factors: int) -> list[NDArray[np.float32]]:
        """Factors of words of which nothing is known yet."""
        return [np.zeros((one.shape[0], n_factors), np.float32) for one in self.by_column[1:]]

    def improve(
        self, vectors: NDArray[np.float32], columns: Sequence[NDArray[np.float32]], reg: float
    ) -> None:
        """Moves `vectors` towards the best given the factors of each matrix's columns."""
        parts = [
            regularised_gram(factors[np.diff(matrix.indptr) > 0], 0.0)
            for factors, matrix in zip(columns, self.by_column, strict=True)
        ]
        grams = np.stack([_sum_of(parts, bits, reg) for bits in range(1 << len(parts))])
        improve(vectors, self.entries, np.concatenate(columns), grams, self.kind)

    def learn_words(
        self, words: Sequence[NDArray[np.float32]], vectors: NDArray[np.float32], reg: float
    ) -> None:
        """Moves the factors of each matrix of words towards the best given `vectors`."""
        for bit, (factors, matrix) in enumerate(
            zip(words, self.by_column[1:], strict=True), start=1
        ):
            gram = regularised_gram(vectors[self.kind >> bit & 1 == 1], reg)
            improve(factors, matrix, vectors, gram[None], np.zeros(len(factors), np.int8))


def _turned(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    return sparse.csr_matrix(matrix.T)


def _sum_of(parts: Sequence[NDArray[np.float32]], bits: int, reg: float) -> NDArray[np.float32]:
    gram = np.float32(reg) * np.eye(len(parts[0]), dtype=np.float32)
    for bit, part in enumerate(parts):
        if bits >> bit & 1:
            gram += part
    return gram
