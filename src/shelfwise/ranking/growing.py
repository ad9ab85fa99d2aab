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

_LEAST_GAIN = 1e-9
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
    sample = _Sample(rows, slopes[rows], np.zeros(len(rows), np.uint8))
    nodes = _histograms(bins, sample, columns, 1)
    features: list[int] = []
    cuts: list[int] = []
    while len(cuts) < shape.depth:
        gains = np.full((len(columns), N_BINS), -np.inf)
        _gains(nodes, n_cuts[columns], shape.l2, gains)
        best = int(gains.argmax())
        if not gains.flat[best] > _LEAST_GAIN:
            break
        features.append(int(columns[best // N_BINS]))
        cuts.append(best % N_BINS)
        yes = bins[features[-1]][rows] > cuts[-1]
        if len(cuts) < shape.depth:
            nodes = _halved(nodes, bins, sample, columns, yes)
        sample.path[yes] |= np.uint8(1 << (len(cuts) - 1))
    gradient = np.bincount(sample.path, sample.slopes[:, 0], minlength=N_LEAVES)
    curvature = np.bincount(sample.path, sample.slopes[:, 1], minlength=N_LEAVES)
    return GrownTree(
        feature=np.array(features, np.int32),
        cut=np.array(cuts, np.int32),
        value=-gradient / (curvature + shape.l2),
        cover=np.bincount(sample.path, minlength=N_LEAVES).astype(np.float64),
    )


def route(tree: GrownTree, bins: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[n_rows] the leaf of each row of binned features."""
    leaf = np.zeros(bins.shape[1], np.uint8)
    for level, (feature, cut) in enumerate(zip(tree.feature, tree.cut, strict=True)):
        leaf |= (bins[feature] > cut).astype(np.uint8) << np.uint8(level)
    return leaf


@dataclass(frozen=True)
class _Sample:
    """The rows a tree is grown on, and the node each has reached."""

    rows: NDArray[np.int64]
    slopes: NDArray[np.float32]
    path: NDArray[np.uint8]

    def part(self, where: NDArray[np.bool_]) -> _Sample:
        return _Sample(self.rows[where], self.slopes[where], self.path[where])


def _halved(
    nodes: NDArray[np.float64],
    bins: NDArray[np.uint8],
    sample: _Sample,
    columns: NDArray[np.int64],
    yes: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Histograms of the next level: the rarer answer is added up, the other is what remains."""
    rarer = bool(2 * yes.sum() <= len(yes))
    counted = _histograms(bins, sample.part(yes == rarer), columns, nodes.shape[1])
    remain = nodes - counted
    return np.concatenate([remain, counted] if rarer else [counted, remain], axis=1)


def _histograms(
    bins: NDArray[np.uint8], sample: _Sample, columns: NDArray[np.int64], n_nodes: int
) -> NDArray[np.float64]:
    """[n_columns, n_nodes, 64, 2] the slopes of the rows, added up by column, node and bin."""
    nodes = np.zeros((len(columns), n_nodes, N_BINS, 2))

    def work(start: int, stop: int) -> None:
        here = columns[start:stop]
        _add_up(bins, sample.rows, sample.slopes, sample.path, here, nodes[start:stop])

    small = len(sample.rows) * len(columns) < _SMALL
    over_rows(work, len(columns), len(columns) if small else 8)
    return nodes


@njit(cache=True, nogil=True)
def _add_up(bins: Any, rows: Any, slopes: Any, path: Any, columns: Any, nodes: Any) -> None:
    """Four columns at a time: half the time of one, since rows and slopes are read once."""
    fours = len(columns) // 4 * 4
    for c in range(0, fours, 4):
        bin0, bin1 = bins[columns[c]], bins[columns[c + 1]]
        bin2, bin3 = bins[columns[c + 2]], bins[columns[c + 3]]
        sum0, sum1 = nodes[c].reshape(-1), nodes[c + 1].reshape(-1)
        sum2, sum3 = nodes[c + 2].reshape(-1), nodes[c + 3].reshape(-1)
        for m in range(len(rows)):
            i = rows[m]
            first = np.uint32(path[m]) * np.uint32(N_BINS)
            _add(sum0, first, bin0[i], slopes[m, 0], slopes[m, 1])
            _add(sum1, first, bin1[i], slopes[m, 0], slopes[m, 1])
            _add(sum2, first, bin2[i], slopes[m, 0], slopes[m, 1])
            _add(sum3, first, bin3[i], slopes[m, 0], slopes[m, 1])
    for c in range(fours, len(columns)):
        own, total = bins[columns[c]], nodes[c].reshape(-1)
        for m in range(len(rows)):
            first = np.uint32(path[m]) * np.uint32(N_BINS)
            _add(total, first, own[rows[m]], slopes[m, 0], slopes[m, 1])


@njit(cache=True, nogil=True, inline="always")
def _add(total: Any, first: Any, in_bin: Any, gradient: Any, curvature: Any) -> None:
    # unsigned 32-bit places: no test for places counted from the end
    at = (first + np.uint32(in_bin)) * np.uint32(2)
    total[at] += gradient
    total[at + np.uint32(1)] += curvature


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
