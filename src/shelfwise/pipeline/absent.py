"""What stands in for a model that cannot answer: it proposes nothing and scores nothing.

It keeps its place among the sources, so that the ranker reads the same columns as it learnt, with
this one as unknown as for any product that the model had no opinion of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests


@dataclass(frozen=True)
class Absent:
    """A model without an opinion."""

    name: ClassVar[str] = "absent"
    n_items: int

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items], nothing scored."""
        return np.full((len(requests), self.n_items), NOT_SCORED, np.float32)

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """No reason for any item."""
        del requests, most
        return [[] for _ in items]

    def state(self) -> ModelState:
        """Its size."""
        return ModelState({"n_items": self.n_items}, {})

    @classmethod
    def from_state(cls, state: ModelState) -> Absent:
        """The same again."""
        return cls(state.settings["n_items"])
