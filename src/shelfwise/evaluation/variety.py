"""How much of the catalogue a model shows, how evenly, and how different one list's items are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_AT_ONCE = 8192
"""Lists whose vectors are summed at a time."""


def coverage(top: NDArray[np.int32], n_items: int) -> float:
    """Share of the catalogue that at least one list holds."""
    shown = np.unique(top)
    return float((shown >= 0).sum() / n_items)


def gini(top: NDArray[np.int32], n_items: int) -> float:
    """How unevenly the places are given to products: 0 all alike, near 1 all to a few.

    The Gini coefficient of how often each product of the catalogue is shown (Fleder and Hosanagar,
    Management Science 2009), products never shown included. NaN where nothing is shown.

    >>> gini(np.array([[0, 1], [2, 3]]), 4), gini(np.array([[0], [0]]), 4)
    (0.0, 0.75)
    """
    times = np.sort(np.bincount(top[top >= 0], minlength=n_items)).astype(np.float64)
    if times.sum() == 0:
        return float("nan")
    rank = np.arange(1, n_items + 1)
    return float((2 * rank - n_items - 1) @ times / (n_items * times.sum()))


def one_hot(group: NDArray[np.int32]) -> sparse.csr_matrix:
    """[n_items, n_groups] 1 in each item's group; a group below 0 is unknown and a row of zeros."""
    known = np.flatnonzero(group >= 0)
    shape = (len(group), int(group.max(initial=-1)) + 1)
    return sparse.csr_matrix((np.ones(len(known)), (known, group[known])), shape=shape)


def unit_rows(vectors: sparse.csr_matrix) -> sparse.csr_matrix:
    """The rows with length 1; rows of zeros stay so."""
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return sparse.csr_matrix(sparse.diags(scale) @ vectors)


def intra_list_diversity(top: NDArray[np.int32], vectors: sparse.csr_matrix) -> NDArray[np.float64]:
    """[n_lists] the mean distance, 1 - cosine, of two items of a list; NaN below two known items.

    (Ziegler et al., WWW 2005.) `vectors` has a row per item, of length 1, or of zeros where nothing
    is known of it. With `one_hot` rows it is the share of pairs that differ in their group.

    >>> intra_list_diversity(np.array([[0, 1, 2]]), one_hot(np.array([5, 5, 6]))).round(3).tolist()
    [0.667]
    """
    known = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel() > 0
    out = np.full(len(top), np.nan)
    for start in range(0, len(top), _AT_ONCE):
        part = top[start : start + _AT_ONCE]
        row, place = np.nonzero(part >= 0)
        item = part[row, place]
        row, item = row[known[item]], item[known[item]]
        shape = (len(part), len(known))
        summed = sparse.csr_matrix((np.ones(len(row)), (row, item)), shape=shape) @ vectors
        n = np.bincount(row, minlength=len(part)).astype(np.float64)
        # the square of the sum holds each pair twice, and each item with itself
        likeness = np.asarray(summed.multiply(summed).sum(axis=1)).ravel() - n
        pairs = n * (n - 1)
        some = n > 1
        out[start : start + _AT_ONCE][some] = 1 - likeness[some] / pairs[some]
    return out
