"""Bayesian personalised ranking: vectors by which what a shopper met beats what they did not.

Rendle et al., UAI 2009: stochastic gradient ascent on ln σ(score of a met item - score of a drawn
one). A shopper is the decayed sum of the vectors of what stands around the item in their history
(as in FISM, Kabbur, Ning and Karypis, KDD 2013), not a vector of their own: so a new shopper has
one, a click counts at once, and a score falls apart into what each product of the history gave.
Unlike FISM's, an item has one vector for both sides: with the some ten events an item that shops
have, two learn less. One thread: the order of the steps is part of the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.errors import ConfigError
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.retrieval.context import Context, ContextRule
from shelfwise.retrieval.interactions import (
    EventWeights,
    FitData,
    Freshness,
    Sequences,
    as_dataset,
    faded,
    sequences,
)
from shelfwise.retrieval.neighbours import largest
from shelfwise.retrieval.row_products import row_products


class BPRConfig(Settings):
    """Size of the vectors, the steps of the training, and how a history is weighed."""

    factors: int = Field(default=128, ge=1)
    """Length of the vectors; more cost time and memory."""
    epochs: int = Field(default=30, ge=1)
    """Times that every interaction is learnt from."""
    learning_rate: float = Field(default=0.02, gt=0)
    """Length of the first steps; falls to nothing by the end."""
    reg: float = Field(default=0.03, ge=0)
    """L2 penalty, for every vector in every step that changes it."""
    hardest_of: int = Field(default=8, ge=1)
    """Items drawn for each step; the one that scores highest is learnt from. 1: as published."""
    popular_negatives: float = Field(default=0.5, ge=0, le=1)
    """Share of them drawn as often as they are met; the others are drawn evenly."""
    context_decay: float = Field(default=0.7, gt=0, le=0.95)
    """Weight of each step away from the item, in training, and back from now, when answering."""
    freshness: Freshness = Freshness()
    """How much old interactions count when fitting, against new ones."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class BPR:
    """Score: the item's bias, plus the product of its vector and the sum over the history."""

    name: ClassVar[str] = "bpr"

    factors: NDArray[np.float32]
    """[n_items, factors] what an item adds to its shopper's vector, and what that is held against;
    zeros for an item that nobody met."""
    bias: NDArray[np.float32]
    """[n_items] what an item scores with everyone; minus infinity where nobody met it."""
    scale: float
    """Mean weight of the interactions fitted on, by which those of a history are divided."""
    timed: bool
    config: BPRConfig

    @classmethod
    def fit(cls, data: FitData, config: BPRConfig, rng: np.random.Generator) -> BPR:
        """The vectors of the data; `rng` draws where they start, the order and the comparisons."""
        dataset = as_dataset(data)
        seen = faded(sequences(dataset, config.weights), config.freshness, timed=dataset.timed)
        scale = float(seen.weight.mean()) if len(seen.weight) else 1.0
        met = _first_met(dataset.events.item, seen)
        factors = _start((len(met), config.factors), rng)
        bias = np.zeros(len(met), np.float32)
        rank = np.zeros(dataset.n_items, np.int32)
        rank[met] = np.arange(len(met), dtype=np.int32)
        ranks = rank[seen.item]
        shoppers = _in_order_of_appearance(dataset.events.user, np.diff(seen.indptr) > 1)
        for epoch in range(config.epochs):
            _epoch(
                rng.permutation(shoppers),
                seen.indptr,
                ranks,
                np.sort(ranks),
                seen.weight / np.float32(scale),
                factors,
                bias,
                Step.of(config, 1 - epoch / config.epochs),
                rng,
            )
        if not np.isfinite(factors).all():
            raise ConfigError(
                f"bpr went astray at a learning rate of {config.learning_rate:g}.",
                remedy="Lower models.bpr.learning_rate or models.bpr.context_decay.",
                field="models.bpr.learning_rate",
            )
        return cls(
            _at(met, factors, dataset.n_items, 0.0),
            _at(met, bias, dataset.n_items, -np.inf),
            scale,
            dataset.timed,
            config,
        )

    @cached_property
    def rule(self) -> ContextRule:
        """How a history is weighed."""
        weights = self.config.weights.by_type() / np.float32(self.scale)
        return ContextRule(weights, self.config.context_decay, None, self.timed, len(self.bias))

    @cached_property
    def across(self) -> NDArray[np.float32]:
        """[factors, n_items] the vectors as scoring reads them."""
        return np.ascontiguousarray(self.factors.T)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for items nobody met, and all where the history is empty."""
        context = self._known(requests)
        out = row_products(self._vectors(context), self.across)
        out += self.bias
        out[np.diff(context.indptr) == 0] = NOT_SCORED
        return out

    def vectors(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, factors] the sum over each history; zeros where nothing of it is known."""
        return self._vectors(self._known(requests))

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what history items gave; its bias, which comes from none, stands at -1."""
        context = self._known(requests)
        history, place = np.unique(context.item, return_inverse=True)
        weight = np.bincount(place, context.weight, minlength=len(history))
        given = (self.factors[items] @ self.factors[history].T) * weight
        because = np.append(history, -1)
        amounts = np.column_stack([given, self.bias[items]])
        return [
            [Contribution(int(because[at]), float(row[at])) for at in largest(row, most)]
            for row in amounts
        ]

    def _known(self, requests: Requests) -> Context:
        """The weighted histories without items that nobody met."""
        context = self.rule.of(requests.history)
        kept = np.isfinite(self.bias[context.item])
        running = np.append(0, np.cumsum(kept))
        return Context(running[context.indptr], context.item[kept], context.weight[kept])

    def _vectors(self, context: Context) -> NDArray[np.float32]:
        parts = (context.weight, context.item, context.indptr)
        rows = sparse.csr_matrix(parts, shape=(len(context), len(self.factors)))
        return np.asarray(rows @ self.factors, np.float32)

    def state(self) -> ModelState:
        """The model as plain data."""
        return ModelState(
            {"config": self.config.model_dump(), "timed": self.timed, "scale": self.scale},
            {"factors": self.factors, "bias": self.bias},
        )

    @classmethod
    def from_state(cls, state: ModelState) -> BPR:
        """The model that `state` was taken from."""
        return cls(
            state.arrays["factors"],
            state.arrays["bias"],
            state.settings["scale"],
            state.settings["timed"],
            BPRConfig.model_validate(state.settings["config"]),
        )


def _first_met(item: NDArray[np.int32], seen: Sequences) -> NDArray[np.int32]:
    """The codes of the items of `seen`, in the order in which `item`, the events, first has them.

    Everything is drawn in this order, so that what an item's code is plays no part.
    """
    wanted = np.zeros(seen.n_items, np.bool_)
    wanted[seen.item] = True
    codes, first = np.unique(item, return_index=True)
    appeared = codes[np.argsort(first)]
    return appeared[(appeared >= 0) & wanted[appeared]]


def _in_order_of_appearance(
    user: NDArray[np.int32], wanted: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """The wanted shoppers in the order of their first event."""
    codes, first = np.unique(user, return_index=True)
    appeared = codes[np.argsort(first)]
    return appeared[wanted[appeared]]


def _at(
    codes: NDArray[np.int32], rows: NDArray[np.float32], n_items: int, otherwise: float
) -> NDArray[np.float32]:
    """[n_items, …] `rows` at their `codes`, `otherwise` everywhere else."""
    out = np.full((n_items, *rows.shape[1:]), otherwise, np.float32)
    out[codes] = rows
    return out


class Step(NamedTuple):
    """How a step is made, as compiled code reads it."""

    rate: np.float32
    reg: np.float32
    decay: np.float32
    hardest_of: int
    popular: float

    @classmethod
    def of(cls, config: BPRConfig, left: float) -> Step:
        """The steps of an epoch when so large a share of the training is left."""
        return cls(
            np.float32(config.learning_rate * left),
            np.float32(config.reg),
            np.float32(config.context_decay),
            config.hardest_of,
            config.popular_negatives,
        )


def _start(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(0.0, 0.1 / np.sqrt(size[1]), size).astype(np.float32)


_SUM: Final = {"reassoc", "contract", "nsz"}
_TRIES: Final = 8
"""Draws for one item that the shopper never met, before there is held to be none."""


@njit(cache=True, nogil=True)
def _epoch(
    shoppers: NDArray[np.int32],
    indptr: NDArray[np.int64],
    item: NDArray[np.int32],
    popular: NDArray[np.int32],
    weight: NDArray[np.float32],
    factors: NDArray[np.float32],
    bias: NDArray[np.float32],
    step: Step,
    rng: np.random.Generator,
) -> None:
    """One step for every interaction, shopper by shopper; changes the vectors in place.

    `popular` has every item as often as it is met, in an order that no shopper's code plays a part
    in.
    """
    longest = 0
    for user in shoppers:
        longest = max(longest, indptr[user + 1] - indptr[user])
    around = np.empty((longest, factors.shape[1]), np.float32)
    pull = np.empty_like(around)
    met_by = np.full(len(bias), -1, np.int64)
    for user in shoppers:
        own = slice(indptr[user], indptr[user + 1])
        for code in item[own]:
            met_by[code] = user
        _sum_around(item[own], weight[own], factors, step.decay, around)
        for place in range(own.stop - own.start):
            vector = around[place]
            other = _hardest(vector, popular, factors, bias, met_by, user, step, rng)
            if other < 0:
                pull[place] = 0
                continue
            at = own.start + place
            _learn(item[at], other, weight[at], vector, factors, bias, step, pull[place])
        _give_back(item[own], weight[own], pull, factors, step)


@njit(cache=True, nogil=True, fastmath=_SUM)
def _learn(
    met: int,
    other: int,
    weight: np.float32,
    vector: NDArray[np.float32],
    factors: NDArray[np.float32],
    bias: NDArray[np.float32],
    step: Step,
    pull: NDArray[np.float32],
) -> None:
    """Moves both items by the gradient of weight · ln σ(gap); `pull` gets that of the vector."""
    gap = bias[met] - bias[other]
    for k in range(len(vector)):
        gap += vector[k] * (factors[met, k] - factors[other, k])
    error = weight / (np.float32(1) + np.exp(gap))
    bias[met] += step.rate * (error - step.reg * bias[met])
    bias[other] -= step.rate * (error + step.reg * bias[other])
    for k in range(len(vector)):
        won, lost = factors[met, k], factors[other, k]
        pull[k] = error * (won - lost)
        factors[met, k] += step.rate * (error * vector[k] - step.reg * won)
        factors[other, k] -= step.rate * (error * vector[k] + step.reg * lost)


@njit(cache=True, nogil=True, fastmath=_SUM)
def _sum_around(
    item: NDArray[np.int32],
    weight: NDArray[np.float32],
    factors: NDArray[np.float32],
    decay: np.float32,
    out: NDArray[np.float32],
) -> None:
    """Per place, the sum of `weight · factors` of all others, times `decay` a step after the first.

    One running sum from each end: the cost grows with the length, not with its square.
    """
    running = np.zeros(factors.shape[1], np.float32)
    for place in range(len(item)):
        for k in range(len(running)):
            out[place, k] = running[k]
            running[k] = decay * running[k] + weight[place] * factors[item[place], k]
    running[:] = 0
    for place in range(len(item) - 1, -1, -1):
        for k in range(len(running)):
            out[place, k] += running[k]
            running[k] = decay * running[k] + weight[place] * factors[item[place], k]


@njit(cache=True, nogil=True, fastmath=_SUM)
def _give_back(
    item: NDArray[np.int32],
    weight: NDArray[np.float32],
    pull: NDArray[np.float32],
    factors: NDArray[np.float32],
    step: Step,
) -> None:
    """The gradient of `_sum_around`: each item moves by what the places around it were pulled."""
    total = np.zeros((len(item), factors.shape[1]), np.float32)
    running = np.zeros(factors.shape[1], np.float32)
    for place in range(len(item)):
        for k in range(len(running)):
            total[place, k] = running[k]
            running[k] = step.decay * running[k] + pull[place, k]
    running[:] = 0
    for place in range(len(item) - 1, -1, -1):
        moved = factors[item[place]]
        for k in range(len(running)):
            whole = total[place, k] + running[k]
            running[k] = step.decay * running[k] + pull[place, k]
            moved[k] += step.rate * (weight[place] * whole - step.reg * moved[k])


@njit(cache=True, nogil=True, fastmath=_SUM)
def _hardest(
    vector: NDArray[np.float32],
    popular: NDArray[np.int32],
    factors: NDArray[np.float32],
    bias: NDArray[np.float32],
    met_by: NDArray[np.int64],
    user: int,
    step: Step,
    rng: np.random.Generator,
) -> int:
    """Of the drawn items that `user` never met the one that scores highest; -1 if there is none.

    Zhang et al., SIGIR 2013: an item that scores low already teaches nothing.
    """
    best, highest = -1, np.float32(-np.inf)
    for _ in range(step.hardest_of):
        drawn = _never_met(popular, len(bias), met_by, user, step.popular, rng)
        if drawn < 0:
            continue
        score = bias[drawn]
        for k in range(len(vector)):
            score += vector[k] * factors[drawn, k]
        if score > highest:
            best, highest = drawn, score
    return best


@njit(cache=True, nogil=True)
def _never_met(
    popular: NDArray[np.int32],
    n_items: int,
    met_by: NDArray[np.int64],
    user: int,
    share: float,
    rng: np.random.Generator,
) -> int:
    """An item drawn as often as it is met, in that `share`, or evenly; -1 if none is new."""
    for _ in range(_TRIES):
        if rng.random() < share:
            drawn = popular[int(rng.random() * len(popular))]
        else:
            drawn = int(rng.random() * n_items)
        if met_by[drawn] != user:
            return int(drawn)
    return -1
