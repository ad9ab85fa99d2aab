"""Matrix factorisation of implicit feedback by alternating least squares.

Hu, Koren and Volinsky, ICDM 2008. Fitted by a few conjugate gradient steps a round from where the
round before ended (Takács, Pilászy and Tikk, RecSys 2011): on Beauty as accurate as exact solutions
at a tenth of the time. When scoring, a history is folded in exactly, through a system as small as
the history (Woodbury's identity), and a score falls apart into what each item gave (Hu et al. 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.retrieval.context import ContextRule
from shelfwise.retrieval.interactions import (
    EventWeights,
    FitData,
    as_dataset,
    interaction_matrix,
    mean_weight,
)
from shelfwise.retrieval.least_squares import (
    fold_in,
    improve,
    random_start,
    regularised_gram,
    shares,
)
from shelfwise.retrieval.row_products import row_products


class ALSConfig(Settings):
    """Size and strength of the factorisation, and how a history is weighed."""

    factors: int = Field(default=128, ge=1)
    """Length of the vectors; more cost time and memory."""
    iterations: int = Field(default=8, ge=1)
    """Times that both sides are solved."""
    alpha: float = Field(default=20.0, gt=0)
    """Confidence that an average interaction adds to the 1 of no interaction."""
    reg: float = Field(default=60.0, gt=0)
    """Penalty on squared factors, against the sum of squared errors."""
    context_decay: float = Field(default=0.5, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class ALS:
    """Score: the product of the item's vector and the vector solved from the history."""

    name: ClassVar[str] = "als"

    factors: NDArray[np.float32]
    """[n_items, factors]; zeros for an item that nobody met."""
    known: NDArray[np.bool_]
    """[n_items] whether anybody met it."""
    scale: float
    """Mean weight of the interactions fitted on, by which those of a history are divided."""
    timed: bool
    config: ALSConfig

    @classmethod
    def fit(cls, data: FitData, config: ALSConfig, rng: np.random.Generator) -> ALS:
        """The factors of the data; `rng` draws where they start."""
        dataset = as_dataset(data)
        matrix = interaction_matrix(dataset, config.weights)
        scale = mean_weight(matrix)
        matrix.data /= np.float32(scale)
        known = np.bincount(matrix.indices, minlength=dataset.n_items) > 0
        items = random_start(dataset.events, known, config.factors, rng)
        users = np.zeros((matrix.shape[0], items.shape[1]), np.float32)
        by_item = sparse.csr_matrix(matrix.T)
        for side in (matrix, by_item):
            side.data *= np.float32(config.alpha)
        for _ in range(config.iterations):
            _improve(users, matrix, items, config.reg)
            _improve(items, by_item, users, config.reg)
        return cls(items, known, scale, dataset.timed, config)

    @cached_property
    def rule(self) -> ContextRule:
        """How a history is weighed."""
        return ContextRule(
            self.config.weights.by_type() / np.float32(self.scale),
            self.config.context_decay,
            self.config.context_half_life_days,
            self.timed,
            len(self.factors),
        )

    @cached_property
    def never_met(self) -> NDArray[np.int64]:
        """Codes of items that nobody met."""
        return np.flatnonzero(~self.known)

    @cached_property
    def gram(self) -> NDArray[np.float32]:
        """[factors, factors] what every row's system has in common."""
        return regularised_gram(self.factors, self.config.reg)

    @cached_property
    def across(self) -> NDArray[np.float32]:
        """[factors, n_items] the factors as scoring reads them."""
        return np.ascontiguousarray(self.factors.T)

    @cached_property
    def answers(self) -> NDArray[np.float32]:
        """[n_items, factors] the common system solved for each item's vector."""
        solved = np.linalg.solve(self.gram.astype(np.float64), self.factors.T.astype(np.float64))
        return np.ascontiguousarray(solved.T, np.float32)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for items nobody met, and all where the history is empty."""
        vectors = self.vectors(requests)
        out = row_products(vectors, self.across)
        out[:, self.never_met] = NOT_SCORED
        out[~vectors.any(axis=1)] = NOT_SCORED
        return out

    def vectors(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, factors] each history folded in; zeros where nothing of it is known."""
        context = self.rule.of(requests.history)
        return fold_in(context, self.config.alpha, self.factors, self.answers)

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what history items gave (Hu et al. section 5); the `most` largest."""
        context = self.rule.of(requests.history)
        return shares(context, self.config.alpha, self.factors, self.answers, items, most)

    def state(self) -> ModelState:
        """The model as plain data."""
        return ModelState(
            {
                "config": self.config.model_dump(),
                "timed": self.timed,
                "scale": self.scale,
            },
            {"factors": self.factors, "known": self.known},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> ALS:
        """The model that `state` was taken from."""
        return cls(
            state.arrays["factors"],
            state.arrays["known"],
            state.settings["scale"],
            state.settings["timed"],
            ALSConfig.model_validate(state.settings["config"]),
        )


def _improve(
    vectors: NDArray[np.float32],
    extra: sparse.csr_matrix,
    factors: NDArray[np.float32],
    reg: float,
) -> None:
    """Moves the vectors of the rows of `extra` towards the best, given those of its columns."""
    common = regularised_gram(factors, reg)[None]
    improve(vectors, extra, factors, common, np.zeros(len(vectors), np.int8))
