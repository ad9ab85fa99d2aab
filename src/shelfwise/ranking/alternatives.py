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
from shelfwise.ranking.random_forest import RandomForest

COMPLEXITY: Final[tuple[Kind, ...]] = (
    "rrf",
    "logistic",
    "linear",
    "forest",
    "boosted",
    "catboost",
    "blend",
)
"""Simple to complex: an alternative takes the place of a simpler one only if surely better."""
NEED_MANY: Final = frozenset({"forest", "boosted", "catboost", "blend"})
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
    """How many trees, where it is known before."""


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
    n_trees = {} if lesson.n_trees is None else {"trees": lesson.n_trees}
    if kind == "boosted":
        boosting = config.boosting.model_copy(update=n_trees)
        return BoostedRanker.fit_lists(lesson.lists, lesson.linear, boosting, rng, lesson.stop)
    if kind == "blend":
        logistic = fit_logistic(lesson.lists, config.logistic)
        boosting = config.boosting.model_copy(update=n_trees)
        return Blend(
            BoostedRanker.fit_lists(lesson.lists, logistic, boosting, rng, lesson.stop),
            RandomForest.fit_lists(lesson.lists, config.forest, rng),
        )
    if kind == "catboost":
        catboost = config.catboost.model_copy(update=n_trees)
        return fit_catboost(lesson.lists, lesson.linear, catboost, rng, lesson.stop)
    raise ValueError(f"{kind} is not learnt.")
