"""Matrix factorisation of implicit feedback by alternating least squares.

Hu, Koren and Volinsky, ICDM 2008. Every row is solved exactly (Cholesky), so that a history folded
in at scoring time gets the very vector it would have got in training, and a score falls apart into
what each history item gave (their section 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.dataset import Events
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
from shelfwise.retrieval.neighbours import largest
from shelfwise.retrieval.threads import over_rows

_PIECE = 256
_BLOCK = 64
"""Rows of factors per product: large enough for BLAS, small enough to stay on one thread."""


class ALSConfig(Settings):
    """Size and strength of the factorisation, and how a history is weighed."""

    factors: int = Field(default=64, ge=1)
    """Length of the vectors; more cost time and memory."""
    iterations: int = Field(default=8, ge=1)
    """Times that both sides are solved."""
    alpha: float = Field(default=20.0, gt=0)
    """Confidence that an average interaction adds to the 1 of no interaction."""
    reg: float = Field(default=30.0, gt=0)
    """Penalty on squared factors, against the sum of squared errors."""
    context_decay: float = Field(default=0.6, gt=0, le=1)
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
        items = _start(dataset.events, known, config.factors, rng)
        by_item = sparse.csr_matrix(matrix.T)
        for _ in range(config.iterations):
            users = _solved_rows(matrix, items, config)
            items = _solved_rows(by_item, users, config)
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
    def gram(self) -> NDArray[np.float32]:
        """[factors, factors] what every row's system has in common."""
        return _regularised_gram(self.factors, self.config.reg)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for items nobody met, and all where the history is empty."""
        vectors = self.vectors(requests)
        out = vectors @ self.factors.T
        out[:, ~self.known] = NOT_SCORED
        out[~vectors.any(axis=1)] = NOT_SCORED
        return out

    def vectors(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, factors] each history folded in; zeros where nothing of it is known."""
        context = self.rule.of(requests.history)
        return _solved(
            context.indptr, context.item, context.weight, self.factors, self.gram, self.config.alpha
        )

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what history items gave (Hu et al. section 5); the `most` largest."""
        context = self.rule.of(requests.history)
        history, place = np.unique(context.item, return_inverse=True)
        weight = self.config.alpha * np.bincount(place, context.weight, minlength=len(history))
        met = self.factors[history].astype(np.float64)
        system = self.gram + (met.T * weight) @ met
        appearances = np.bincount(place, minlength=len(history))
        given = self.factors[items] @ np.linalg.solve(system, met.T * (appearances + weight))
        return [
            [Contribution(int(history[at]), float(row[at])) for at in largest(row, most)]
            for row in given
        ]

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


def _start(
    events: Events, known: NDArray[np.bool_], n_factors: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Small random vectors, drawn in order of first appearance: what a code is plays no part."""
    met, first = np.unique(events.item, return_index=True)
    drawn = met[np.argsort(first)]
    drawn = drawn[drawn >= 0]
    start = np.zeros((len(known), n_factors), np.float32)
    start[drawn] = rng.normal(0.0, 0.1 / np.sqrt(n_factors), (len(drawn), n_factors))
    start[~known] = 0.0
    return start


def _solved_rows(
    matrix: sparse.csr_matrix, factors: NDArray[np.float32], config: ALSConfig
) -> NDArray[np.float32]:
    """The vectors of the rows of `matrix`, given those of its columns."""
    gram = _regularised_gram(factors, config.reg)
    return _solved(
        matrix.indptr.astype(np.int64), matrix.indices, matrix.data, factors, gram, config.alpha
    )


def _regularised_gram(factors: NDArray[np.float32], reg: float) -> NDArray[np.float32]:
    gram = factors.T @ factors
    gram[np.diag_indices(len(gram))] += np.float32(reg)
    return gram


def _solved(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    weight: NDArray[np.float32],
    factors: NDArray[np.float32],
    gram: NDArray[np.float32],
    alpha: float,
) -> NDArray[np.float32]:
    """[rows, factors] for each row the vector that explains its weighted items best."""
    out = np.zeros((len(indptr) - 1, factors.shape[1]), np.float32)
    over_rows(
        lambda start, stop: _solve_rows(
            indptr, item, weight, factors, gram, np.float32(alpha), out, start, stop
        ),
        len(out),
        _PIECE,
    )
    return out


@njit(cache=True, nogil=True)
def _solve_rows(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    weight: NDArray[np.float32],
    factors: NDArray[np.float32],
    gram: NDArray[np.float32],
    alpha: np.float32,
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    size = factors.shape[1]
    block = np.empty((_BLOCK, size), np.float32)
    scaled = np.empty((_BLOCK, size), np.float32)
    for row in range(start, stop):
        if indptr[row] == indptr[row + 1]:
            continue
        system = gram.copy()
        right = out[row]
        for first in range(indptr[row], indptr[row + 1], _BLOCK):
            n = min(_BLOCK, indptr[row + 1] - first)
            for k in range(n):
                extra = alpha * weight[first + k]
                vector = factors[item[first + k]]
                block[k] = vector
                scaled[k] = extra * vector
                right += (np.float32(1) + extra) * vector
            system += np.dot(scaled[:n].T, block[:n])
        _cholesky_solve(system, right)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _cholesky_solve(system: NDArray[np.float32], right: NDArray[np.float32]) -> None:
    """Puts the solution in `right`; the lower triangle of `system` is overwritten."""
    size = len(right)
    for i in range(size):
        for j in range(i):
            total = system[i, j]
            for k in range(j):
                total -= system[i, k] * system[j, k]
            system[i, j] = total * system[j, j]
        total = system[i, i]
        for k in range(i):
            total -= system[i, k] * system[i, k]
        system[i, i] = np.float32(1) / np.sqrt(total)
    for i in range(size):
        total = right[i]
        for k in range(i):
            total -= system[i, k] * right[k]
        right[i] = total * system[i, i]
    for i in range(size - 1, -1, -1):
        value = right[i] * system[i, i]
        right[i] = value
        for k in range(i):
            right[k] -= system[i, k] * value
