"""A walk on the graph of shoppers and items: what those who share the history met besides.

LightGCN (He et al., SIGIR 2020) without its learnt vectors, of which Shen et al. (CIKM 2021) show
that smoothing along the graph is what is left. One hop there and back, divided by the degrees of
what is passed: of the shopper between, of where the walk starts and of where it ends, each to a
power of its own (that of the end is the beta of RP3beta, Paudel et al., TiiS 2017). It does not
know order. A second hop costs the square of the first and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
from shelfwise.retrieval.neighbours import Neighbours
from shelfwise.retrieval.shared_pairs import similar_items


class GraphConfig(Settings):
    """How much the degrees of what a walk passes hold it back, and how a history is weighed."""

    user_norm: float = Field(default=0.7, ge=0, le=2)
    """Power of a shopper's number of items by which a walk over them is divided."""
    start_norm: float = Field(default=0.7, ge=0, le=2)
    """Power of a history item's number of shoppers by which its walks are divided."""
    end_norm: float = Field(default=0.3, ge=0, le=2)
    """The same of the item that is reached; more of it favours the tail."""
    neighbours: int = Field(default=500, ge=1)
    """Items kept that are reached from each; more cost memory and time."""
    context_decay: float = Field(default=0.7, gt=0, le=1)
    """Weight of the history's last but one step against the last, and so on back."""
    context_half_life_days: float | None = Field(default=None, gt=0)
    """Age against the newest event at which a history event counts half; none: age is ignored."""
    weights: EventWeights = EventWeights()
    """What an event of each type counts."""


@dataclass(frozen=True)
class Graph(MetBySame[GraphConfig]):
    """Score: the sum over the history of the weights of all walks to an item."""

    name: ClassVar[str] = "graph"
    config_class = GraphConfig

    @classmethod
    def fit(cls, data: FitData, config: GraphConfig, rng: np.random.Generator) -> Graph:
        """The walks between all items of the data."""
        dataset = as_dataset(data)
        matrix = interaction_matrix(dataset, config.weights)
        matrix.data /= np.float32(mean_weight(matrix))
        shoppers = np.bincount(matrix.indices, minlength=dataset.n_items).astype(np.int32)
        # half of a shopper's power on each of the two steps that lead over them
        walks = _divided(matrix, config.user_norm / 2)
        end = np.maximum(shoppers, 1).astype(np.float32) ** np.float32(config.end_norm)
        near, both = similar_items(walks, end, 0.0, config.neighbours)
        # a factor of the whole row, which the order of its items does not need
        start = np.maximum(shoppers, 1) ** (config.end_norm - config.start_norm)
        weight = near.weight * np.repeat(start, np.diff(near.indptr)).astype(np.float32)
        neighbours = Neighbours(near.indptr, near.item, weight)
        return cls(neighbours, both, shoppers, dataset.timed, config)


def _divided(matrix: sparse.csr_matrix, power: float) -> sparse.csr_matrix:
    """The interactions over their shopper's number of items, to a power."""
    lengths = np.diff(matrix.indptr)
    data = matrix.data / np.repeat(np.maximum(lengths, 1) ** power, lengths)
    return sparse.csr_matrix(
        (data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape
    )
