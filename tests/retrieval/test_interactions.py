"""What events are worth, and how histories and matrices are made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from tests.retrieval.conftest import asked_after, shop_of

from shelfwise.core.columns import EVENT_CODE
from shelfwise.retrieval.context import MAX_INTERACTIONS, ContextRule
from shelfwise.retrieval.interactions import (
    EventWeights,
    as_dataset,
    interaction_matrix,
    mean_weight,
    sequences,
)

ITEMS = ["a", "b", "c"]
ROWS = [
    ("u", "a", "view", 0),
    ("v", "b", "impression", 0),
    ("u", "a", "purchase", 1),
    ("u", "b", "view", 2),
    ("u", "c", "add_to_cart", 2),
    ("v", "a", "refund", 2),
    ("u", "a", "view", 5),
]


def rule(half_life_days: float | None = None, *, timed: bool = True) -> ContextRule:
    """A rule that halves with each step back."""
    return ContextRule(EventWeights().by_type(), 0.5, half_life_days, timed, 3)


def test_sequences_join_consecutive_events_and_number_the_moments() -> None:
    seen = sequences(shop_of(ROWS, ITEMS, []), EventWeights())
    assert seen.indptr.tolist() == [0, 4, 4]
    assert seen.item.tolist() == [0, 1, 2, 0]
    assert seen.weight.tolist() == [3.0, 1.0, 2.0, 1.0]
    assert seen.step.tolist() == [0, 1, 1, 2]
    assert seen.shoppers().tolist() == [1, 1, 1]


def test_without_real_times_every_interaction_is_a_moment_of_its_own() -> None:
    shop = replace(shop_of(ROWS, ITEMS, []), timed=False)
    assert sequences(shop, EventWeights()).step.tolist() == [0, 1, 2, 3]


def test_the_matrix_holds_the_weightiest_event_of_each_pair() -> None:
    matrix = interaction_matrix(shop_of(ROWS, ITEMS, []), EventWeights())
    assert matrix.toarray().tolist() == [[3.0, 1.0, 2.0], [0.0, 0.0, 0.0]]
    assert mean_weight(matrix) == 2.0


def test_low_ratings_and_searches_count_nothing() -> None:
    shop = shop_of([("u", item, "rate", 0) for item in ("a", "b", "c", "a")], ITEMS, [])
    rating = np.array([2, 3, np.nan, 5], np.float32)
    events = replace(shop.events, rating=rating, item=np.array([0, 1, 2, -1], np.int32))
    assert EventWeights().of(events).tolist() == [0.0, 1.0, 1.0, 0.0]


def test_a_sparse_matrix_becomes_its_stored_pairs_without_the_zeros() -> None:
    matrix = sparse.csr_matrix((np.array([1.0, 0.0, 2.0]), ([0, 0, 1], [2, 1, 0])), shape=(2, 3))
    dataset = as_dataset(matrix)
    assert dataset.events.user.tolist() == [0, 1]
    assert dataset.events.item.tolist() == [2, 0]
    assert not dataset.timed
    assert matrix.nnz == 3


def test_a_history_weighs_by_type_and_halves_with_each_moment_back() -> None:
    asked = asked_after(0, 1, 2, 2, days=[0, 3, 3, 4])
    kinds = np.array([EVENT_CODE["purchase"], EVENT_CODE["view"], 1, EVENT_CODE["add_to_cart"]])
    context = rule().of(replace(asked.history, type=kinds.astype(np.int8)))
    assert context.item.tolist() == [2, 1, 0]
    # c was viewed on day 3 and put in the cart on day 4: one interaction, of the cart's weight.
    assert context.weight.tolist() == [2.0, 1.0, 1.5]


def test_age_counts_where_times_are_real_only() -> None:
    history = asked_after(0, 1, days=[0, 10]).history
    assert rule(half_life_days=10).of(history).weight.tolist() == pytest.approx([3.0, 0.75])
    untimed = rule(half_life_days=10, timed=False).of(history)
    assert untimed.weight.tolist() == pytest.approx([3.0, 1.5])


def test_the_history_of_a_robot_is_cut() -> None:
    history = asked_after(*([0, 1] * MAX_INTERACTIONS)).history
    endless = replace(rule(), decay=1.0)
    assert len(endless.of(history).item) == MAX_INTERACTIONS
