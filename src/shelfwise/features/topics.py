"""What reviews are about: a few topics, as words, and how much of each a product's reviews hold.

Non-negative matrix factorisation of TF-IDF (Lee and Seung 2001, multiplicative updates for the
squared error). Topics come in order of size; their number in the list means nothing across fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from shelfwise.features.lexicon import STOP_WORDS
from shelfwise.features.tokens import Tokens

MAX_WORDS = 2000
"""The most used words that topics are made of."""
MAX_ITEMS = 20_000
"""Products that topics are learnt from; all products are then described by them."""
ITERATIONS = 40
WORDS_SHOWN = 8
_TINY = 1e-9


@dataclass(frozen=True)
class Topics:
    """Topics of a shop's reviews."""

    words: tuple[tuple[str, ...], ...]
    """Per topic, its strongest words."""
    share: NDArray[np.float32]
    """[n_items, n_topics] sums to 1; NaN for a product without a word about any topic."""

    @classmethod
    def of(
        cls,
        tokens: Tokens,
        item: NDArray[np.int32],
        n_items: int,
        n_topics: int,
        rng: np.random.Generator,
    ) -> Topics:
        """The topics of texts about items (`item` of each text, -1: none)."""
        counts, names = _item_words(tokens, item, n_items)
        share = np.full((n_items, n_topics), np.nan, np.float32)
        some = np.flatnonzero(np.diff(counts.indptr))
        if len(some) < n_topics or len(names) < n_topics:
            return cls(((),) * n_topics, share)
        matrix = _tf_idf(counts)
        learnt = some if len(some) <= MAX_ITEMS else np.sort(rng.choice(some, MAX_ITEMS, False))
        topic_words = _factorised(matrix[learnt], n_topics, rng)
        weight = _weights(matrix[some], topic_words)
        weight *= topic_words.sum(axis=1)
        order = np.argsort(-weight.sum(axis=0), kind="stable")
        total = weight.sum(axis=1, keepdims=True)
        share[some] = np.divide(
            weight[:, order], total, out=np.full_like(weight, np.nan), where=total > 0
        )
        best = np.argsort(-topic_words[order], axis=1, kind="stable")[:, :WORDS_SHOWN]
        return cls(tuple(tuple(names[w] for w in row) for row in best), share)


def _item_words(
    tokens: Tokens, item: NDArray[np.int32], n_items: int
) -> tuple[sp.csr_array, list[str]]:
    """[n_items, n_words] counts of the most used words that say what a text is about."""
    allowed = np.array(
        [len(w) > 2 and w.isascii() and w not in STOP_WORDS and "'" not in w for w in tokens.words],
        np.bool_,
    )
    uses = np.bincount(tokens.word, minlength=len(tokens.words)) * allowed
    chosen = np.argsort(-uses, kind="stable")[:MAX_WORDS]
    chosen = chosen[uses[chosen] > 2]
    code = np.full(len(tokens.words), -1, np.int32)
    code[chosen] = np.arange(len(chosen))
    row = item[tokens.text[tokens.sentence_of_word()]]
    column = code[tokens.word]
    used = (row >= 0) & (column >= 0)
    values = np.ones(int(used.sum()), np.float32)
    counts = sp.coo_array((values, (row[used], column[used])), shape=(n_items, len(chosen)))
    return counts.tocsr(), [tokens.words[w] for w in chosen]


def _tf_idf(counts: sp.csr_array) -> sp.csr_array:
    having = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log((1.0 + counts.shape[0]) / (1.0 + having))
    data = (1.0 + np.log(counts.data)) * idf[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(row, data**2, counts.shape[0]))
    data /= np.maximum(length, _TINY)[row]
    return sp.csr_array((data, counts.indices, counts.indptr), counts.shape)


def _factorised(
    matrix: sp.csr_array, n_topics: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """[n_topics, n_words] of length 1."""
    left = rng.random((matrix.shape[0], n_topics)) + 0.1
    right = rng.random((n_topics, matrix.shape[1])) + 0.1
    columns = matrix.T.tocsr()
    for _ in range(ITERATIONS):
        left *= (matrix @ right.T) / (left @ (right @ right.T) + _TINY)
        right *= (columns @ left).T / ((left.T @ left) @ right + _TINY)
    length = np.linalg.norm(right, axis=1, keepdims=True)
    out: NDArray[np.float64] = right / np.maximum(length, _TINY)
    return out


def _weights(matrix: sp.csr_array, right: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n_rows, n_topics] of each row, with the topics held fixed."""
    target = matrix @ right.T
    out = target + 0.01
    inner = right @ right.T
    for _ in range(ITERATIONS):
        out *= target / (out @ inner + _TINY)
    return out
