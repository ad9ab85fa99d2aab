"""Gradient-boosted oblivious trees on top of a linear ranker, for what is not a sum of effects.

On top, not instead: the linear ranker finds the main order from little data, and the trees spend
their splits on interactions alone. Trees overfit a validation window, hence the early stopping on
requests that are held out: by their loss, since NDCG@10 of some hundred requests is too noisy to
tell 70 trees from 250.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.model import ModelState
from shelfwise.core.settings import Settings
from shelfwise.core.threads import over_rows
from shelfwise.ranking.binning import bin_edges, binned
from shelfwise.ranking.growing import GrownTree, TreeShape, grow, route
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.linear import LinearConfig, LinearRanker
from shelfwise.ranking.trees import DEPTH, Forest, node_values


class BoostingConfig(Settings):
    """How the trees are grown."""

    loss: Literal["softmax", "logistic"] = "softmax"
    """softmax: which candidate of a request is taken; logistic: whether each one is."""
    trees: int = Field(default=250, ge=1)
    """Trees at most."""
    depth: int = Field(default=5, ge=1, le=DEPTH)
    """Questions a tree asks."""
    learning_rate: float = Field(default=0.15, gt=0, le=1)
    """Share of each tree's step that is taken."""
    l2: float = Field(default=10.0, gt=0)
    """Penalty on leaf values, in units of the loss's curvature."""
    request_share: float = Field(default=0.7, gt=0, le=1)
    """Share of the requests each tree learns from."""
    feature_share: float = Field(default=0.5, gt=0, le=1)
    """Share of the features each tree may ask about."""
    patience: int = Field(default=20, ge=1)
    """Trees without a lower held-out loss after which growing stops."""


@dataclass(frozen=True)
class BoostedRanker:
    """The linear ranker's score plus that of trees."""

    linear: LinearRanker
    forest: Forest

    @property
    def names(self) -> tuple[str, ...]:
        """The features it reads, in this order."""
        return self.linear.names

    def named_weights(self) -> dict[str, float]:
        """The weight of each standardised feature in the linear part."""
        return self.linear.named_weights()

    @property
    def n_trees(self) -> int:
        """How many trees there are: where growing stopped."""
        return len(self.forest)

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        names: Sequence[str],
        indptr: NDArray[np.int64],
        relevance: NDArray[np.float32],
        config: BoostingConfig,
        rng: np.random.Generator,
    ) -> BoostedRanker:
        """A linear ranker and trees on top; every fifth request is held out to stop the growing."""
        lists = JudgedLists.of(features, tuple(names), indptr, relevance)
        held = rng.permutation(len(lists)) % 5 == 0
        fit = lists.take(lists.learnable() & ~held)
        stop = lists.take(lists.learnable() & held)
        return cls.fit_lists(fit, LinearRanker.fit_lists(fit, LinearConfig()), config, rng, stop)

    @classmethod
    def fit_lists(
        cls,
        lists: JudgedLists,
        linear: LinearRanker,
        config: BoostingConfig,
        rng: np.random.Generator,
        stop: JudgedLists | None = None,
    ) -> BoostedRanker:
        """Trees on top of `linear`; all of `config.trees`, or the best number for `stop`."""
        edges = bin_edges(lists.features, rng)
        fit = _Progress(lists, linear, edges)
        if config.loss == "logistic":
            fit.to_log_odds()
        watch = None if stop is None or len(stop) == 0 else _Progress(stop, linear, edges)
        trees: list[GrownTree] = []
        best, n_best = (watch.loss(), 0) if watch else (0.0, config.trees)
        while len(trees) < config.trees:
            tree = _next_tree(fit, config, rng)
            trees.append(tree)
            fit.add(tree, config.learning_rate)
            if watch:
                watch.add(tree, config.learning_rate)
                loss = watch.loss()
                if loss < best:
                    best, n_best = loss, len(trees)
                elif len(trees) - n_best >= config.patience:
                    break
        return cls(linear, _forest(trees[:n_best], edges, config.learning_rate))

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] log-odds up to a constant of the request; a row's never depends on others."""
        return self.linear.score(features) + self.forest.score(features)

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_features] what each feature adds, by its weight and in the trees."""
        return self.linear.contributions(features) + self.forest.contributions(features)

    def state(self) -> ModelState:
        """The ranker as plain data."""
        linear = self.linear.state()
        own = {
            "tree_feature": self.forest.feature,
            "tree_threshold": self.forest.threshold,
            "tree_value": self.forest.value,
        }
        return ModelState(linear.settings, linear.arrays | own)

    @classmethod
    def from_state(cls, state: ModelState) -> BoostedRanker:
        """The ranker that `state` was taken from; its scores are identical."""
        arrays = state.arrays
        forest = Forest(arrays["tree_feature"], arrays["tree_threshold"], arrays["tree_value"])
        return cls(LinearRanker.from_state(state), forest)


class _Progress:
    """Lists with their scores so far."""

    def __init__(
        self, lists: JudgedLists, linear: LinearRanker, edges: tuple[NDArray[np.float32], ...]
    ) -> None:
        self.lists = lists
        self.bins = binned(lists.features, edges)
        self.n_cuts = np.array([len(own) for own in edges])
        self.scores = linear.score(lists.features)

    def add(self, tree: GrownTree, learning_rate: float) -> None:
        step = (tree.value * learning_rate).astype(np.float32)
        self.scores += step[route(tree, self.bins)]

    def to_log_odds(self) -> None:
        """Shifts each request's scores to where their odds are those of the listwise model."""
        self.scores -= np.repeat(self._levels(), np.diff(self.lists.indptr))

    def loss(self) -> float:
        """The listwise loss: smoother in the number of trees than any count of the first places."""
        shown = self.lists.relevance * (self.scores + self.lists.log_weight)
        first = self.lists.indptr[:-1]
        gains = np.add.reduceat(self.lists.relevance, first)
        return float(np.mean(self._levels() - np.add.reduceat(shown, first) / gains))

    def _levels(self) -> NDArray[np.float32]:
        """[n_requests] log of the sum of exponentials of each request's scores."""
        weighted = self.scores + self.lists.log_weight
        out: NDArray[np.float32] = np.logaddexp.reduceat(weighted, self.lists.indptr[:-1])
        return out


def _next_tree(fit: _Progress, config: BoostingConfig, rng: np.random.Generator) -> GrownTree:
    lists = fit.lists
    slopes = np.empty((len(fit.scores), 2), np.float32)
    derive = _softmax_slopes if config.loss == "softmax" else _logistic_slopes

    def work(start: int, stop: int) -> None:
        request = lists.indptr[start : stop + 1]
        derive(fit.scores, request, lists.relevance, lists.log_weight, slopes)

    over_rows(work, len(lists), 2048)
    drawn = rng.random(len(lists)) < config.request_share
    rows = np.flatnonzero(np.repeat(drawn, np.diff(lists.indptr)))
    n_features = len(lists.names)
    n_columns = max(1, round(config.feature_share * n_features))
    columns = np.sort(rng.choice(n_features, n_columns, replace=False))
    return grow(fit.bins, fit.n_cuts, slopes, rows, columns, TreeShape(config.depth, config.l2))


def _forest(
    trees: list[GrownTree], edges: tuple[NDArray[np.float32], ...], learning_rate: float
) -> Forest:
    """The trees over raw values."""
    if not trees:
        return Forest.empty()
    feature = np.zeros((len(trees), DEPTH), np.int32)
    threshold = np.full((len(trees), DEPTH), np.inf, np.float32)
    for t, tree in enumerate(trees):
        feature[t, : len(tree.feature)] = tree.feature
        for level, (at, cut) in enumerate(zip(tree.feature, tree.cut, strict=True)):
            threshold[t, level] = edges[at][cut]
    value = [node_values(tree.value * learning_rate, tree.cover) for tree in trees]
    return Forest(feature, threshold, np.stack(value))


@njit(cache=True, nogil=True)
def _softmax_slopes(scores: Any, indptr: Any, relevance: Any, log_weight: Any, slopes: Any) -> None:
    for r in range(len(indptr) - 1):
        start, stop = indptr[r], indptr[r + 1]
        highest = np.float32(-np.inf)
        gains = 0.0
        for i in range(start, stop):
            highest = max(highest, scores[i] + log_weight[i])
            gains += relevance[i]
        partition = 0.0
        for i in range(start, stop):
            slopes[i, 0] = math.exp(scores[i] + log_weight[i] - highest)
            partition += slopes[i, 0]
        for i in range(start, stop):
            chance = slopes[i, 0] / partition
            slopes[i, 0] = chance - relevance[i] / gains
            slopes[i, 1] = chance * (1.0 - chance)


@njit(cache=True, nogil=True)
def _logistic_slopes(
    scores: Any, indptr: Any, relevance: Any, log_weight: Any, slopes: Any
) -> None:
    for i in range(indptr[0], indptr[-1]):
        chance = 1.0 / (1.0 + math.exp(-scores[i]))
        taken = relevance[i] > 0
        # every relevant row was kept, so it stands for itself alone: see `JudgedLists.row_weight`
        weight = 1.0 if taken else math.exp(log_weight[i])
        slopes[i, 0] = weight * (chance - (1.0 if taken else 0.0))
        slopes[i, 1] = weight * chance * (1.0 - chance)
