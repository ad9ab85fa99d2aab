"""Two towers: a shopper's history and a product, each as a vector, by ids and by content.

A product is the sum of a vector of its own and of those of its words, brand, category, attributes
and price level. In training the own vector is left out at random, so that the others learn to stand
for a product alone: what nobody met yet is scored by what is written about it, from the moment it
is put. Trained with PyTorch (the `[deep]` extra); a trained model answers without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.event import Product
from shelfwise.core.extras import need
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.retrieval.context import Context, ContextRule
from shelfwise.retrieval.interactions import EventWeights, FitData, as_dataset
from shelfwise.retrieval.neighbours import largest
from shelfwise.retrieval.product_words import FieldWeights
from shelfwise.retrieval.row_products import row_products
from shelfwise.retrieval.tf_idf import Vocabulary
from shelfwise.retrieval.two_tower_content import ContentTokens, described
from shelfwise.retrieval.two_tower_layers import Towers, to_length_one
from shelfwise.retrieval.two_tower_lesson import Catalogue, TowerRule, examples_of


class TwoTowerConfig(Settings):
    """Shape of the towers, how they are trained, and how a history is weighed."""

    size: int = Field(default=64, ge=1)
    """Length of the vectors; more cost time and memory."""
    hidden: int = Field(default=128, ge=1)
    """Units of each tower's layer."""
    id_dropout: float = Field(default=0.5, ge=0, le=1)
    """Share of products that must do with their content at each step of training; 1: always, and
    products have no vector of their own."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of the towers' units that is silenced at each step of training."""
    temperature: float = Field(default=0.07, gt=0)
    """What cosines are divided by before the softmax; smaller tells near from nearest."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """Of Adam at its height; it falls along half a cosine."""
    l2: float = Field(default=0.0, ge=0)
    """Penalty on squared weights, added to the loss."""
    epochs: int = Field(default=5, ge=1)
    """Passes over the histories, where `max_examples` allows."""
    max_examples: int = Field(default=1_500_000, ge=1)
    """Next items learnt from, over all epochs, at most: what bounds the time of a large shop."""
    batch: int = Field(default=1024, ge=1)
    """Next items learnt from at once, which compete with each other; fewer in a small shop."""
    uniform_negatives: int = Field(default=1024, ge=0)
    """Products drawn evenly that they compete with besides."""
    length: int = Field(default=20, ge=1)
    """Interactions before a next item that are read in training."""
    min_products: int = Field(default=2, ge=1)
    """A token that fewer products have gets no vector."""
    max_tokens: int = Field(default=100_000, ge=1)
    """Tokens with a vector at most, those of most products."""
    idf_power: float = Field(default=1.5, ge=0)
    """How much more a rare token weighs than a common one; 1 is the textbook's TF-IDF."""
    fields: FieldWeights = FieldWeights()
    """How much a token of each field counts."""
    price_weight: float = Field(default=0.5, ge=0)
    """How much the price level counts, as a token."""
    price_levels: int = Field(default=20, ge=1)
    """Levels of price, each of equally many products."""
    context_decay: float = Field(default=0.6, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""

    def rule(self) -> TowerRule:
        """The part of it that training reads."""
        return TowerRule(
            size=self.size,
            hidden=self.hidden,
            id_dropout=self.id_dropout,
            dropout=self.dropout,
            temperature=self.temperature,
            learning_rate=self.learning_rate,
            l2=self.l2,
            epochs=self.epochs,
            max_examples=self.max_examples,
            batch=self.batch,
            uniform_negatives=self.uniform_negatives,
        )


@dataclass(frozen=True)
class TwoTower:
    """Score: the cosine of the shopper's and the product's vector, over the temperature."""

    name: ClassVar[str] = "two_tower"

    tokens: ContentTokens
    towers: Towers
    items: NDArray[np.float32]
    """[n_items, size] of length 1; zeros for a product of which nothing is known."""
    steps: NDArray[np.float32]
    """[n_items, size] what each product of a history adds to the shopper's vector."""
    losses: tuple[float, ...]
    """Of each epoch of training, in nats."""
    timed: bool
    config: TwoTowerConfig

    @classmethod
    def fit(cls, data: FitData, config: TwoTowerConfig, rng: np.random.Generator) -> TwoTower:
        """The towers of the data; raises `MissingExtraError` without torch."""
        dataset = as_dataset(data)
        products = described(dataset.products)
        tokens = ContentTokens.of(
            products,
            config.fields,
            price_weight=config.price_weight,
            price_levels=config.price_levels,
            min_products=config.min_products,
            max_tokens=config.max_tokens,
            idf_power=config.idf_power,
        )
        content = tokens.rows(products)
        examples = examples_of(
            dataset, config.weights, decay=config.context_decay, length=config.length
        )
        need("torch", "deep", "The model 'two_tower' is trained")
        from shelfwise.retrieval.two_tower_training import (  # noqa: PLC0415 - torch is optional
            train_towers,
        )

        learnt = train_towers(
            examples, Catalogue(content[examples.codes]), config.rule(), int(rng.integers(2**63))
        )
        ids = np.zeros((dataset.n_items, config.size), np.float32)
        if config.id_dropout < 1:
            ids[examples.codes] = learnt.ids
        inputs = learnt.towers.inputs(content, ids)
        if len(examples) == 0:
            inputs[:] = 0
        return cls(
            tokens,
            learnt.towers,
            learnt.towers.item_vectors(inputs),
            learnt.towers.step.of(inputs),
            learnt.losses,
            dataset.timed,
            config,
        )

    @cached_property
    def rule(self) -> ContextRule:
        """How a history is weighed."""
        return ContextRule(
            self.config.weights.by_type(),
            self.config.context_decay,
            self.config.context_half_life_days,
            self.timed,
            len(self.items),
        )

    @cached_property
    def across(self) -> NDArray[np.float32]:
        """[size, n_items] the products' vectors over the temperature, as scoring reads them."""
        return np.ascontiguousarray(self.items.T / np.float32(self.config.temperature))

    @cached_property
    def unknown(self) -> NDArray[np.int64]:
        """Codes of products of which nothing is known."""
        return np.flatnonzero(~self.items.any(axis=1))

    def with_product(self, product: Product) -> TwoTower:
        """The model that also knows `product`, whose code is the next one, by its content."""
        inputs = self.towers.inputs(self.tokens.rows([product]), None)
        return replace(
            self,
            items=np.vstack([self.items, self.towers.item_vectors(inputs)]),
            steps=np.vstack([self.steps, self.towers.step.of(inputs)]),
        )

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for unknown products, and all where the history is."""
        shoppers = to_length_one(self._totals(self.rule.of(requests.history)))
        out = row_products(shoppers, self.across)
        out[:, self.unknown] = NOT_SCORED
        out[~shoppers.any(axis=1)] = NOT_SCORED
        return out

    def _totals(self, context: Context) -> NDArray[np.float32]:
        """[n_requests, size] the weighted sum of what each product of a history adds."""
        shape = (len(context), len(self.steps))
        weights = sparse.csr_matrix((context.weight, context.item, context.indptr), shape=shape)
        return np.asarray(weights @ self.steps, np.float32)

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what each product of the history added to the score."""
        context = self.rule.of(requests.history)
        history, place = np.unique(context.item, return_inverse=True)
        weight = np.bincount(place, context.weight, minlength=len(history))
        length = float(np.linalg.norm(weight @ self.steps[history]))
        scale = 1 / (max(length, 1e-6) * self.config.temperature)
        amounts = self.items[items] @ (self.steps[history].T * (weight * scale))
        return [
            [Contribution(int(history[h]), float(row[h])) for h in largest(row, most)]
            for row in amounts
        ]

    def state(self) -> ModelState:
        """The model as plain data; the tokens are UTF-8 bytes, one a line."""
        text = "\n".join(self.tokens.vocabulary.tokens).encode()
        return ModelState(
            {
                "config": self.config.model_dump(),
                "timed": self.timed,
                "losses": list(self.losses),
            },
            {
                "tokens": np.frombuffer(text, np.uint8),
                "idf": self.tokens.vocabulary.idf,
                "price_edges": self.tokens.price_edges,
                "items": self.items,
                "steps": self.steps,
                **self.towers.arrays(),
            },
        )

    @classmethod
    def from_state(cls, state: ModelState) -> TwoTower:
        """The model that `state` was taken from."""
        arrays = state.arrays
        config = TwoTowerConfig.model_validate(state.settings["config"])
        text = arrays["tokens"].tobytes().decode()
        vocabulary = Vocabulary(tuple(text.split("\n")) if text else (), arrays["idf"])
        return cls(
            ContentTokens(vocabulary, arrays["price_edges"], config.fields, config.price_weight),
            Towers.of_arrays(arrays),
            arrays["items"],
            arrays["steps"],
            tuple(state.settings["losses"]),
            state.settings["timed"],
            config,
        )
