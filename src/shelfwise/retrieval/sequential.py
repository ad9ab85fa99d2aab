"""A sequential transformer: reads a history step by step and says what comes next.

A product's vector is one of its own plus those of its words, brand, category, attributes and price
level, so a product that nobody met yet is scored by what is written about it. Trained with PyTorch
(the `[deep]` extra); a trained model answers without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import ConfigError
from shelfwise.core.event import Product
from shelfwise.core.extras import need
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Histories, Requests
from shelfwise.core.settings import Settings
from shelfwise.retrieval.interactions import EventWeights, FitData, as_dataset
from shelfwise.retrieval.neighbours import largest
from shelfwise.retrieval.product_words import FieldWeights
from shelfwise.retrieval.sequential_network import Network, Steps
from shelfwise.retrieval.sequential_rule import TrainingRule, batches_of_epoch
from shelfwise.retrieval.softmax import log_lift
from shelfwise.retrieval.tf_idf import Vocabulary
from shelfwise.retrieval.two_tower_content import ContentTokens, described

_NOMINAL_RATE: Final = 60e9
"""Floating-point operations a second that a time budget reckons with: modest for two cores.

Reckoned, not measured, since a budget by the clock would give another model each time.
"""

_LARGER_BATCH: Final = 4
"""Times `batch_steps`, where the softmax is sampled: a batch's fixed costs weigh more there."""
_SMALLEST_BATCH: Final = 128
_FEWEST_BATCHES: Final = 20
"""An epoch of a small shop has as many, unless they would be smaller than the smallest."""
_FEWEST_IN_ALL: Final = 300
"""Batches that even a small shop is trained on: fewer do not bring the network off its start."""


class SequentialConfig(Settings):
    """Shape of the network, and how long and how it is trained."""

    size: int = Field(default=64, ge=4, multiple_of=4)
    """Length of the vectors; time and memory grow with it."""
    layers: int = Field(default=1, ge=1, le=8)
    """Times that the history is looked back over."""
    heads: int = Field(default=4, ge=1)
    """Independent looks in a layer; divides `size`."""
    longest: int = Field(default=50, ge=1, le=500)
    """Latest interactions of a history that are read."""
    filter_share: float = Field(default=0.5, ge=0, le=1)
    """How much of a look back goes by distance alone; the rest is attention."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of numbers left out at random while training, against learning by heart."""
    id_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of products that must do with words and attributes in a batch, so that these learn to
    stand for a product alone."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Of Adam at its height; it rises shortly and falls along half a cosine."""
    epochs: float = Field(default=24.0, gt=0)
    """Times that all histories are learnt from, where `minutes` allow it."""
    minutes: float = Field(default=5.0, gt=0)
    """Training time to keep within on two processors: reckoned beforehand from the work to do."""
    batch_steps: int = Field(default=2048, ge=1)
    """Steps learnt from at once, at most; a small shop gets smaller batches, a sampled softmax
    four times as large ones."""
    max_full: int = Field(default=30_000, ge=1)
    """Products up to which every step competes with the whole catalogue."""
    sampled: int = Field(default=4096, ge=1)
    """Products drawn for a batch to compete with, in a larger catalogue."""
    max_items: int = Field(default=200_000, ge=1)
    """Most met products that get a vector of their own; the others go by words and attributes."""
    min_products: int = Field(default=2, ge=1)
    """A word or attribute that fewer products have gets no vector."""
    max_tokens: int = Field(default=50_000, ge=1)
    """Words and attributes with a vector at most, those of most products."""
    idf_power: float = Field(default=0.0, ge=0)
    """How much more a rare word weighs than a common one; 0: not at all."""
    fields: FieldWeights = FieldWeights(description=0.0)
    """How much a token of each field counts."""
    price_weight: float = Field(default=0.5, ge=0)
    """How much the price level counts, as a token."""
    price_levels: int = Field(default=10, ge=1)
    """Levels of price, each of equally many products."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts as something to be foretold."""


@dataclass(frozen=True)
class Sequential:
    """Score: log of how many times likelier than a draw at random the item comes next."""

    name: ClassVar[str] = "sequential"

    network: Network
    columns: NDArray[np.float32]
    """[size, n_items] the item vectors."""
    trained: NDArray[np.bool_]
    """[n_items] items that were learnt from; the softmax is over these."""
    scored: NDArray[np.bool_]
    """[n_items] trained, or with a known word or attribute."""
    tokens: ContentTokens
    token_vectors: NDArray[np.float32]
    """[tokens, size]"""
    config: SequentialConfig

    @classmethod
    def fit(cls, data: FitData, config: SequentialConfig, rng: np.random.Generator) -> Sequential:
        """The network that tells best what comes next in the data's histories.

        Raises `MissingExtraError` where PyTorch is not installed.
        """
        need("torch", "deep", "The model 'sequential' is trained")
        if config.size % config.heads:
            raise ConfigError(
                f"models.sequential.size ({config.size}) is not a multiple of its heads "
                f"({config.heads}).",
                remedy="Set models.sequential.heads to a number that divides the size.",
            )
        return _fitted(as_dataset(data), config, rng)

    @cached_property
    def counted(self) -> NDArray[np.float32]:
        """[n_items] 1 for items that the softmax is over."""
        return self.trained.astype(np.float32)

    @cached_property
    def type_weight(self) -> NDArray[np.float32]:
        """What each event type counts."""
        return self.config.weights.by_type()

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf where the history is empty, or nothing known of the item."""
        return self._scores(self._steps(requests.history))

    def _steps(self, history: Histories) -> Steps:
        """What is read of each history: items with a vector only."""
        return Steps.of(history, self.type_weight, self.scored, self.config.longest)

    def _scores(self, steps: Steps) -> NDArray[np.float32]:
        out = log_lift(
            self.network.vectors(steps, self.columns), self.columns, self.counted, self.scored
        )
        out[np.diff(steps.indptr) == 0] = NOT_SCORED
        return out

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what each history item added to the score, read from the newest back.

        The newest step's amount is the score of a history of that step alone; the next one's is
        what the score gains when that step is read as well, and so on: they add up to the score.
        """
        steps = self._steps(requests.history)
        if not len(steps.item):
            return [[] for _ in items]
        so_far = self._scores(steps.endings())[:, items].astype(np.float64)
        gained = np.diff(so_far, axis=0, prepend=0.0)
        history, place = np.unique(steps.item[::-1], return_inverse=True)
        amounts = np.zeros((len(items), len(history)))
        np.add.at(amounts.T, place, gained)
        return [
            [Contribution(int(history[at]), float(row[at])) for at in largest(row, most)]
            for row in amounts
        ]

    def with_product(self, product: Product) -> Sequential:
        """The model that also knows `product`, whose code is the next one, by what it says."""
        row = self.tokens.rows([product])
        vector = np.asarray(row @ self.token_vectors).T.astype(np.float32)
        return replace(
            self,
            columns=np.ascontiguousarray(np.hstack([self.columns, vector])),
            trained=np.append(self.trained, False),
            scored=np.append(self.scored, row.nnz > 0 and self.trained.any()),
        )

    def state(self) -> ModelState:
        """The model as plain data; the tokens are UTF-8 bytes, one a line."""
        text = "\n".join(self.tokens.vocabulary.tokens).encode()
        return ModelState(
            {"config": self.config.model_dump()},
            self.network.arrays()
            | {
                "columns": self.columns,
                "trained": self.trained,
                "scored": self.scored,
                "vocabulary": np.frombuffer(text, np.uint8),
                "idf": self.tokens.vocabulary.idf,
                "price_edges": self.tokens.price_edges,
                "token_vectors": self.token_vectors,
            },
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Sequential:
        """The model that `state` was taken from."""
        arrays = state.arrays
        config = SequentialConfig.model_validate(state.settings["config"])
        text = arrays["vocabulary"].tobytes().decode()
        vocabulary = Vocabulary(tuple(text.split("\n")) if text else (), arrays["idf"])
        return cls(
            Network.of_arrays(arrays),
            arrays["columns"],
            arrays["trained"],
            arrays["scored"],
            ContentTokens(vocabulary, arrays["price_edges"], config.fields, config.price_weight),
            arrays["token_vectors"],
            config,
        )


def _fitted(data: Dataset, config: SequentialConfig, rng: np.random.Generator) -> Sequential:
    # PyTorch is optional, and takes a second to import
    from shelfwise.retrieval.sequential_training import (  # noqa: PLC0415
        token_sums,
        train,
    )

    histories = _histories(data, config.weights)
    items = _most_met(histories.item, config.max_items)
    products = described(data.products)
    tokens = ContentTokens.of(
        [products[code] for code in items.tolist()],
        config.fields,
        price_weight=config.price_weight,
        price_levels=config.price_levels,
        min_products=config.min_products,
        max_tokens=config.max_tokens,
        idf_power=config.idf_power,
    )
    rows = tokens.rows(products)
    windows = _windows(histories, items, data.n_items, config)
    weight = config.weights.by_type()[windows.kind]
    rule = _rule(windows, rows[items], config)
    learnt = train(windows, weight, rows[items], rule, rng)
    vectors = token_sums(rows, learnt.tokens)
    vectors[items] += learnt.ids
    trained = np.zeros(data.n_items, np.bool_)
    trained[items] = len(windows) > 0
    return Sequential(
        learnt.network,
        np.ascontiguousarray(vectors.T),
        trained,
        trained | ((np.diff(rows.indptr) > 0) & trained.any()),
        tokens,
        learnt.tokens,
        config,
    )


def _histories(data: Dataset, weights: EventWeights) -> Histories:
    """What everyone did, the shoppers in order of their first event: codes play no part."""
    events = data.events.take(weights.of(data.events) > 0)
    users, first = np.unique(events.user, return_index=True)
    return Histories.of_users(data.with_events(events), users[np.argsort(first)])


def _most_met(item: NDArray[np.int32], most: int) -> NDArray[np.int64]:
    """Codes of the items met most often, in order of their first appearance."""
    codes, first, count = np.unique(item, return_index=True, return_counts=True)
    kept = np.lexsort((first, -count))[:most]
    return codes[kept[np.argsort(first[kept])]].astype(np.int64)


def _windows(
    histories: Histories, items: NDArray[np.int64], n_items: int, config: SequentialConfig
) -> Steps:
    """Stretches of at most `longest` steps and the one they lead to, items numbered by `items`.

    Long histories are cut from their end; a stretch begins with the last step of the one before.
    """
    place = np.full(n_items, -1, np.int32)
    place[items] = np.arange(len(items), dtype=np.int32)
    all_of_it = max(1, int(histories.lengths().max(initial=0)))
    steps = Steps.of(histories, config.weights.by_type(), place >= 0, all_of_it)
    lengths = np.diff(steps.indptr)
    n_windows = np.maximum(0, -(-(lengths - 1) // config.longest))
    row = np.repeat(np.arange(len(steps)), n_windows)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
    stop = steps.indptr[row + 1] - nth * config.longest
    start = np.maximum(steps.indptr[row], stop - config.longest - 1)
    indptr = np.concatenate([[0], np.cumsum(stop - start)]).astype(np.int64)
    where = np.arange(indptr[-1]) + np.repeat(start - indptr[:-1], stop - start)
    return Steps(indptr, place[steps.item[where]], steps.kind[where])


def _rule(windows: Steps, rows: sparse.csr_matrix, config: SequentialConfig) -> TrainingRule:
    """How long to train, and against how many products, for so much data."""
    n_items = rows.shape[0]
    sampled = config.sampled if n_items > config.max_full else None
    batch_steps = config.batch_steps * (1 if sampled is None else _LARGER_BATCH)
    targets = np.diff(windows.indptr) - 1
    batch_steps = min(batch_steps, max(_SMALLEST_BATCH, int(targets.sum()) // _FEWEST_BATCHES))
    columns = n_items if sampled is None else sampled + batch_steps
    work = 6 * batch_steps * config.size * (columns + 24 * config.layers * config.size)
    work += 60 * n_items * config.size + 6 * rows.nnz * config.size
    affordable = 60 * config.minutes * _NOMINAL_RATE / work
    wanted = max(_FEWEST_IN_ALL, config.epochs * batches_of_epoch(targets, batch_steps))
    return TrainingRule(
        size=config.size,
        layers=config.layers,
        heads=config.heads,
        longest=config.longest,
        filter_share=config.filter_share,
        dropout=config.dropout,
        id_dropout=config.id_dropout,
        learning_rate=config.learning_rate,
        batch_steps=batch_steps,
        n_batches=math.ceil(min(wanted, affordable)) if len(windows) else 0,
        sampled=sampled,
    )
