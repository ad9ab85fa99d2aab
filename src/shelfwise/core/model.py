"""What a retrieval model is: a thing born fitted that scores every product for a shopper's history.

A model works from the history in the request alone, never from a user code it was trained with, so
that a new shopper, a new session and an event of a second ago count at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shelfwise.core.requests import Requests

NOT_SCORED = np.float32(-np.inf)
"""What `Model.scores` holds where the model has no opinion."""


@dataclass(frozen=True)
class ModelState:
    """A fitted model as plain data: `settings` is JSON, `arrays` go to flat `.npy` files."""

    settings: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Contribution:
    """How much one fact moved one score."""

    because: int
    """Code of the history item it comes from; -1 when it does not come from one."""
    amount: float
    """What it added to the score, in the model's own unit."""
    facts: dict[str, float] = field(default_factory=dict)
    """Counts and shares behind it, for example `{"both": 38, "of": 210}`."""


@runtime_checkable
class Model(Protocol):
    """A fitted retrieval model. Frozen after fitting; safe to use from several threads."""

    name: ClassVar[str]

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items], higher is better, comparable within a row; -inf: not scored.

        A new array each time: the caller may overwrite it.
        """
        ...

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """For a batch of one: what made each of `items` score as it did, largest first.

        Only the `most` largest where it is given: telling all of a long history takes time.
        """
        ...

    def state(self) -> ModelState:
        """The model as plain data."""
        ...

    @classmethod
    def from_state(cls, state: ModelState) -> Model:
        """The model that `state` was taken from; its scores are identical."""
        ...
