"""What comes after what: directed item-to-item statistics that decay with distance.

The strongest single model on short shopping sequences, at a second's cost (Beauty, 12,101 items,
198,502 events: fitted in about one second).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shelfwise.core.model import Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.retrieval.context import ContextRule
from shelfwise.retrieval.interactions import (
    EventWeights,
    FitData,
    Freshness,
    as_dataset,
    faded,
    sequences,
)
from shelfwise.retrieval.ordered_pairs import OrderedPairs, PairRule


class TransitionConfig(Settings):
    """Which pairs count, how their sums become weights, and how a history is weighed."""

    window: int = Field(default=25, ge=1)
    """Interactions looked ahead and back."""
    decay: float = Field(default=0.83, gt=0, le=1)
    """Factor per further interaction between the two."""
    backward: float = Field(default=0.26, ge=0)
    """Weight of a pair against its order in time, where one in order has 1."""
    basket: float = Field(default=1.0, ge=0)
    """Weight of a pair at the very same time, in either direction."""
    gap_half_life_days: float | None = Field(default=None, gt=0)
    """Time between the two at which a pair counts half; none: only distance counts."""
    freshness: Freshness = Freshness()
    """How pairs of long ago count."""
    source_norm: float = Field(default=0.34, ge=0)
    """Power of the shoppers of the history's item by which a sum is divided."""
    target_norm: float = Field(default=0.16, ge=0)
    """Power of the shoppers of the recommended item by which a sum is divided."""
    shrink: float = Field(default=6.0, ge=0)
    """Shoppers added to both: what few shoppers did means little."""
    neighbours: int = Field(default=200, ge=1)
    """Followers kept per item; more cost memory and time."""
    context_decay: float = Field(default=0.5, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""

    def pair_rule(self) -> PairRule:
        """The part about pairs."""
        return PairRule(
            window=self.window,
            decay=self.decay,
            backward=self.backward,
            basket=self.basket,
            gap_half_life_days=self.gap_half_life_days,
            source_norm=self.source_norm,
            target_norm=self.target_norm,
            shrink=self.shrink,
            neighbours=self.neighbours,
        )


class NextItemConfig(TransitionConfig):
    """The same, narrowed to what comes directly after the last step."""

    window: int = Field(default=1, ge=1)
    """Interactions looked ahead: 1 is the next one alone."""
    backward: float = Field(default=0.0, ge=0)
    """Weight of a pair against its order in time."""
    context_decay: float = Field(default=0.3, gt=0, le=1)
    """Weight of the history's last but one step against the last."""


@dataclass(frozen=True)
class Transition:
    """Score: the sum over the history of what each item's followers weigh."""

    name: ClassVar[str] = "transition"

    pairs: OrderedPairs
    timed: bool
    config: TransitionConfig

    @classmethod
    def fit(cls, data: FitData, config: TransitionConfig, rng: np.random.Generator) -> Transition:
        """The followers of every item of the data."""
        dataset = as_dataset(data)
        seen = faded(sequences(dataset, config.weights), config.freshness, timed=dataset.timed)
        pairs = OrderedPairs.count(seen, config.pair_rule(), timed=dataset.timed)
        return cls(pairs, dataset.timed, config)

    @cached_property
    def rule(self) -> ContextRule:
        """How a history is weighed."""
        return ContextRule(
            self.config.weights.by_type(),
            self.config.context_decay,
            self.config.context_half_life_days,
            self.timed,
            self.pairs.neighbours.n_items,
        )

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf where no item of the history leads."""
        return self.pairs.neighbours.scores(self.rule.of(requests.history))

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what each history item added, with the shoppers behind it."""
        return self.pairs.explain(self.rule.of(requests.history), items, most)

    def state(self) -> ModelState:
        """The model as plain data."""
        return ModelState(
            {"config": self.config.model_dump(), "timed": self.timed}, self.pairs.arrays()
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Transition:
        """The model that `state` was taken from."""
        return cls(
            OrderedPairs.of_arrays(state.arrays),
            state.settings["timed"],
            TransitionConfig.model_validate(state.settings["config"]),
        )


@dataclass(frozen=True)
class NextItem:
    """The transition model of directly adjacent steps: sharp where the next step is telling."""

    name: ClassVar[str] = "next_item"

    model: Transition

    @classmethod
    def fit(cls, data: FitData, config: NextItemConfig, rng: np.random.Generator) -> NextItem:
        """The direct followers of every item of the data."""
        return cls(Transition.fit(data, config, rng))

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for what never came directly after."""
        return self.model.scores(requests)

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what each history item added, with the shoppers behind it."""
        return self.model.explain(requests, items, most)

    def state(self) -> ModelState:
        """The model as plain data."""
        return self.model.state()

    @classmethod
    def from_state(cls, state: ModelState) -> NextItem:
        """The model that `state` was taken from."""
        return cls(Transition.from_state(state))
