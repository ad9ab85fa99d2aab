"""Items met by the same shoppers, in any order: nearest neighbours of item columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from shelfwise.core.settings import Settings
from shelfwise.retrieval.interactions import (
    EventWeights,
    FitData,
    as_dataset,
    interaction_matrix,
    mean_weight,
)
from shelfwise.retrieval.met_by_same import MetBySame
from shelfwise.retrieval.shared_pairs import column_norms, similar_items


class ItemKNNConfig(Settings):
    """How alike two items are, and how a history is weighed."""

    similarity: Literal["cosine", "bm25"] = "cosine"
    """`bm25` (Robertson and Zaragoza 2009) damps popular items and shoppers of everything."""
    shrink: float = Field(default=20.0, ge=0)
    """Added to the denominator of the cosine: few shoppers in common mean little."""
    neighbours: int = Field(default=200, ge=1)
    """Similar items kept per item; more cost memory and time."""
    k1: float = Field(default=1.2, ge=0)
    """Saturation of a repeated event; bm25 only."""
    b: float = Field(default=0.75, ge=0, le=1)
    """How much an item's popularity is discounted; bm25 only."""
    context_decay: float = Field(default=0.7, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class ItemKNN(MetBySame[ItemKNNConfig]):
    """Score: the sum over the history of each item's similarity."""

    name: ClassVar[str] = "item_knn"
    config_class = ItemKNNConfig

    @classmethod
    def fit(cls, data: FitData, config: ItemKNNConfig, rng: np.random.Generator) -> ItemKNN:
        """The similar items of every item of the data."""
        dataset = as_dataset(data)
        matrix = interaction_matrix(dataset, config.weights)
        matrix.data /= np.float32(mean_weight(matrix))
        shoppers = np.bincount(matrix.indices, minlength=dataset.n_items).astype(np.int32)
        if config.similarity == "bm25":
            matrix = _bm25(matrix, config.k1, config.b)
            norm, shrink = np.ones(dataset.n_items, np.float32), 0.0
        else:
            norm = column_norms(matrix)
            shrink = config.shrink
        neighbours, both = similar_items(matrix, norm, shrink, config.neighbours)
        return cls(neighbours, both, shoppers, dataset.timed, config)


def _bm25(matrix: sparse.csr_matrix, k1: float, b: float) -> sparse.csr_matrix:
    """Square root of the BM25 weights, items as documents and users as words.

    Of the root, so that the dot product of two columns weighs each shopper once.
    """
    by_pair = matrix.tocoo()
    length = np.bincount(by_pair.col, by_pair.data, minlength=matrix.shape[1])
    mean = length[length > 0].mean() if len(by_pair.data) else 1.0
    per_user = np.bincount(by_pair.row, minlength=matrix.shape[0])
    idf = np.log1p((matrix.shape[1] - per_user + 0.5) / (per_user + 0.5))
    damped = k1 * (1 - b + b * length / mean)
    value = idf[by_pair.row] * by_pair.data * (k1 + 1) / (by_pair.data + damped[by_pair.col])
    root = np.sqrt(value).astype(np.float32)
    return sparse.csr_matrix((root, (by_pair.row, by_pair.col)), shape=matrix.shape)
