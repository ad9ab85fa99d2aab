"""A random forest: many deep trees, each grown on other requests and other features, averaged.

Breiman (2001): trees of Gini impurity on bootstrap samples, a few random features at each node. On
binned features, as the boosted trees are. The samples are of whole requests: rows of one request
are no independent draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.model import ModelState
from shelfwise.core.settings import Settings
from shelfwise.core.threads import over_rows
from shelfwise.ranking.binning import N_BINS, bin_edges, binned
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.linear import check_learnable

_LEAST = np.float32(1e-6)
"""Shares are kept this far from 0 and 1, so that log-odds stay finite."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class RandomForestConfig(Settings):
    """How the forest is grown."""

    trees: int = Field(default=50, ge=1)
    """Trees that are averaged. More are never worse, and take longer."""
    depth: int = Field(default=8, ge=1, le=30)
    """Questions on the way to a leaf at most."""
    least_in_leaf: int = Field(default=20, ge=1)
    """Rows of a leaf at least."""
    request_share: float = Field(default=0.4, gt=0, le=1)
    """Share of the requests each tree is grown on."""
    feature_share: float = Field(default=0.3, gt=0, le=1)
    """Share of the features a node chooses from."""


@dataclass(frozen=True)
class RandomForest:
    """Nodes of all trees, one after the other; a node's children stand next to each other."""

    names: tuple[str, ...]
    root: NDArray[np.int32]
    """[n_trees] where each tree begins."""
    feature: NDArray[np.int32]
    """[n_nodes] what is asked; -1: a leaf."""
    threshold: NDArray[np.float32]
    """[n_nodes] a row that exceeds it goes on to `child + 1`, any other, NaN too, to `child`."""
    child: NDArray[np.int32]
    value: NDArray[np.float32]
    """[n_nodes] share of relevant rows below."""

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        names: Sequence[str],
        indptr: NDArray[np.int64],
        relevance: NDArray[np.float32],
        config: RandomForestConfig,
        rng: np.random.Generator,
    ) -> RandomForest:
        """The forest grown on these requests."""
        return cls.fit_lists(JudgedLists.of(features, tuple(names), indptr, relevance), config, rng)

    @classmethod
    def fit_lists(
        cls, lists: JudgedLists, config: RandomForestConfig, rng: np.random.Generator
    ) -> RandomForest:
        """The same from judged lists, thinned or not."""
        used = lists.take(check_learnable(lists))
        edges = bin_edges(used.features, rng)
        bins = binned(used.features, edges)
        n_cuts = np.array([len(own) for own in edges])
        weight = used.row_weight()
        gain = weight * (used.relevance > 0)
        seeds = rng.integers(0, 2**63, config.trees, dtype=np.uint64)
        drawn = rng.random((config.trees, len(used))) < config.request_share
        n_tried = max(1, round(config.feature_share * len(edges)))
        limits = (config.depth, config.least_in_leaf, n_tried)
        trees: list[_Nodes] = [_LEAF] * config.trees

        def work(start: int, stop: int) -> None:
            for t in range(start, stop):
                rows = np.flatnonzero(np.repeat(drawn[t], np.diff(used.indptr)))
                trees[t] = _grow(bins, n_cuts, weight, gain, rows, limits, seeds[t])

        over_rows(work, config.trees, 8)
        return cls(lists.names, *_joined(trees, edges))

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] log-odds of the mean share of relevant rows in the leaves.

        A row's score never depends on others.
        """
        return _log_odds(self._share(features))

    def _share(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        out = np.zeros(len(features), np.float32)
        _score(features, self.root, self.feature, self.threshold, self.child, self.value, out)
        return out

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_features] what each feature adds to the log-odds that nothing known gives.

        How the mean share moves at each question (Saabas 2014), stretched to log-odds.
        """
        out = np.zeros(features.shape, np.float32)
        _moves(features, self.root, self.feature, self.threshold, self.child, self.value, out)
        share, least = self._share(features), self.value[self.root].mean()
        moved = share - least
        odds = _log_odds(share) - _log_odds(np.asarray(least, np.float32))
        stretch = np.divide(odds, moved, out=np.zeros_like(odds), where=np.abs(moved) > 1e-9)
        return np.asarray(out * stretch[:, None], np.float32)

    def state(self) -> ModelState:
        """The forest as plain data."""
        arrays = ("root", "feature", "threshold", "child", "value")
        return ModelState(
            {"names": list(self.names)}, {name: getattr(self, name) for name in arrays}
        )

    @classmethod
    def from_state(cls, state: ModelState) -> RandomForest:
        """The forest that `state` was taken from; its scores are identical."""
        return cls(tuple(state.settings["names"]), **state.arrays)


_Nodes = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]
"""Feature, cut, child and value of a tree's nodes."""
_LEAF: _Nodes = (
    np.full(1, -1, np.int32),
    np.zeros(1, np.int32),
    np.zeros(1, np.int32),
    np.zeros(1, np.float32),
)


def _joined(
    trees: list[_Nodes], edges: tuple[NDArray[np.float32], ...]
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float32],
    NDArray[np.int32],
    NDArray[np.float32],
]:
    """Root, feature, threshold, child and value of all trees together, over raw values."""
    sizes = [len(tree[0]) for tree in trees]
    root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    feature = np.concatenate([tree[0] for tree in trees])
    cut = np.concatenate([tree[1] for tree in trees])
    child = np.concatenate([tree[2] for tree in trees]) + np.repeat(root, sizes)
    threshold = np.zeros(len(feature), np.float32)
    for at in np.flatnonzero(feature >= 0):
        threshold[at] = edges[feature[at]][cut[at]]
    value = np.concatenate([tree[3] for tree in trees])
    return root, feature, threshold, child.astype(np.int32), value


def _log_odds(share: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = np.clip(share, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside / (1 - inside)), np.float32)


@njit(cache=True, nogil=True)
def _random(state: Any) -> Any:
    """The next number of SplitMix64; `state[0]` moves on."""
    state[0] += _GOLDEN
    x = state[0]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def _grow(bins: Any, n_cuts: Any, weight: Any, gain: Any, rows: Any, limits: Any, seed: Any) -> Any:
    """One tree; `rows` is put in the order of its leaves."""
    depth, least, n_tried = limits
    most = 2 * (len(rows) // least) + 3
    feature = np.full(most, -1, np.int32)
    cut = np.zeros(most, np.int32)
    child = np.zeros(most, np.int32)
    value = np.zeros(most, np.float32)
    first = np.zeros(most, np.int64)
    last = np.zeros(most, np.int64)
    level = np.zeros(most, np.int64)
    last[0] = len(rows)
    n_nodes = 1
    state = np.array([seed], np.uint64)
    columns = np.arange(len(n_cuts))
    at = 0
    while at < n_nodes:
        own = rows[first[at] : last[at]]
        total, taken = _sums(weight, gain, own)
        value[at] = taken / total if total > 0 else 0.0
        if level[at] < depth and len(own) >= 2 * least and 0 < taken < total:
            _draw(columns, n_tried, state)
            tried = columns[:n_tried]
            best, best_cut = _best_cut(bins, n_cuts, weight, gain, own, tried, least)
            if best >= 0:
                middle = _parted(bins[best], best_cut, own)
                feature[at] = best
                cut[at] = best_cut
                child[at] = n_nodes
                first[n_nodes] = first[at]
                last[n_nodes] = first[n_nodes + 1] = first[at] + middle
                last[n_nodes + 1] = last[at]
                level[n_nodes] = level[n_nodes + 1] = level[at] + 1
                n_nodes += 2
        at += 1
    return feature[:n_nodes], cut[:n_nodes], child[:n_nodes], value[:n_nodes]


@njit(cache=True, nogil=True)
def _sums(weight: Any, gain: Any, rows: Any) -> Any:
    total = 0.0
    taken = 0.0
    for i in rows:
        total += weight[i]
        taken += gain[i]
    return total, taken


@njit(cache=True, nogil=True)
def _draw(columns: Any, n: int, state: Any) -> None:
    """Puts `n` columns drawn at random first."""
    for place in range(n):
        other = place + int(_random(state) % np.uint64(len(columns) - place))
        columns[place], columns[other] = columns[other], columns[place]


@njit(cache=True, nogil=True)
def _best_cut(
    bins: Any, n_cuts: Any, weight: Any, gain: Any, rows: Any, tried: Any, least: int
) -> Any:
    """The column and cut that leave the least Gini impurity; -1: none helps."""
    best, best_cut, best_gain = -1, 0, 0.0
    sums = np.empty((N_BINS, 3))
    total, taken = _sums(weight, gain, rows)
    whole = taken * taken / total
    for column in tried:
        sums[:] = 0.0
        own = bins[column]
        for i in rows:
            b = own[i]
            sums[b, 0] += weight[i]
            sums[b, 1] += gain[i]
            sums[b, 2] += 1.0
        left = np.zeros(3)
        for b in range(n_cuts[column]):
            left += sums[b]
            if left[2] < least or len(rows) - left[2] < least:
                continue
            right, right_taken = total - left[0], taken - left[1]
            found = left[1] * left[1] / left[0] + right_taken * right_taken / right - whole
            if found > best_gain + 1e-9:
                best, best_cut, best_gain = column, b, found
    return best, best_cut


@njit(cache=True, nogil=True)
def _parted(own: Any, cut: int, rows: Any) -> int:
    """Puts the rows whose bin does not exceed `cut` first; returns how many they are."""
    low, high = 0, len(rows) - 1
    while low <= high:
        if own[rows[low]] <= cut:
            low += 1
        else:
            rows[low], rows[high] = rows[high], rows[low]
            high -= 1
    return low


@njit(cache=True, nogil=True)
def _score(
    features: Any, root: Any, feature: Any, threshold: Any, child: Any, value: Any, out: Any
) -> None:
    # tree by tree: the nodes of one stay in the cache while all rows go down it
    for first in root:
        for i in range(len(features)):
            at = first
            while feature[at] >= 0:
                at = child[at] + (features[i, feature[at]] > threshold[at])
            out[i] += value[at]
    for i in range(len(features)):
        out[i] /= len(root)


@njit(cache=True, nogil=True)
def _moves(
    features: Any, root: Any, feature: Any, threshold: Any, child: Any, value: Any, out: Any
) -> None:
    share = np.float32(1.0 / len(root))
    for i in range(len(features)):
        for at in root:
            while feature[at] >= 0:
                asked, before = feature[at], value[at]
                at = child[at] + (features[i, asked] > threshold[at])  # noqa: PLW2901
                out[i, asked] += (value[at] - before) * share
