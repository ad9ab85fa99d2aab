"""Popularity by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.retrieval.conftest import asked_after, shop_of

from shelfwise.retrieval.popular import Popular, PopularConfig

RNG = np.random.default_rng(0)
ROWS = [
    ("u1", "old", "purchase", 0),
    ("u2", "old", "purchase", 0),
    ("u1", "new", "view", 20),
    ("u1", "new", "purchase", 20),
    ("u1", "new", "purchase", 20),
    ("u2", "seen", "view", 20),
]


def test_a_shopper_counts_once_by_type_and_age() -> None:
    shop = shop_of(ROWS, ["old", "new", "seen", "never"], [])
    model = Popular.fit(shop, PopularConfig(half_life_days=10, floor=0), RNG)
    expected = [2 * 3 / 4, 3.0, 1.0, -np.inf]
    np.testing.assert_allclose(model.scores(asked_after(0))[0], expected)


def test_the_floor_is_what_is_left_of_the_oldest() -> None:
    shop = shop_of([("u1", "old", "view", 0), ("u1", "new", "view", 5000)], ["old", "new"], [])
    model = Popular.fit(shop, PopularConfig(half_life_days=10, floor=0.25), RNG)
    np.testing.assert_allclose(model.scores(asked_after(0))[0], [0.25, 1.0])


def test_the_reason_counts_distinct_shoppers_of_the_last_days() -> None:
    shop = shop_of(ROWS, ["old", "new", "seen", "never"], [])
    model = Popular.fit(shop, PopularConfig(window_days=7), RNG)
    new, never = model.explain(asked_after(0), np.array([1, 3], np.int32))
    assert new[0].facts == {"shoppers": 1.0, "days": 7.0}
    assert new[0].amount == pytest.approx(3.0)
    assert never == []


def test_a_window_longer_than_the_data_is_not_claimed() -> None:
    shop = shop_of(ROWS, ["old", "new", "seen", "never"], [])
    model = Popular.fit(shop, PopularConfig(window_days=365), RNG)
    assert model.explain(asked_after(0), np.array([0], np.int32))[0][0].facts == {
        "shoppers": 2.0,
        "days": 21.0,
    }
