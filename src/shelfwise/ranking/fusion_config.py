"""Settings of the fusion as a whole."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shelfwise.core.settings import Settings
from shelfwise.ranking.boosting import BoostingConfig
from shelfwise.ranking.calibration import CalibrationConfig
from shelfwise.ranking.catboost_trees import CatBoostConfig
from shelfwise.ranking.linear import LinearConfig
from shelfwise.ranking.logistic import LogisticConfig
from shelfwise.ranking.network_lesson import NetworkConfig
from shelfwise.ranking.random_forest import RandomForestConfig

Tried = Literal["rrf", "logistic", "linear", "forest", "boosted", "catboost", "network", "blend"]


class FusionConfig(Settings):
    """How the sources' opinions become one score."""

    rankers: tuple[Tried, ...] = ("rrf", "logistic", "linear", "boosted")
    """The ways of fusing that are tried; the best single model is always one more. Each takes time
    in training. blend is boosted trees and a forest: level with boosted, but slower to answer;
    forest alone is weaker; catboost (extra `classics`) takes longest, and network (extra `deep`) is
    left out without its library: none is better than boosted on the shops we have."""
    drop_one: Tried | Literal["none"] = "linear"
    """The ranker that is fitted anew without each source, to show what each is worth; boosted and
    the like take as many times longer as there are sources. none: no such table."""
    k: int = Field(default=10, ge=1)
    """Length of the lists by which alternatives are compared."""
    untrained_below: int = Field(default=15, ge=1)
    """With fewer learnable requests nothing is trained: reciprocal rank fusion."""
    min_requests: int = Field(default=200, ge=1)
    """With fewer learnable requests no trees are tried, and the linear ranker is shrunk."""
    shrink: float = Field(default=50.0, ge=1)
    """How much stronger the linear penalty is below `min_requests`."""
    hard_negatives: int = Field(default=40, ge=1)
    """Not relevant candidates kept of each request: those first by reciprocal rank fusion."""
    random_negatives: int = Field(default=20, ge=1)
    """And this many others, drawn at random, which stand for all others."""
    max_fit_requests: int = Field(default=12_000, ge=100)
    """Learnable requests fitted on at most, drawn at random. More cost time and memory."""
    folds: int = Field(default=3, ge=2)
    """A request is held out once in as many folds, where requests are few."""
    one_split_from: int = Field(default=3_000, ge=100)
    """From this many learnable requests, one fifth is held out instead: faster."""
    certainty: float = Field(default=0.8, ge=0.5, lt=1)
    """Bootstrap probability of beating the best single model that a fusion must show."""
    certainty_of_few: float = Field(default=0.95, ge=0.5, lt=1)
    """The same below `min_requests`, where several ways of fusing are tried on a few hits."""
    linear: LinearConfig = LinearConfig()
    logistic: LogisticConfig = LogisticConfig()
    forest: RandomForestConfig = RandomForestConfig()
    boosting: BoostingConfig = BoostingConfig()
    catboost: CatBoostConfig = CatBoostConfig()
    network: NetworkConfig = NetworkConfig()
    calibration: CalibrationConfig = CalibrationConfig()
