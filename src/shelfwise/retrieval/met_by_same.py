"""What models have in common whose pairs are products met by the same shoppers.

A model of this kind says in `fit` what a product adds to the score of others; weighing a history,
adding up, evidence and storage are the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.model import Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.retrieval.context import ContextRule
from shelfwise.retrieval.interactions import EventWeights
from shelfwise.retrieval.neighbours import Neighbours


class HistoryConfig(Protocol):
    """The settings by which a history is weighed."""

    @property
    def weights(self) -> EventWeights:
        """What an event of each type counts."""
        ...

    @property
    def context_decay(self) -> float:
        """Weight of a step of the history against the next one."""
        ...

    @property
    def context_half_life_days(self) -> float | None:
        """Age at which a history event counts half; none: age is ignored."""
        ...

    def model_dump(self) -> dict[str, Any]:
        """The settings as plain data."""
        ...


C = TypeVar("C", bound=HistoryConfig)


@dataclass(frozen=True)
class MetBySame(Generic[C]):
    """Score: the sum over the history of what each item adds to the others."""

    config_class: ClassVar[Any]
    """What `config` is an instance of; stored settings are checked against it."""

    neighbours: Neighbours
    both: NDArray[np.int32]
    """Per kept pair: distinct shoppers who met both."""
    shoppers: NDArray[np.int32]
    """[n_items] distinct shoppers."""
    timed: bool
    config: C

    @cached_property
    def rule(self) -> ContextRule:
        """How a history is weighed."""
        return ContextRule(
            self.config.weights.by_type(),
            self.config.context_decay,
            self.config.context_half_life_days,
            self.timed,
            self.neighbours.n_items,
        )

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf where no pair with an item of the history was kept."""
        return self.neighbours.scores(self.rule.of(requests.history))

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what each history item added; `both` of `of` shoppers met the two."""

        def facts(history_item: int, place: int) -> dict[str, float]:
            return {"both": float(self.both[place]), "of": float(self.shoppers[history_item])}

        return self.neighbours.explain(self.rule.of(requests.history), items, facts, most)

    def state(self) -> ModelState:
        """The model as plain data."""
        return ModelState(
            {"config": self.config.model_dump(), "timed": self.timed},
            {**self.neighbours.arrays(), "both": self.both, "shoppers": self.shoppers},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Self:
        """The model that `state` was taken from."""
        return cls(
            Neighbours.of_arrays(state.arrays),
            state.arrays["both"],
            state.arrays["shoppers"],
            state.settings["timed"],
            cls.config_class.model_validate(state.settings["config"]),
        )
