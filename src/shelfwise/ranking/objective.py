"""What the order is for: relevance, conversion, revenue, margin, or a weighted mix of these.

The first candidates by relevance are put in order anew by what the shop expects of each: the chance
of a purchase (`ranking.outlook`) times what it brings. Each goal counts in units of its mean over
these candidates, so that weights compare things alike. What is not known is taken to be typical: a
product without a price is neither favoured nor punished for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from shelfwise.core.settings import Settings
from shelfwise.features.worth import Worth
from shelfwise.ranking.judged import top_rows

Goal = Literal["relevance", "conversion", "revenue", "margin"]


class Aim(Settings):
    """What the order of an answer is for."""

    goal: Literal["relevance", "conversion", "revenue", "margin", "mix"] = "relevance"
    """relevance: what fits best; conversion: what is most likely bought; revenue: chance of a
    purchase times price; margin: the same times margin, which a product tells by an attribute
    `margin=4.50`, `margin=30%` or `cost=12`; mix: several, by `mix`."""
    mix: dict[Goal, float] = Field(default={})
    """Weights of the goals where `goal` is mix, for example { relevance = 0.7, revenue = 0.3 }."""

    @model_validator(mode="after")
    def _whole(self) -> Aim:
        if (self.goal == "mix") != bool(self.mix):
            raise ValueError("'mix' holds weights where 'goal' is mix, and only there")
        if self.mix and (min(self.mix.values()) < 0 or sum(self.mix.values()) <= 0):
            raise ValueError("weights of 'mix' are not below 0, and one is above")
        return self

    def weights(self) -> Mapping[Goal, float]:
        """The weight of each goal that counts."""
        return self.mix if self.goal == "mix" else {self.goal: 1.0}


class ObjectiveConfig(Aim):
    """What answers are for, and what they are for in some placements."""

    candidates: int = Field(default=50, ge=1, le=1000)
    """Best candidates by relevance that are put in order anew; all others stay behind them."""
    placements: dict[str, Aim] = Field(default={})
    """By the request's `placement`, where it differs: [objective.placements.cart]."""

    def aim(self, placement: str | None) -> Aim:
        """What an answer for this placement is for."""
        return self.placements.get(placement or "", self)


def by_objective(
    aim: Aim,
    scores: NDArray[np.float32],
    indptr: NDArray[np.int64],
    chances: Mapping[str, NDArray[np.float32]],
    worth: Worth,
    item: NDArray[np.int32],
    candidates: int,
) -> NDArray[np.float32]:
    """[n_rows] scores whose order serves `aim`; relevance, or nothing known of chances: as it was.

    The first `candidates` of each request get their weighted worth, not below 0; those behind keep
    their order below 0. `chances` may hold `purchase` and `click`; a purchase is preferred.
    """
    chance = chances.get("purchase", chances.get("click"))
    if chance is None or set(aim.weights()) == {"relevance"}:
        return scores
    out = np.empty(len(scores), np.float32)
    for r in np.flatnonzero(np.diff(indptr)).tolist():
        rows = slice(indptr[r], indptr[r + 1])
        own = scores[rows]
        order = top_rows(own, np.array([0, len(own)]), len(own))
        first, behind = order[:candidates], order[candidates:]
        value = np.zeros(len(first))
        for goal, weight in aim.weights().items():
            brings = _brings(goal, own[first], chance[rows][first], worth, item[rows][first])
            value += weight * brings / max(float(np.mean(brings)), 1e-12)
        mine = out[rows]
        mine[first] = value
        mine[behind] = -1.0 - np.arange(len(behind))
    return out


def _brings(
    goal: Goal,
    scores: NDArray[np.float32],
    chance: NDArray[np.float32],
    worth: Worth,
    item: NDArray[np.int32],
) -> NDArray[np.float64]:
    """[n_rows] what is expected of each row, not below 0."""
    if goal == "relevance":
        share: NDArray[np.float64] = np.exp(scores.astype(np.float64) - float(scores.max()))
        return share
    each = np.ones(len(item))
    if goal == "revenue" or (goal == "margin" and np.isnan(worth.margin[item]).all()):
        each = _filled(worth.price[item])
    elif goal == "margin":
        each = _filled(worth.margin[item])
    return np.maximum(chance * each, 0.0)


def _filled(amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """The amounts, with the middle one where it is not known; ones where none is."""
    known = ~np.isnan(amount)
    if not known.any():
        return np.ones(len(amount))
    return np.where(known, amount, np.median(amount[known]))
