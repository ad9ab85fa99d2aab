"""Likeness of products by what is written about them: TF-IDF and a truncated SVD.

Latent semantic analysis (Deerwester et al. 1990). Needs no events, so that a product put into the
catalogue a second ago has a vector like any other; knows nothing about what shoppers do with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from shelfwise.core.event import Product
from shelfwise.core.model import NOT_SCORED, Contribution, ModelState
from shelfwise.core.requests import Requests
from shelfwise.core.settings import Settings
from shelfwise.retrieval.context import ContextRule
from shelfwise.retrieval.interactions import EventWeights, FitData, as_dataset
from shelfwise.retrieval.neighbours import by_amount
from shelfwise.retrieval.product_words import BRAND, LEAF, FieldWeights, tokens

_OVERSAMPLED = 16
_POWER_STEPS = 4


class ContentConfig(Settings):
    """How text becomes vectors, and how a history is weighed."""

    size: int = Field(default=128, ge=1)
    """Length of the vectors; more cost memory and time."""
    min_products: int = Field(default=2, ge=1)
    """A token that fewer products have tells nothing about likeness and is dropped."""
    max_tokens: int = Field(default=50_000, ge=1)
    """Tokens kept at most, those of most products."""
    fields: FieldWeights = FieldWeights()
    """How much a token of each field counts."""
    context_decay: float = Field(default=0.7, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class Content:
    """Score: the cosine between the product and the weighted mean of the history's products."""

    name: ClassVar[str] = "content"

    vocabulary: tuple[str, ...]
    """Tokens in alphabetical order."""
    idf: NDArray[np.float32]
    axes: NDArray[np.float32]
    """[tokens, size] from TF-IDF to vectors."""
    vectors: NDArray[np.float32]
    """[n_items, size] of length 1; zeros for a product without a known token."""
    token_indptr: NDArray[np.int64]
    token: NDArray[np.int32]
    """Per item, ascending, the tokens it has."""
    timed: bool
    config: ContentConfig

    @classmethod
    def fit(cls, data: FitData, config: ContentConfig, rng: np.random.Generator) -> Content:
        """The vectors of every product of the data; `rng` draws where the SVD starts."""
        dataset = as_dataset(data)
        found = [tokens(product, config.fields) for product in _with_text(dataset.products)]
        vocabulary, counts = _vocabulary(found, config)
        idf = (np.log((1 + len(found)) / (1 + counts)) + 1).astype(np.float32)
        code = {token: at for at, token in enumerate(vocabulary)}
        rows = _tf_idf(found, code, idf)
        axes = _main_axes(rows, config.size, rng)
        return cls(
            vocabulary,
            idf,
            axes,
            _to_length_one(rows @ axes),
            rows.indptr.astype(np.int64),
            rows.indices.astype(np.int32),
            dataset.timed,
            config,
        )

    @cached_property
    def code(self) -> dict[str, int]:
        """Token to its place in the vocabulary."""
        return {token: at for at, token in enumerate(self.vocabulary)}

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """[n_items] whether the product has a vector."""
        return np.asarray(self.vectors.any(axis=1))

    @cached_property
    def rule(self) -> ContextRule:
        """How a history is weighed."""
        return ContextRule(
            self.config.weights.by_type(),
            self.config.context_decay,
            self.config.context_half_life_days,
            self.timed,
            len(self.vectors),
        )

    def vector_of(self, product: Product) -> NDArray[np.float32]:
        """[size] the product's vector, of length 1; zeros where none of its tokens is known."""
        return np.asarray(_to_length_one(self._row(product) @ self.axes)[0])

    def with_product(self, product: Product) -> Content:
        """The model that also knows `product`, whose code is the next one."""
        row = self._row(product)
        return replace(
            self,
            vectors=np.vstack([self.vectors, _to_length_one(row @ self.axes)]),
            token_indptr=np.append(self.token_indptr, self.token_indptr[-1] + row.nnz),
            token=np.append(self.token, row.indices.astype(np.int32)),
        )

    def _row(self, product: Product) -> sparse.csr_matrix:
        return _tf_idf([tokens(product, self.config.fields)], self.code, self.idf)

    def profiles(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, size] of length 1: where each history points; zeros where nowhere."""
        context = self.rule.of(requests.history)
        shape = (len(context), len(self.vectors))
        weights = sparse.csr_matrix((context.weight, context.item, context.indptr), shape=shape)
        return _to_length_one(weights @ self.vectors)

    def scores(self, requests: Requests) -> NDArray[np.float32]:
        """[n_requests, n_items]; -inf for products without text, and all without such a history."""
        profiles = self.profiles(requests)
        out = profiles @ self.vectors.T
        out[:, ~self.known] = NOT_SCORED
        out[~profiles.any(axis=1)] = NOT_SCORED
        return out

    def explain(self, requests: Requests, items: NDArray[np.int32]) -> list[list[Contribution]]:
        """Per item how much each history item's text has to do with its score.

        Facts: `same_brand` and `same_category` (1 if so), `shared_words`, how many.
        """
        context = self.rule.of(requests.history)
        history, place = np.unique(context.item, return_inverse=True)
        weight = np.bincount(place, context.weight, minlength=len(history))
        length = float(np.linalg.norm(weight @ self.vectors[history]))
        amounts = (self.vectors[items] @ self.vectors[history].T) * (weight / max(length, 1e-12))
        return [
            by_amount(
                [
                    Contribution(int(code), float(amount), self._facts(int(code), int(item)))
                    for code, amount in zip(history, row, strict=True)
                    if self.known[code]
                ]
            )
            for item, row in zip(items, amounts, strict=True)
        ]

    def shared(self, item: int, other: int) -> list[str]:
        """The tokens that both products have, the rarest first."""
        both = np.intersect1d(self._tokens(item), self._tokens(other))
        return [self.vocabulary[at] for at in both[np.argsort(-self.idf[both], kind="stable")]]

    def _tokens(self, item: int) -> NDArray[np.int32]:
        return self.token[self.token_indptr[item] : self.token_indptr[item + 1]]

    def _facts(self, item: int, other: int) -> dict[str, float]:
        shared = self.shared(item, other)
        return {
            "same_brand": float(any(token.startswith(BRAND) for token in shared)),
            "same_category": float(any(token.startswith(LEAF) for token in shared)),
            "shared_words": float(sum("=" not in token for token in shared)),
        }

    def state(self) -> ModelState:
        """The model as plain data; the vocabulary is UTF-8 bytes, a token a line."""
        text = "\n".join(self.vocabulary).encode()
        return ModelState(
            {"config": self.config.model_dump(), "timed": self.timed},
            {
                "vocabulary": np.frombuffer(text, np.uint8),
                "idf": self.idf,
                "axes": self.axes,
                "vectors": self.vectors,
                "token_indptr": self.token_indptr,
                "token": self.token,
            },
        )

    @classmethod
    def from_state(cls, state: ModelState) -> Content:
        """The model that `state` was taken from."""
        text = state.arrays["vocabulary"].tobytes().decode()
        return cls(
            tuple(text.split("\n")) if text else (),
            state.arrays["idf"],
            state.arrays["axes"],
            state.arrays["vectors"],
            state.arrays["token_indptr"],
            state.arrays["token"],
            state.settings["timed"],
            ContentConfig.model_validate(state.settings["config"]),
        )


def _with_text(table: pa.Table) -> list[Product]:
    """The products with the fields that are text."""
    fields = ["item_id", "title", "description", "brand", "category", "attributes"]
    return [
        Product(**{**row, "attributes": tuple(row["attributes"] or ())})
        for row in table.select(fields).to_pylist()
    ]


def _vocabulary(
    found: Sequence[dict[str, float]], config: ContentConfig
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The tokens kept, in alphabetical order, and how many products have each."""
    count: dict[str, int] = {}
    for one in found:
        for token in one:
            count[token] = count.get(token, 0) + 1
    often = [token for token, n in count.items() if n >= config.min_products]
    often.sort(key=lambda token: (-count[token], token))
    kept = sorted(often[: config.max_tokens])
    return tuple(kept), np.array([count[token] for token in kept], np.int64)


def _tf_idf(
    found: Sequence[dict[str, float]], code: dict[str, int], idf: NDArray[np.float32]
) -> sparse.csr_matrix:
    """[products, tokens] of length 1: the logarithm of each token's weight, times its idf."""
    indptr, indices, data = [0], [], []
    for one in found:
        known = sorted((code[token], weight) for token, weight in one.items() if token in code)
        indices += [at for at, _ in known]
        data += [weight for _, weight in known]
        indptr.append(len(indices))
    column = np.array(indices, np.int32)
    value = np.log1p(np.array(data, np.float32)) * idf[column]
    rows = sparse.csr_matrix((value, column, indptr), shape=(len(found), len(code)))
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(np.maximum(length, 1e-12), np.diff(rows.indptr)).astype(np.float32)
    return rows


def _main_axes(rows: sparse.csr_matrix, size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """[tokens, size] the leading right singular vectors, zeros where there are fewer.

    Randomised subspace iteration (Halko, Martinsson and Tropp 2011), started over the tokens in
    their alphabetical order: neither the order of products nor their ids matter.
    """
    axes = np.zeros((rows.shape[1], size), np.float32)
    width = min(size + _OVERSAMPLED, *rows.shape)
    if width == 0:
        return axes
    basis = rng.normal(size=(rows.shape[1], width)).astype(np.float32)
    for _ in range(_POWER_STEPS):
        basis = np.linalg.qr(rows.T @ (rows @ basis))[0]
    _, _, inner = np.linalg.svd(rows @ basis, full_matrices=False)
    found = basis @ inner[:size].T
    axes[:, : found.shape[1]] = found
    return axes


def _to_length_one(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 1e-6, vectors / np.maximum(length, 1e-6), 0).astype(np.float32)
