"""What the two towers learn from: every step of every history, and what came next.

Shoppers and products are numbered by when they first appeared, so that neither an id nor a code
plays any part in what is learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from shelfwise.core.dataset import Dataset
from shelfwise.retrieval.interactions import EventWeights, sequences


@dataclass(frozen=True)
class TowerRule:
    """How the towers are shaped and trained; see `TwoTowerConfig` for what each means."""

    size: int
    hidden: int
    id_dropout: float
    dropout: float
    temperature: float
    learning_rate: float
    l2: float
    epochs: int
    max_examples: int
    batch: int
    uniform_negatives: int


@dataclass(frozen=True)
class Examples:
    """Next items and what came before each."""

    item: NDArray[np.int32]
    """[places] product numbers of all interactions, shopper by shopper, oldest first."""
    target: NDArray[np.int64]
    """[examples] the place of each next item."""
    context: NDArray[np.int64]
    """[examples, length] places before it, newest first; where weight is 0 there is none."""
    weight: NDArray[np.float32]
    """[examples, length] decayed strength of each."""
    importance: NDArray[np.float32]
    """[examples] weight of the next item's event, 1 on average."""
    codes: NDArray[np.int32]
    """[n_met] the item code of each product number."""

    def __len__(self) -> int:
        return len(self.target)

    def target_counts(self) -> NDArray[np.float64]:
        """[n_met] how often each product is a next item."""
        return np.bincount(self.item[self.target], minlength=len(self.codes)).astype(np.float64)


def examples_of(dataset: Dataset, weights: EventWeights, *, decay: float, length: int) -> Examples:
    """Every interaction but a shopper's first, with up to `length` interactions before it."""
    seen = sequences(dataset, weights)
    order = _by_first_event(dataset.events.user, seen.indptr)
    lengths = np.diff(seen.indptr)[order]
    ends = np.cumsum(lengths)
    places = np.arange(int(lengths.sum())) + np.repeat(seen.indptr[order] - ends + lengths, lengths)
    begin = np.repeat(ends - lengths, lengths)
    item, step, strength = seen.item[places], seen.step[places], seen.weight[places]
    codes, first, number = np.unique(item, return_index=True, return_inverse=True)
    by_age = np.argsort(first)
    renumbered = np.empty(len(codes), np.int32)
    renumbered[by_age] = np.arange(len(codes))
    target = np.flatnonzero(np.arange(len(item)) > begin)
    context = target[:, None] - 1 - np.arange(length)
    there = context >= begin[target][:, None]
    context = np.where(there, context, 0)
    back = np.maximum(step[target][:, None] - 1 - step[context], 0)
    weight = np.where(there, strength[context] * decay**back, 0)
    chosen = strength[target]
    return Examples(
        item=renumbered[number].astype(np.int32),
        target=target,
        context=context,
        weight=weight.astype(np.float32),
        importance=(chosen / chosen.mean()).astype(np.float32) if len(chosen) else chosen,
        codes=codes[by_age].astype(np.int32),
    )


def _by_first_event(user: NDArray[np.int32], indptr: NDArray[np.int64]) -> NDArray[np.int64]:
    """Shoppers with interactions, in the order in which they first appeared."""
    who, first = np.unique(user[user >= 0], return_index=True)
    ordered = who[np.argsort(first)].astype(np.int64)
    return ordered[np.diff(indptr)[ordered] > 0]


@dataclass(frozen=True)
class Catalogue:
    """What is known of the products that were met, by product number."""

    content: sparse.csr_matrix
    """[n_met, tokens]."""

    def tokens_of(
        self, numbers: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """The distinct tokens these products have, and where each product's own begin.

        Then, product by product, which of the distinct its own are, and their weights.
        """
        rows = self.content[numbers]
        there = np.zeros(self.content.shape[1], np.bool_)
        there[rows.indices] = True
        distinct = np.flatnonzero(there)
        place = np.cumsum(there) - 1
        return distinct, rows.indptr[:-1].astype(np.int64), place[rows.indices], rows.data
