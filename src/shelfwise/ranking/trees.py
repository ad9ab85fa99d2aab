"""Scores of boosted oblivious trees: all nodes of a level ask the same question, so no branches.

A tree of depth 6 is six comparisons and one look-up. Rows are worked through in blocks turned on
their side, so that a comparison serves many rows at once; a row's score never depends on which
rows it shares a block with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

DEPTH = 6
"""Levels of every tree; one grown less deep ends in levels that nothing passes."""
N_LEAVES = 1 << DEPTH
_FIRST_LEAF = N_LEAVES - 1
_BLOCK = 128


@dataclass(frozen=True)
class Forest:
    """Trees over raw features: bit `d` of a row's leaf says if `feature[d]` exceeds `threshold[d]`.

    NaN exceeds nothing.
    """

    feature: NDArray[np.int32]
    """[n_trees, 6]."""
    threshold: NDArray[np.float32]
    """[n_trees, 6]; +inf where the level is not used."""
    value: NDArray[np.float32]
    """[n_trees, 127] mean value of the training rows below each node, level by level: node
    `2**d - 1 + bits` for the first `d` answers; the last 64 are the leaves."""

    def __len__(self) -> int:
        return len(self.feature)

    @classmethod
    def empty(cls) -> Forest:
        """No trees: every score is 0."""
        return cls(
            np.empty((0, DEPTH), np.int32),
            np.empty((0, DEPTH), np.float32),
            np.empty((0, 2 * N_LEAVES - 1), np.float32),
        )

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] sum of the leaves each row falls in."""
        used, column = self._used
        out = np.empty(len(features), np.float32)
        _score(np.ascontiguousarray(features), used, column, self.threshold, self.value, out)
        return out

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_features] how the mean moves at each question of a row's path (Saabas 2014).

        They sum to the score less what a row gets of which nothing is known.
        """
        out = np.zeros(features.shape, np.float32)
        _contributions(
            np.ascontiguousarray(features), self.feature, self.threshold, self.value, out
        )
        return out

    @cached_property
    def _used(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The features in use, and each question's place among them."""
        used, column = np.unique(self.feature, return_inverse=True)
        return used, column.reshape(self.feature.shape).astype(np.int64)


def node_values(leaf: NDArray[np.float64], cover: NDArray[np.float64]) -> NDArray[np.float32]:
    """[127] mean of the leaves below each node, weighted by `cover`, and the leaves themselves."""
    out = np.zeros(2 * N_LEAVES - 1)
    total, weight = leaf * cover, cover
    out[_FIRST_LEAF:] = leaf
    for level in reversed(range(DEPTH)):
        # the last question is the highest bit: both answers to it are half an array apart
        half = 1 << level
        total, weight = total[:half] + total[half:], weight[:half] + weight[half:]
        node = np.divide(total, weight, out=np.zeros(half), where=weight > 0)
        out[half - 1 : 2 * half - 1] = node
    return out.astype(np.float32)


@njit(cache=True, nogil=True)
def _score(features: Any, used: Any, column: Any, threshold: Any, value: Any, out: Any) -> None:
    block = np.empty((len(used), _BLOCK), np.float32)
    total = np.empty(_BLOCK, np.float32)
    leaf = np.empty(_BLOCK, np.int32)
    for start in range(0, len(features), _BLOCK):
        n = min(_BLOCK, len(features) - start)
        for j in range(len(used)):
            at = used[j]
            for i in range(n):
                block[j, i] = features[start + i, at]
        total[:] = 0
        for t in range(len(column)):
            _leaves(block, column[t], threshold[t], leaf)
            leaves = value[t, _FIRST_LEAF:]
            for i in range(_BLOCK):
                total[i] += leaves[leaf[i]]
        out[start : start + n] = total[:n]


@njit(cache=True, nogil=True)
def _leaves(block: Any, column: Any, threshold: Any, leaf: Any) -> None:
    """The leaf of each row of a block in one tree: six comparisons at once, no branch."""
    x0, x1, x2 = block[column[0]], block[column[1]], block[column[2]]
    x3, x4, x5 = block[column[3]], block[column[4]], block[column[5]]
    t0, t1, t2 = threshold[0], threshold[1], threshold[2]
    t3, t4, t5 = threshold[3], threshold[4], threshold[5]
    none = np.int32(0)
    for i in range(_BLOCK):
        leaf[i] = (
            (np.int32(1) if x0[i] > t0 else none)
            | (np.int32(2) if x1[i] > t1 else none)
            | (np.int32(4) if x2[i] > t2 else none)
            | (np.int32(8) if x3[i] > t3 else none)
            | (np.int32(16) if x4[i] > t4 else none)
            | (np.int32(32) if x5[i] > t5 else none)
        )


@njit(cache=True, nogil=True)
def _contributions(features: Any, feature: Any, threshold: Any, value: Any, out: Any) -> None:
    for i in range(features.shape[0]):
        for t in range(feature.shape[0]):
            bits = np.int64(0)
            before = value[t, 0]
            for d in range(DEPTH):
                at = feature[t, d]
                bits |= np.int64(features[i, at] > threshold[t, d]) << d
                node = value[t, (2 << d) - 1 + bits]
                out[i, at] += node - before
                before = node
