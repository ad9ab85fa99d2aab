"""A linear ranker: the multinomial logit over each request's candidates.

The chance that a shopper takes candidate `i` is `exp(w·x_i) / sum_j exp(w·x_j)` (McFadden 1974;
ListNet's top-one loss with a softmax target, Cao et al., ICML 2007). It sees no interactions, and
for that needs little data: the loss is a sum over requests, so its penalty fades as they grow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import minimize

from shelfwise.core.errors import NotEnoughDataError
from shelfwise.core.model import ModelState
from shelfwise.core.settings import Settings
from shelfwise.core.threads import over_rows
from shelfwise.ranking.judged import JudgedLists

_CLIP = np.float32(10.0)
_SUM = {"reassoc", "contract", "nsz"}
_PARTS = 64
_SMALL = 2_000_000


class LinearConfig(Settings):
    """How the linear ranker is fitted."""

    l2: float = Field(default=3.0, ge=0)
    """Penalty on squared weights of standardised features, against the loss summed over requests:
    the number of requests that a weight must convince."""
    max_iterations: int = Field(default=100, ge=1)
    """L-BFGS steps at most."""


@dataclass(frozen=True)
class LinearRanker:
    """Weights of standardised features; a feature that is NaN adds nothing."""

    names: tuple[str, ...]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    """1 / standard deviation over the training rows; 0 for a feature that never varies."""
    weights: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float32],
        names: Sequence[str],
        indptr: NDArray[np.int64],
        relevance: NDArray[np.float32],
        config: LinearConfig,
        rng: np.random.Generator,  # noqa: ARG003 - every ranker is fitted with the same call
    ) -> LinearRanker:
        """The ranker that explains best which rows of each request were relevant."""
        lists = JudgedLists.of(features, tuple(names), indptr, relevance)
        return cls.fit_lists(lists, config)

    @classmethod
    def fit_lists(
        cls, lists: JudgedLists, config: LinearConfig, start: LinearRanker | None = None
    ) -> LinearRanker:
        """The same from judged lists; `start` gives the weights to begin the search with."""
        used = lists.take(check_learnable(lists))
        mean, scale = standard(used.features)
        x = standardised(used.features, mean, scale)
        target = _target(used.indptr, used.relevance)
        begin = np.zeros(len(mean)) if start is None else start.weights.astype(np.float64)

        def objective(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            loss, gradient = _loss_and_gradient(x, used.indptr, target, used.log_weight, weights)
            penalty = config.l2 * weights
            return (
                (loss + 0.5 * float(weights @ penalty)) / len(used),
                (gradient + penalty) / len(used),
            )

        found = minimize(
            objective,
            begin,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": config.max_iterations, "ftol": 1e-6, "gtol": 1e-6},
        )
        weights = np.asarray(found.x, np.float32) * (scale > 0)
        return cls(lists.names, mean, scale, weights)

    def named_weights(self) -> dict[str, float]:
        """The weight of each standardised feature."""
        return dict(zip(self.names, self.weights.tolist(), strict=True))

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows] log-odds up to a constant of the request; a row's never depends on others."""
        out = np.empty(len(features), np.float32)
        _score(features, self.mean, self.scale, self.weights, out)
        return out

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n_rows, n_features] what each feature adds, against a row that is average in it."""
        return standardised(features, self.mean, self.scale) * self.weights

    def state(self) -> ModelState:
        """The ranker as plain data."""
        arrays = {"mean": self.mean, "scale": self.scale, "weights": self.weights}
        return ModelState({"names": list(self.names)}, arrays)

    @classmethod
    def from_state(cls, state: ModelState) -> LinearRanker:
        """The ranker that `state` was taken from; its scores are identical."""
        arrays = state.arrays
        return cls(
            tuple(state.settings["names"]), arrays["mean"], arrays["scale"], arrays["weights"]
        )


def check_learnable(lists: JudgedLists) -> NDArray[np.bool_]:
    """[n_requests] those with both kinds of rows; raises `NotEnoughDataError` if there are none."""
    learnable = lists.learnable()
    if not learnable.any():
        raise NotEnoughDataError(
            "No request has both a relevant and a not relevant candidate.",
            remedy="Rank with reciprocal rank fusion until there are some.",
        )
    return learnable


def standard(
    features: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and 1 / standard deviation of each column's known values."""
    mean = np.empty(features.shape[1])
    spread = np.empty(features.shape[1])
    _moments(features, mean, spread)
    varies = spread > 1e-6 * np.maximum(1.0, np.abs(mean))
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=varies)
    return mean.astype(np.float32), scale.astype(np.float32)


def standardised(
    features: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The columns in standard deviations from their mean, within -10 and 10; NaN becomes 0."""
    out = np.empty(features.shape, np.float32)
    _standardise(features, mean, scale, out)
    return out


def _target(indptr: NDArray[np.int64], relevance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Relevance as each row's share of its request's; every request must have some."""
    total = np.add.reduceat(relevance.astype(np.float64), indptr[:-1])
    share: NDArray[np.float64] = relevance / np.repeat(total, np.diff(indptr))
    return share.astype(np.float32)


def _loss_and_gradient(
    standard: NDArray[np.float32],
    indptr: NDArray[np.int64],
    target: NDArray[np.float32],
    log_weight: NDArray[np.float32],
    weights: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    # a fixed number of parts: sums do not depend on how many threads there are
    loss = np.zeros(_PARTS)
    gradient = np.zeros((_PARTS, len(weights)))
    single = weights.astype(np.float32)

    def work(start: int, stop: int) -> None:
        _listwise(standard, indptr, target, log_weight, single, loss, gradient, start, stop)

    over_rows(work, _PARTS, _PARTS if standard.size < _SMALL else 8)
    return float(loss.sum()), gradient.sum(axis=0)


@njit(cache=True, nogil=True)
def _moments(features: Any, mean: Any, spread: Any) -> None:
    n, m = features.shape
    count = np.zeros(m)
    mean[:] = 0.0
    spread[:] = 0.0
    for i in range(n):
        for f in range(m):
            value = features[i, f]
            if math.isfinite(value):
                count[f] += 1.0
                mean[f] += value
    for f in range(m):
        mean[f] /= max(count[f], 1.0)
    for i in range(n):
        for f in range(m):
            value = features[i, f]
            if math.isfinite(value):
                spread[f] += (value - mean[f]) ** 2
    for f in range(m):
        spread[f] = math.sqrt(spread[f] / max(count[f], 1.0))


@njit(cache=True, nogil=True, inline="always")
def _standard_value(value: Any, mean: Any, scale: Any) -> Any:
    z = (value - mean) * scale
    z = min(max(z, -_CLIP), _CLIP)
    return z if z == z else np.float32(0.0)  # noqa: PLR0124 - true but for NaN


@njit(cache=True, nogil=True)
def _standardise(features: Any, mean: Any, scale: Any, out: Any) -> None:
    for i in range(features.shape[0]):
        for f in range(features.shape[1]):
            out[i, f] = _standard_value(features[i, f], mean[f], scale[f])


@njit(cache=True, nogil=True, fastmath=_SUM)
def _score(features: Any, mean: Any, scale: Any, weights: Any, out: Any) -> None:
    for i in range(features.shape[0]):
        total = np.float32(0.0)
        for f in range(features.shape[1]):
            total += _standard_value(features[i, f], mean[f], scale[f]) * weights[f]
        out[i] = total


@njit(cache=True, nogil=True, fastmath=_SUM)
def _listwise(
    standard: Any,
    indptr: Any,
    target: Any,
    log_weight: Any,
    weights: Any,
    loss: Any,
    gradient: Any,
    first: int,
    last: int,
) -> None:
    """Adds the loss and gradient of each part `p` of the requests to `loss[p]`, `gradient[p]`."""
    n_requests = len(indptr) - 1
    n_parts = len(loss)
    for p in range(first, last):
        own = np.zeros(len(weights), np.float64)
        for r in range(p * n_requests // n_parts, (p + 1) * n_requests // n_parts):
            rows = slice(indptr[r], indptr[r + 1])
            loss[p] += _listwise_one(standard[rows], target[rows], log_weight[rows], weights, own)
        gradient[p] = own


@njit(cache=True, nogil=True, fastmath=_SUM)
def _listwise_one(standard: Any, target: Any, log_weight: Any, weights: Any, own: Any) -> float:
    n, m = standard.shape
    score = np.empty(n, np.float32)
    highest = np.float32(-np.inf)
    for i in range(n):
        total = np.float32(0.0)
        for f in range(m):
            total += standard[i, f] * weights[f]
        score[i] = total
        highest = max(highest, total + log_weight[i])
    partition = 0.0
    for i in range(n):
        partition += math.exp(score[i] + log_weight[i] - highest)
    log_partition = highest + math.log(partition)
    loss = 0.0
    for i in range(n):
        chance = math.exp(score[i] + log_weight[i] - log_partition)
        loss -= target[i] * (score[i] + log_weight[i] - log_partition)
        slope = np.float32(chance - target[i])
        for f in range(m):
            own[f] += slope * standard[i, f]
    return loss
