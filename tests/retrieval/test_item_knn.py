"""Similar items by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from tests.retrieval.conftest import asked_after

from shelfwise.retrieval.item_knn import ItemKNN, ItemKNNConfig

RNG = np.random.default_rng(0)
SEEN = sparse.csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 0]]))


def test_cosine_is_shared_shoppers_over_the_root_of_both_plus_shrink() -> None:
    model = ItemKNN.fit(SEEN, ItemKNNConfig(shrink=0, context_decay=1), RNG)
    weight = 3.0  # of a purchase
    expected = weight * np.array([1 / np.sqrt(6), 1 / np.sqrt(4)])
    np.testing.assert_allclose(model.scores(asked_after(2))[0, :2], expected, rtol=1e-6)
    shrunk = ItemKNN.fit(SEEN, ItemKNNConfig(shrink=2, context_decay=1), RNG)
    expected = weight * np.array([1 / (np.sqrt(6) + 2), 1 / (np.sqrt(4) + 2)])
    np.testing.assert_allclose(shrunk.scores(asked_after(2))[0, :2], expected, rtol=1e-6)


def test_an_item_is_not_its_own_neighbour_and_a_stranger_is_not_scored() -> None:
    model = ItemKNN.fit(SEEN, ItemKNNConfig(), RNG)
    assert np.isneginf(model.scores(asked_after(2))[0, 2:]).all()


def test_reasons_count_who_met_both() -> None:
    model = ItemKNN.fit(SEEN, ItemKNNConfig(), RNG)
    why = model.explain(asked_after(0), np.array([1], np.int32))[0][0]
    assert (why.because, why.facts) == (0, {"both": 2.0, "of": 3.0})


def test_bm25_likes_the_rarer_of_two_items_met_together_as_often() -> None:
    rows = np.zeros((30, 3))
    rows[:5] = 1  # everything together
    rows[5:25, 2] = 1  # the last one also without the others
    model = ItemKNN.fit(sparse.csr_matrix(rows), ItemKNNConfig(similarity="bm25"), RNG)
    scores = model.scores(asked_after(0))[0]
    assert scores[1] > scores[2] > 0
    assert scores[1] != pytest.approx(scores[2], rel=0.05)
