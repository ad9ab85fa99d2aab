"""What the shop's own stars teach about its words: a logistic regression on hashed word pairs.

It learns words that no lexicon knows ("buzz", "true to size"), in any language, and says by
cross-validation how far it can be trusted.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import minimize

from shelfwise.features.tokens import Tokens

BUCKETS = 1 << 17
"""Hash buckets of words and pairs; collisions cost less than .002 AUC at 10,000 reviews."""
MIN_EACH = 50
"""Fewer kind or unkind reviews than this teach nothing."""
MAX_REVIEWS = 20_000
"""More reviews than this are sampled: the words are known by then."""
FOLDS = 3
MIN_TEXTS = 3
"""Words and pairs in fewer texts are not learnt from."""
PENALTY = 3.0
"""On squared weights, against the loss summed over reviews."""
MAX_ITERATIONS = 12


@dataclass(frozen=True)
class StarModel:
    """Log-odds that a text's author gave many stars rather than few."""

    idf: NDArray[np.float32]
    """[BUCKETS]."""
    weights: NDArray[np.float32]
    """[BUCKETS]."""
    auc: float
    """On reviews not learnt from: chance that a kind one scores above an unkind one."""
    n_kind: int
    n_unkind: int

    @classmethod
    def fit(
        cls, tokens: Tokens, stars: NDArray[np.float64], rng: np.random.Generator
    ) -> StarModel | None:
        """The model of texts with stars (NaN: none); None where too few are kind or unkind.

        Kind is above 70 % of the highest stars given, unkind below 50 %: 4 and 5, 1 and 2 of 5.
        """
        top = np.nanmax(stars, initial=0.0)
        kind, unkind = stars > 0.7 * top, stars < 0.5 * top
        if min(kind.sum(), unkind.sum()) < MIN_EACH:
            return None
        used = _sampled(np.flatnonzero(kind | unkind), rng)
        label = kind[used]
        counts = _counts(tokens, tokens.text, tokens.n_texts)[used]
        idf = _idf(counts)
        rows = _weighted(counts, idf)
        fold = rng.permutation(len(used)) % FOLDS
        held_out = np.empty(len(used))
        for one in range(FOLDS):
            inside = fold != one
            held_out[~inside] = rows[~inside] @ _fitted(rows[inside], label[inside])
        return cls(
            idf=idf,
            weights=_fitted(rows, label).astype(np.float32),
            auc=area_under_curve(held_out, label),
            n_kind=int(kind.sum()),
            n_unkind=int(unkind.sum()),
        )

    def sentence_odds(self, tokens: Tokens) -> NDArray[np.float64]:
        """[n_sentences] log-odds; 0 says nothing."""
        n = len(tokens.text)
        counts = _counts(tokens, np.arange(n, dtype=np.int32), n)
        return np.asarray(_weighted(counts, self.idf) @ self.weights, np.float64)

    def text_odds(self, tokens: Tokens) -> NDArray[np.float64]:
        """[n_texts] log-odds."""
        counts = _counts(tokens, tokens.text, tokens.n_texts)
        return np.asarray(_weighted(counts, self.idf) @ self.weights, np.float64)


def area_under_curve(score: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    """The chance that a true row scores above a false one, ties counting half.

    >>> area_under_curve(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    ranked = np.sort(score[~label])
    below = np.searchsorted(ranked, score[label], side="left")
    not_above = np.searchsorted(ranked, score[label], side="right")
    return float((below + not_above).mean() / (2 * len(ranked)))


def _sampled(where: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    if len(where) <= MAX_REVIEWS:
        return where
    return np.sort(rng.choice(where, MAX_REVIEWS, replace=False))


def _counts(tokens: Tokens, row_of_sentence: NDArray[np.int32], n_rows: int) -> sp.csr_array:
    """[n_rows, BUCKETS] how often each row has each word and each pair of neighbours."""
    hashed = np.array([zlib.crc32(word.encode()) for word in tokens.words], np.uint32)
    bucket = np.empty(2 * len(tokens.word), np.int32)
    indptr = np.empty(len(tokens.text) + 1, np.int64)
    _hash_pairs(hashed, tokens.word, tokens.indptr, bucket, indptr)
    row = np.repeat(row_of_sentence, np.diff(indptr))
    values = np.ones(indptr[-1], np.float32)
    counts = sp.coo_array((values, (row, bucket[: indptr[-1]])), shape=(n_rows, BUCKETS))
    return counts.tocsr()


def _idf(counts: sp.csr_array) -> NDArray[np.float32]:
    n = counts.shape[0]
    having = np.bincount(counts.indices, minlength=BUCKETS)
    return np.where(having >= MIN_TEXTS, np.log((1.0 + n) / (1.0 + having)), 0.0).astype(np.float32)


def _weighted(counts: sp.csr_array, idf: NDArray[np.float32]) -> sp.csr_array:
    """TF-IDF rows of length 1."""
    data = (1.0 + np.log(counts.data)) * idf[counts.indices]
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(row, data.astype(np.float64) ** 2, counts.shape[0]))
    data /= np.maximum(length, 1e-9)[row]
    out = sp.csr_array((data.astype(np.float32), counts.indices, counts.indptr), counts.shape)
    out.eliminate_zeros()
    return out


def _fitted(rows: sp.csr_array, label: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of a logistic regression in which the kind and the unkind weigh the same."""
    used = np.flatnonzero(np.bincount(rows.indices, rows.data, BUCKETS))
    place = np.zeros(BUCKETS, np.int32)
    place[used] = np.arange(len(used))
    rows = sp.csr_array((rows.data, place[rows.indices], rows.indptr), (rows.shape[0], len(used)))
    sign = np.where(label, 1.0, -1.0).astype(np.float32)
    weight = np.where(label, 0.5 / label.mean(), 0.5 / (1 - label.mean())).astype(np.float32)
    columns = rows.T.tocsr()

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (rows @ w.astype(np.float32))
        slope = weight * sign / (1.0 + np.exp(np.minimum(margin, 50.0)))
        value = float((weight * np.logaddexp(0.0, -margin)).sum()) + 0.5 * PENALTY * float(w @ w)
        return value, PENALTY * w - columns @ slope

    found = minimize(
        loss,
        np.zeros(len(used)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_ITERATIONS, "maxcor": 5},
    )
    weights = np.zeros(BUCKETS)
    weights[used] = found.x
    return weights


@njit(cache=True, nogil=True)
def _hash_pairs(hashed: Any, word: Any, indptr: Any, bucket: Any, out_indptr: Any) -> None:
    at = 0
    for s in range(len(indptr) - 1):
        out_indptr[s] = at
        for i in range(indptr[s], indptr[s + 1]):
            bucket[at] = hashed[word[i]] & (BUCKETS - 1)
            at += 1
            if i + 1 < indptr[s + 1]:
                mixed = hashed[word[i]] * 0x9E3779B1 ^ hashed[word[i + 1]] * 0x85EBCA6B
                bucket[at] = (mixed >> 7) & (BUCKETS - 1)
                at += 1
    out_indptr[len(indptr) - 1] = at
