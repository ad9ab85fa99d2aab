"""What sells lately: the shoppers an item won, the newer the more. The same for everyone.

Age is against the newest event of the data, not against the request's `now`: a shop that is asked
long after its last event is told what sold last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.retrieval.interactions import (
    DAY_MS,
    EventWeights,
    FitData,
    Freshness,
    Sequences,
    as_dataset,
    faded,
    sequences,
)


class PopularConfig(Settings):
    """How popularity is counted."""

    half_life_days: float | None = Field(default=10.0, gt=0)
    """Age at which the part above the floor halves; none, or no real times: all count alike."""
    floor: float = Field(default=0.015, ge=0, le=1)
    """What the oldest event still counts, where the newest has 1: decides where little is new."""
    window_days: float = Field(default=30.0, gt=0)
    """The reason counts shoppers of so many last days; alters no score."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class Popular:
    """Each shopper counts once per item, by the event that counts most after decay."""

    name: ClassVar[str] = "popular"

    score: NDArray[np.float32]
    """[n_items]; -inf for an item that nobody met."""
    shoppers: NDArray[np.int32]
    """[n_items] distinct shoppers within the window of the reason."""
    days: float
    """Length of that window; 0 where times are not real and the window is all data."""
    config: PopularConfig

    @classmethod
    def fit(cls, data: FitData, config: PopularConfig, rng: np.random.Generator) -> Popular:
        """The popularity of every item of the data."""
        dataset = as_dataset(data)
        seen = sequences(dataset, config.weights)
        if not len(seen.item):
            n = dataset.n_items
            return cls(np.full(n, NOT_SCORED, np.float32), np.zeros(n, np.int32), 0.0, config)
        age_days = (seen.time_ms.max() - seen.time_ms) / DAY_MS
        freshness = Freshness(half_life_days=config.half_life_days, floor=config.floor)
        weight = faded(seen, freshness, timed=dataset.timed).weight
        score = _sum_of_best(seen, weight.astype(np.float64))
        score[score == 0] = NOT_SCORED
        recent = age_days < config.window_days if dataset.timed else np.ones(len(age_days), bool)
        shoppers = _sum_of_best(seen, recent.astype(np.float64)).astype(np.int32)
        span = float(np.ceil(min(config.window_days, age_days.max() + 1)))
        return cls(score.astype(np.float32), shoppers, span if dataset.timed else 0.0, config)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items] the same row for every request."""
        return np.tile(self.score, (len(requests), 1))

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item one contribution with the `shoppers` it had within `days` (0: all data)."""
        facts = [
            {"shoppers": float(self.shoppers[item])} | ({"days": self.days} if self.days else {})
            for item in items
        ]
        return [
            [Contribution(-1, float(self.score[item]), fact)] if self.score[item] > 0 else []
            for item, fact in zip(items, facts, strict=True)
        ]

    def state(self) -> ModelState:
        """The model as plain data."""
        return ModelState(
            {"config": self.config.model_dump(), "days": self.days},
            {"score": self.score, "shoppers": self.shoppers},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Popular:
        """The model that `state` was taken from."""
        return cls(
            state.arrays["score"],
            state.arrays["shoppers"],
            state.settings["days"],
            PopularConfig.model_validate(state.settings["config"]),
        )


def _sum_of_best(seen: Sequences, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n_items] the sum over users of the greatest `value` among their events on the item."""
    key = seen.users().astype(np.int64) * seen.n_items + seen.item
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    best = np.maximum.reduceat(value[order], first)
    best_sum = np.bincount(seen.item[order[first]], best, minlength=seen.n_items)
    return best_sum.astype(np.float64)
