"""Behaviour, attributes and reviews in one factorisation, so that words stand in for behaviour.

Collective matrix factorisation (Singh and Gordon, KDD 2008) with implicit feedback; see
`joint_factors` for the sum that is minimised. A product that nobody met gets the vector that its
attributes give, and a shopper who did nothing the one that their reviews give. Reviews count only
while fitting and where they are handed over: the history alone decides an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.dataset import Dataset
from shelfwise.core.event import Product
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.features.tokens import review_texts
from shelfwise.retrieval.context import Context, ContextRule
from shelfwise.retrieval.interactions import (
    EventWeights,
    FitData,
    as_dataset,
    interaction_matrix,
    mean_weight,
)
from shelfwise.retrieval.joint_factors import factorise, solved_from
from shelfwise.retrieval.least_squares import fold_in, random_start, regularised_gram, shares
from shelfwise.retrieval.product_words import FieldWeights, described, tokens, words
from shelfwise.retrieval.row_products import row_products
from shelfwise.retrieval.tf_idf import Vocabulary


class CoupledConfig(Settings):
    """Size and strength of the factorisation, and how much each matrix counts."""

    factors: int = Field(default=128, ge=1)
    """Length of the vectors; more cost time and memory."""
    iterations: int = Field(default=8, ge=1)
    """Times that every part is solved."""
    alpha: float = Field(default=20.0, gt=0)
    """Confidence that an average interaction adds to the 1 of no interaction."""
    reg: float = Field(default=60.0, gt=0)
    """Penalty on squared factors, against the weighted sum of squared errors."""
    attributes: float = Field(default=1.0, gt=0)
    """Confidence of all words and attributes of products together, against all interactions'."""
    reviews: float = Field(default=0.1, ge=0)
    """The same of the words of shoppers' reviews; 0 leaves them out."""
    item_reviews: float = Field(default=0.1, ge=0)
    """The same of the words of products' reviews; 0 leaves them out."""
    fields: FieldWeights = FieldWeights(price=0.5)
    """How much a token of each field of a product counts."""
    min_products: int = Field(default=2, ge=1)
    """A token that fewer products have is dropped."""
    max_tokens: int = Field(default=20_000, ge=1)
    """Tokens of products kept at most, those of most products."""
    min_reviews: int = Field(default=5, ge=1)
    """A word that fewer reviews have is dropped."""
    max_words: int = Field(default=5_000, ge=1)
    """Words of reviews kept at most, those of most reviews."""
    idf_power: float = Field(default=1.0, ge=0)
    """How much more a rare token tells than a common one; 1 is the textbook's TF-IDF."""
    context_decay: float = Field(default=0.5, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class Lexicon:
    """The words of one matrix, and the factors that say what each means."""

    vocabulary: Vocabulary
    factors: NDArray[np.float32]
    """[words, factors]"""
    confidence: float
    """What a word of a row of nothing else adds to the 1 of no word."""

    def vectors(self, rows: sparse.csr_matrix, reg: float) -> NDArray[np.float32]:
        """[rows, factors] the vectors that TF-IDF `rows` alone give; zeros for an empty row."""
        gram = regularised_gram(self.factors, reg)
        return solved_from(_weighed(rows, self.confidence), self.factors, gram)


@dataclass(frozen=True)
class Coupled:
    """Score: the product of the item's vector and the vector solved from the history."""

    name: ClassVar[str] = "coupled"

    factors: NDArray[np.float32]
    """[n_items, factors]; zeros for an item that nobody met and nothing is known of."""
    met: NDArray[np.float32]
    """[factors, factors] products of the vectors of the items that anybody met, summed."""
    attributes: Lexicon
    """What the words and attributes of products mean."""
    reviews: Lexicon
    """What the words that shoppers write mean."""
    scale: float
    """Mean weight of the interactions fitted on, by which those of a history are divided."""
    timed: bool
    config: CoupledConfig

    @classmethod
    def fit(cls, data: FitData, config: CoupledConfig, rng: np.random.Generator) -> Coupled:
        """The factors of the data; `rng` draws where they start."""
        dataset = as_dataset(data)
        matrix = interaction_matrix(dataset, config.weights)
        scale = mean_weight(matrix)
        matrix.data *= np.float32(config.alpha / scale)
        met = np.bincount(matrix.indices, minlength=dataset.n_items) > 0
        vocabulary, described_by = _attributes(dataset, config)
        spoken, by_user, by_item = _reviews(dataset, config)
        total = float(matrix.sum())
        of_attributes = _confidence(described_by, config.attributes * total)
        of_reviews = _confidence(by_user, config.reviews * total)
        of_item_reviews = _confidence(by_item, config.item_reviews * total)
        joint = factorise(
            matrix,
            random_start(dataset.events, met, config.factors, rng),
            [_weighed(by_user, of_reviews)],
            [_weighed(described_by, of_attributes), _weighed(by_item, of_item_reviews)],
            config.reg,
            config.iterations,
        )
        attributes = Lexicon(vocabulary, joint.item_words[0], of_attributes)
        # exactly what a product that comes later would get, not where the steps have got to
        joint.items[~met] = attributes.vectors(described_by[~met], config.reg)
        return cls(
            joint.items,
            regularised_gram(joint.items[met], 0.0),
            attributes,
            Lexicon(spoken, joint.user_words[0], of_reviews),
            scale,
            dataset.timed,
            config,
        )

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
    def unknown(self) -> NDArray[np.int64]:
        """Codes of items without a vector."""
        return np.flatnonzero(~self.factors.any(axis=1))

    @cached_property
    def across(self) -> NDArray[np.float32]:
        """[factors, n_items] the factors as scoring reads them."""
        return np.ascontiguousarray(self.factors.T)

    @cached_property
    def answers(self) -> NDArray[np.float32]:
        """[n_items, factors] what every history's system has in common, solved for each item."""
        return self.factors @ _inverse(self.met, self.config.reg)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for items nothing is known of, or where the history is."""
        return self._scores(self.vectors(requests))

    def scores_with_reviews(
        self, requests: Requests, texts: Sequence[Sequence[str]]
    ) -> NDArray[np.float32]:
        """The same with what each request's shopper wrote; a history may then be empty."""
        return self._scores(self.vectors_with_reviews(requests, texts))

    def _scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        out = row_products(vectors, self.across)
        out[:, self.unknown] = NOT_SCORED
        out[~vectors.any(axis=1)] = NOT_SCORED
        return out

    def vectors(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, factors] each history folded in; zeros where nothing of it is known."""
        context = self.rule.of(requests.history)
        return fold_in(context, self.config.alpha, self.factors, self.answers)

    def vectors_with_reviews(
        self, requests: Requests, texts: Sequence[Sequence[str]]
    ) -> NDArray[np.float32]:
        """[n_requests, factors] each history and the texts beside it folded in together."""
        rows = self.reviews.vocabulary.rows([_counted(own) for own in texts])
        wrote = np.diff(rows.indptr) > 0
        factors = np.concatenate([self.factors, self.reviews.factors])
        gram = self.met + regularised_gram(self.reviews.factors, 0.0)
        answers = factors @ _inverse(gram, self.config.reg)
        context = self.rule.of(requests.history)
        extra = np.float32(self.config.alpha) * context.weight
        met = sparse.csr_matrix(
            (extra, context.item, context.indptr), shape=(len(context), len(self.factors))
        )
        both = sparse.hstack([met, _weighed(rows, self.reviews.confidence)], format="csr")
        together = Context(both.indptr.astype(np.int64), both.indices, both.data)
        with_words = fold_in(together, 1.0, factors, answers)
        return np.where(wrote[:, None], with_words, self.vectors(requests))

    def vector_of(self, product: Product) -> NDArray[np.float32]:
        """[factors] the vector that the product's attributes and words alone give."""
        rows = self.attributes.vocabulary.rows([tokens(product, self.config.fields)])
        return np.asarray(self.attributes.vectors(rows, self.config.reg)[0])

    def with_product(self, product: Product) -> Coupled:
        """The model that also knows `product`, whose code is the next one."""
        return replace(self, factors=np.vstack([self.factors, self.vector_of(product)]))

    def explain(
        self, requests: Requests, items: NDArray[np.int32], most: int | None = None
    ) -> list[list[Contribution]]:
        """Per item what history items gave (Hu et al. section 5); the `most` largest."""
        context = self.rule.of(requests.history)
        return shares(context, self.config.alpha, self.factors, self.answers, items, most)

    def state(self) -> ModelState:
        """The model as plain data; words are UTF-8 bytes, one a line."""
        return ModelState(
            {
                "config": self.config.model_dump(),
                "timed": self.timed,
                "scale": self.scale,
                "attribute_confidence": self.attributes.confidence,
                "review_confidence": self.reviews.confidence,
            },
            {
                "factors": self.factors,
                "met": self.met,
                **_arrays("attribute", self.attributes),
                **_arrays("review", self.reviews),
            },
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Coupled:
        """The model that `state` was taken from."""
        arrays = state.arrays
        config = CoupledConfig.model_validate(state.settings["config"])
        return cls(
            arrays["factors"],
            arrays["met"],
            _lexicon("attribute", state),
            _lexicon("review", state),
            state.settings["scale"],
            state.settings["timed"],
            config,
        )


def _attributes(dataset: Dataset, config: CoupledConfig) -> tuple[Vocabulary, sparse.csr_matrix]:
    """The tokens of the products, and a row of them for each item."""
    found = [tokens(product, config.fields) for product in described(dataset.products)]
    vocabulary = Vocabulary.of(
        found,
        min_products=config.min_products,
        max_tokens=config.max_tokens,
        power=config.idf_power,
    )
    return vocabulary, vocabulary.rows(found)


def _reviews(
    dataset: Dataset, config: CoupledConfig
) -> tuple[Vocabulary, sparse.csr_matrix, sparse.csr_matrix]:
    """The words of the reviews, and a row of them for each shopper and for each item."""
    found = [_counted([text]) for text in review_texts(dataset.reviews)]
    vocabulary = Vocabulary.of(
        found,
        min_products=config.min_reviews,
        max_tokens=config.max_words,
        power=config.idf_power,
    )
    writer, about = (_codes(dataset.reviews, name) for name in ("user", "item"))
    by_user = vocabulary.rows(_gathered(found, writer, dataset.n_users))
    return vocabulary, by_user, vocabulary.rows(_gathered(found, about, dataset.n_items))


def _counted(texts: Iterable[str]) -> dict[str, float]:
    """How often each word is in the texts."""
    count = Counter(word for text in texts for word in words(text))
    return {word: float(times) for word, times in count.items()}


def _codes(reviews: pa.Table, name: str) -> NDArray[np.int32]:
    return np.asarray(reviews.column(name).to_numpy(zero_copy_only=False), np.int32)


def _gathered(
    found: Sequence[dict[str, float]], owner: NDArray[np.int32], n: int
) -> list[dict[str, float]]:
    """The words of the reviews of each of `n` owners; those of nobody (-1) are left out."""
    out: list[dict[str, float]] = [{} for _ in range(n)]
    for own, code in zip(found, owner.tolist(), strict=True):
        if code >= 0:
            of = out[code]
            for word, times in own.items():
                of[word] = of.get(word, 0.0) + times
    return out


def _confidence(rows: sparse.csr_matrix, total: float) -> float:
    """What the rows are multiplied by to sum up to `total`; 0 where there is nothing in them."""
    return total / float(rows.sum()) if rows.nnz else 0.0


def _weighed(rows: sparse.csr_matrix, confidence: float) -> sparse.csr_matrix:
    """The rows as confidence beyond 1; nothing stored where that is nothing."""
    out = sparse.csr_matrix(rows * np.float32(confidence))
    out.eliminate_zeros()
    return out


def _inverse(gram: NDArray[np.float32], reg: float) -> NDArray[np.float32]:
    return np.linalg.inv(gram.astype(np.float64) + reg * np.eye(len(gram))).astype(np.float32)


def _arrays(name: str, lexicon: Lexicon) -> dict[str, NDArray[Any]]:
    text = "\n".join(lexicon.vocabulary.tokens).encode()
    return {
        f"{name}_words": np.frombuffer(text, np.uint8),
        f"{name}_idf": lexicon.vocabulary.idf,
        f"{name}_factors": lexicon.factors,
    }


def _lexicon(name: str, state: ModelState) -> Lexicon:
    text = state.arrays[f"{name}_words"].tobytes().decode()
    return Lexicon(
        Vocabulary(tuple(text.split("\n")) if text else (), state.arrays[f"{name}_idf"]),
        state.arrays[f"{name}_factors"],
        state.settings[f"{name}_confidence"],
    )
