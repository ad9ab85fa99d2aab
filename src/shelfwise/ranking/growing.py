"""Grows one oblivious tree on binned features: the same question for all nodes of a level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shelfwise.core.threads import over_rows
from shelfwise.ranking.binning import N_BINS
from shelfwise.ranking.trees import N_LEAVES

_SMALL = 500_000
"""Additions that one thread does faster than two can be started."""


@dataclass(frozen=True)
class TreeShape:
    """How far a tree may go."""

    depth: int
    """Questions at most."""
    l2: float
    """Penalty on leaf values; above 0, so that empty leaves are 0."""


@dataclass(frozen=True)
class GrownTree:
    """A tree over bins, before it is turned into thresholds."""

    feature: NDArray[np.int32]
    """[depth] what each level asks about."""
    cut: NDArray[np.int32]
    """[depth] bins above `cut` answer yes."""
    leaf: NDArray[np.uint8]
    """[n_rows] the leaf of every row, sampled or not."""
    value: NDArray[np.float64]
    """[64] Newton step of each leaf."""
    cover: NDArray[np.float64]
    """[64] sampled rows in each leaf."""


def grow(
    bins: NDArray[np.uint8],
    n_cuts: NDArray[np.int64],
    slopes: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    shape: TreeShape,
) -> GrownTree:
    """The tree that lowers the loss most, level by level (Chen and Guestrin, KDD 2016, 2.2).

    Feature `f` can be cut after bins 0 to `n_cuts[f] - 1`. `slopes` [n_rows, 2] are the loss's
    first and second derivatives; only `rows` and `columns` are learnt from. Equal gains go to the
    feature that comes first.
    """
    leaf = np.zeros(bins.shape[1], np.uint8)
    own = slopes[rows]
    features: list[int] = []
    cuts: list[int] = []
    for level in range(shape.depth):
        nodes = _histograms(bins, own, rows, columns, leaf[rows], 1 << level)
        gains = np.full((len(columns), N_BINS), -np.inf)
        _gains(nodes, n_cuts[columns], shape.l2, gains)
        best = int(gains.argmax())
        if not gains.flat[best] > 1e-9:
            break
        features.append(int(columns[best // N_BINS]))
        cuts.append(best % N_BINS)
        leaf |= (bins[features[-1]] > cuts[-1]).astype(np.uint8) << np.uint8(level)
    reached = leaf[rows]
    gradient = np.bincount(reached, own[:, 0], minlength=N_LEAVES)
    curvature = np.bincount(reached, own[:, 1], minlength=N_LEAVES)
    return GrownTree(
        feature=np.array(features, np.int32),
        cut=np.array(cuts, np.int32),
        leaf=leaf,
        value=-gradient / (curvature + shape.l2),
        cover=np.bincount(reached, minlength=N_LEAVES).astype(np.float64),
    )


def route(tree: GrownTree, bins: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[n_rows] the leaf of each row of other binned features."""
    leaf = np.zeros(bins.shape[1], np.uint8)
    for level, (feature, cut) in enumerate(zip(tree.feature, tree.cut, strict=True)):
        leaf |= (bins[feature] > cut).astype(np.uint8) << np.uint8(level)
    return leaf


def _histograms(
    bins: NDArray[np.uint8],
    own: NDArray[np.float32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    leaf: NDArray[np.uint8],
    n_nodes: int,
) -> NDArray[np.float64]:
    """[n_columns, n_nodes, 64, 2] the slopes of the rows, added up by column, node and bin."""
    nodes = np.zeros((len(columns), n_nodes, N_BINS, 2))

    def work(start: int, stop: int) -> None:
        _add_up(bins, own, rows, columns[start:stop], leaf, nodes[start:stop])

    small = len(rows) * len(columns) < _SMALL
    over_rows(work, len(columns), len(columns) if small else 4)
    return nodes


@njit(cache=True, nogil=True)
def _add_up(bins: Any, own: Any, rows: Any, columns: Any, leaf: Any, nodes: Any) -> None:
    for c in range(len(columns)):
        column = bins[columns[c]]
        mine = nodes[c]
        for m in range(len(rows)):
            b = column[rows[m]]
            mine[leaf[m], b, 0] += own[m, 0]
            mine[leaf[m], b, 1] += own[m, 1]


@njit(cache=True, nogil=True)
def _gains(nodes: Any, n_cuts: Any, l2: float, gains: Any) -> None:
    """How much each cut lowers the loss, summed over the nodes."""
    n_columns, n_nodes, n_bins, _ = nodes.shape
    for c in range(n_columns):
        gain = np.zeros(n_bins)
        for node in range(n_nodes):
            total_g = nodes[c, node, :, 0].sum()
            total_h = nodes[c, node, :, 1].sum()
            whole = total_g * total_g / (total_h + l2)
            left_g = 0.0
            left_h = 0.0
            for b in range(n_bins):
                left_g += nodes[c, node, b, 0]
                left_h += nodes[c, node, b, 1]
                right_g, right_h = total_g - left_g, total_h - left_h
                gain[b] += left_g * left_g / (left_h + l2) + right_g * right_g / (right_h + l2)
                gain[b] -= whole
        gains[c, : n_cuts[c]] = gain[: n_cuts[c]]
