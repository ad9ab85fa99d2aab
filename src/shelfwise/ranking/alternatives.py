"""The ways of fusing that are learnt, and how each is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from shelfwise.ranking.blend import Blend
from shelfwise.ranking.boosting import BoostedRanker
from shelfwise.ranking.catboost_trees import fit_catboost
from shelfwise.ranking.fused import Kind, Ranker
from shelfwise.ranking.fusion_config import FusionConfig
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.linear import LinearRanker
from shelfwise.ranking.logistic import fit_logistic
from shelfwise.ranking.network import FusionNetwork
from shelfwise.ranking.random_forest import RandomForest

COMPLEXITY: Final[tuple[Kind, ...]] = (
    "rrf",
    "logistic",
    "linear",
    "forest",
    "boosted",
    "catboost",
    "network",
    "blend",
)
"""Simple to complex: one takes the place of a simpler fusion if likelier better, of the best single
model only if surely so."""
NEED_MANY: Final = frozenset({"forest", "boosted", "catboost", "network", "blend"})
"""Those that overfit few requests: not tried below `fusion.min_requests`."""


@dataclass(frozen=True)
class Lesson:
    """What an alternative learns from."""

    lists: JudgedLists
    linear: LinearRanker
    """The linear ranker of the same lists, on which trees are grown."""
    stop: JudgedLists | None = None
    """Requests whose loss says when to stop, where it is not known before."""
    n_trees: int | None = None
    """How many trees, or epochs of a network, where it is known before."""


def fit_alternative(
    kind: Kind, lesson: Lesson, config: FusionConfig, rng: np.random.Generator
) -> Ranker:
    """The ranker of this kind; those of `single` and `rrf` are not learnt."""
    if kind == "linear":
        return lesson.linear
    if kind == "logistic":
        return fit_logistic(lesson.lists, config.logistic)
    if kind == "forest":
        return RandomForest.fit_lists(lesson.lists, config.forest, rng)
    return _fit_grown(kind, lesson, config, rng)


def _fit_grown(
    kind: Kind, lesson: Lesson, config: FusionConfig, rng: np.random.Generator
) -> Ranker:
    """The rankers that are made step by step until held-out requests gain nothing more."""
    n_trees = {} if lesson.n_trees is None else {"trees": lesson.n_trees}
    boosting = config.boosting.model_copy(update=n_trees)
    if kind == "boosted":
        return BoostedRanker.fit_lists(lesson.lists, lesson.linear, boosting, rng, lesson.stop)
    if kind == "blend":
        logistic = fit_logistic(lesson.lists, config.logistic)
        return Blend(
            BoostedRanker.fit_lists(lesson.lists, logistic, boosting, rng, lesson.stop),
            RandomForest.fit_lists(lesson.lists, config.forest, rng),
        )
    if kind == "network":
        epochs = {} if lesson.n_trees is None else {"epochs": max(1, lesson.n_trees)}
        network = config.network.model_copy(update=epochs)
        return FusionNetwork.fit_lists(lesson.lists, lesson.linear, network, rng, lesson.stop)
    if kind == "catboost":
        catboost = config.catboost.model_copy(update=n_trees)
        return fit_catboost(lesson.lists, lesson.linear, catboost, rng, lesson.stop)
    raise ValueError(f"{kind} is not learnt.")
