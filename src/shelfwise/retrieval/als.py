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
from numba import njit
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.dataset import Events
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.core.threads import over_rows
from shelfwise.retrieval.context import ContextRule
from shelfwise.retrieval.interactions import (
    EventWeights,
    FitData,
    as_dataset,
    interaction_matrix,
    mean_weight,
)
from shelfwise.retrieval.neighbours import largest
from shelfwise.retrieval.row_products import row_products

_PIECE = 256
_STEPS = 3
"""Conjugate gradient steps a round; 2 and 3 end level, 1 does not."""
_CONVERGED = np.float32(1e-20)
_SUM = {"reassoc", "contract", "nsz"}


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
        items = _start(dataset.events, known, config.factors, rng)
        users = np.zeros((matrix.shape[0], items.shape[1]), np.float32)
        by_item = sparse.csr_matrix(matrix.T)
        for _ in range(config.iterations):
            _improve(users, matrix, items, config)
            _improve(items, by_item, users, config)
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
        return _regularised_gram(self.factors, self.config.reg)

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
        extra = np.float32(self.config.alpha) * context.weight
        out = np.zeros((len(context), self.factors.shape[1]), np.float32)
        over_rows(
            lambda start, stop: _fold_in(
                context.indptr, context.item, extra, self.factors, self.answers, out, start, stop
            ),
            len(out),
            _PIECE,
        )
        return out

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what history items gave (Hu et al. section 5); the `most` largest."""
        context = self.rule.of(requests.history)
        history, place = np.unique(context.item, return_inverse=True)
        weight = self.config.alpha * np.bincount(place, context.weight, minlength=len(history))
        appearances = np.bincount(place, minlength=len(history))
        # Woodbury: the system of the history's size, which is small, not of the factors'
        answers = self.answers[history].astype(np.float64)
        system = np.eye(len(history)) + weight[:, None] * (self.factors[history] @ answers.T)
        given = np.linalg.solve(system.T, answers @ self.factors[items].T).T
        given = given * (appearances + weight)
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


def _regularised_gram(factors: NDArray[np.float32], reg: float) -> NDArray[np.float32]:
    gram = factors.T @ factors
    gram[np.diag_indices(len(gram))] += np.float32(reg)
    return gram


def _improve(
    vectors: NDArray[np.float32],
    matrix: sparse.csr_matrix,
    factors: NDArray[np.float32],
    config: ALSConfig,
) -> None:
    """Moves the vectors of the rows of `matrix` towards the best, given those of its columns."""
    gram = _regularised_gram(factors, config.reg)
    extra = np.float32(config.alpha) * matrix.data
    over_rows(
        lambda start, stop: _descend(
            matrix.indptr, matrix.indices, extra, factors, gram, vectors, start, stop
        ),
        len(vectors),
        _PIECE,
    )


@njit(cache=True, nogil=True, fastmath=_SUM)
def _descend(
    indptr: NDArray[np.int32],
    item: NDArray[np.int32],
    extra: NDArray[np.float32],
    factors: NDArray[np.float32],
    gram: NDArray[np.float32],
    vectors: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    """Conjugate gradient steps on each row's system; `extra` is the confidence beyond 1."""
    size = factors.shape[1]
    residual, way, pull = (
        np.empty(size, np.float32),
        np.empty(size, np.float32),
        np.empty(size, np.float32),
    )
    for row in range(start, stop):
        items = item[indptr[row] : indptr[row + 1]]
        more = extra[indptr[row] : indptr[row + 1]]
        x = vectors[row]
        if len(items) == 0:
            x[:] = 0
            continue
        _apply(gram, factors, items, more, x, pull)
        residual[:] = -pull
        for k in range(len(items)):
            residual += (np.float32(1) + more[k]) * factors[items[k]]
        way[:] = residual
        square = np.dot(residual, residual)
        for _ in range(_STEPS):
            if square < _CONVERGED:
                break
            _apply(gram, factors, items, more, way, pull)
            length = square / np.dot(way, pull)
            x += length * way
            residual -= length * pull
            before = square
            square = np.dot(residual, residual)
            way[:] = residual + (square / before) * way


@njit(cache=True, nogil=True, fastmath=_SUM)
def _apply(
    gram: NDArray[np.float32],
    factors: NDArray[np.float32],
    items: NDArray[np.int32],
    extra: NDArray[np.float32],
    x: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Puts in `out` the product of a row's system and `x`."""
    for i in range(len(x)):
        total = np.float32(0)
        for k in range(len(x)):
            total += gram[i, k] * x[k]
        out[i] = total
    for at in range(len(items)):
        vector = factors[items[at]]
        total = np.float32(0)
        for k in range(len(x)):
            total += vector[k] * x[k]
        total *= extra[at]
        for k in range(len(x)):
            out[k] += total * vector[k]


@njit(cache=True, nogil=True)
def _fold_in(
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    extra: NDArray[np.float32],
    factors: NDArray[np.float32],
    answers: NDArray[np.float32],
    out: NDArray[np.float32],
    start: int,
    stop: int,
) -> None:
    """Solves each row's system exactly.

    With the common system C, the row's vectors Y and its extra confidences D, the answer to
    (C + Y'DY) x = Y'(1 + D) is Y C^-1 weighted by (I + D Y C^-1 Y')^-1 (1 + D).
    """
    for row in range(start, stop):
        first, n = indptr[row], indptr[row + 1] - indptr[row]
        if n == 0:
            continue
        root = np.sqrt(extra[first : first + n].astype(np.float64))
        system = np.empty((n, n), np.float64)
        right = np.empty(n, np.float64)
        for i in range(n):
            for j in range(i + 1):
                product = np.dot(answers[item[first + i]], factors[item[first + j]])
                system[i, j] = system[j, i] = root[i] * root[j] * product
            system[i, i] += 1
            right[i] = (1 + root[i] ** 2) / root[i]
        weight = root * np.linalg.solve(system, right)
        for i in range(n):
            out[row] += np.float32(weight[i]) * answers[item[first + i]]
