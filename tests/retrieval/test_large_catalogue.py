"""Item-to-item statistics of a catalogue too large to have a place for every item at hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.dataset import Dataset
from shelfwise.retrieval import MODELS

FEW, APART = 900, 50


def shop(item: NDArray[np.int32], n_items: int) -> Dataset:
    user = np.repeat(np.arange(600, dtype=np.int32), 12)
    return Dataset.of_pairs(user, item, 600, n_items)


@pytest.mark.parametrize(
    "name", ["item_knn", "transition", "next_item", "two_hop", "slim", "graph"]
)
def test_products_that_nobody_met_change_no_weight(name: str) -> None:
    rng = np.random.default_rng(4)
    item = (FEW * rng.random(600 * 12) ** 2).astype(np.int32)
    model, config = next((model, config) for known, model, config in MODELS if known == name)
    rng = np.random.default_rng(0)
    few = model.fit(shop(item, FEW), config(), rng).state().arrays
    many = model.fit(shop(item * APART, FEW * APART), config(), rng).state().arrays
    lengths = np.diff(many["indptr"])
    assert not lengths.reshape(FEW, APART)[:, 1:].any()
    np.testing.assert_array_equal(lengths[::APART], np.diff(few["indptr"]))
    np.testing.assert_array_equal(many["item"], few["item"] * APART)
    for column in sorted(few.keys() - {"indptr", "item", "shoppers"}):
        np.testing.assert_array_equal(many[column], few[column])
