"""Repeat purchases by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.retrieval.conftest import DAY_MS, asked_after, shop_of

from shelfwise.core.requests import Requests
from shelfwise.retrieval.repeat import Repeat, RepeatConfig

RNG = np.random.default_rng(0)
CONFIG = RepeatConfig(shrink=1e-9, memory=1.0, enough_purchases=1)
ROWS = [
    ("u", "milk", "purchase", 0),
    ("v", "milk", "purchase", 0),
    ("v", "lamp", "purchase", 0),
    ("u", "milk", "view", 3),
    ("u", "milk", "purchase", 10),
    ("w", "milk", "purchase", 10),
    ("w", "milk", "purchase", 10),
]


def at(requests: Requests, day: int) -> Requests:
    """The question asked on that day."""
    return Requests.of_histories(requests.history, 10, now_ms=np.array([day * DAY_MS], np.int64))


@pytest.fixture(scope="module")
def model() -> Repeat:
    """One of three shoppers bought milk again, after ten days; a basket holds two of it once."""
    return Repeat.fit(shop_of(ROWS, ["milk", "lamp", "nail"], []), CONFIG, RNG)


def test_the_rate_is_the_share_of_buyers_who_bought_again(model: Repeat) -> None:
    np.testing.assert_allclose(model.rate[:2], [1 / 3, 0], atol=1e-6)


def test_the_interval_is_between_two_purchases_of_one_shopper(model: Repeat) -> None:
    assert model.typical_days[0] == pytest.approx(10, rel=1e-4)
    assert model.half_life_days == pytest.approx(10, rel=1e-4)


def test_each_purchase_counts_by_its_age(model: Repeat) -> None:
    scores = model.scores(at(asked_after(0, 0, days=[0, 10]), 20))[0]
    assert scores[0] == pytest.approx((1 / 4 + 1 / 2) / 3, rel=1e-3)


def test_what_the_shopper_never_had_is_not_scored(model: Repeat) -> None:
    assert np.isneginf(model.scores(asked_after(0))[0, 1:]).all()


def test_in_a_shop_where_nobody_buys_again_it_has_no_opinion() -> None:
    shop = shop_of(ROWS[:3], ["milk", "lamp", "nail"], [])
    model = Repeat.fit(shop, CONFIG, RNG)
    assert np.isneginf(model.scores(asked_after(0, 1))).all()


def test_a_view_is_no_purchase(model: Repeat) -> None:
    asked = asked_after(0)
    asked.history.type[:] = 1
    assert np.isneginf(model.scores(asked)).all()


def test_reasons_tell_how_often_how_long_ago_and_how_often_others_do(model: Repeat) -> None:
    why = model.explain(at(asked_after(0, 0, 0, days=[0, 10, 10]), 14), np.array([0], np.int32))
    facts = why[0][0].facts
    assert (facts["times"], facts["days_ago"], facts["bought"]) == (2.0, 4.0, 1.0)
    assert facts["typical_days"] == pytest.approx(10, rel=1e-4)


def test_a_product_with_few_buyers_is_judged_by_its_category_and_the_shop() -> None:
    shop = shop_of(ROWS, ["milk", "lamp", "nail"], [])
    model = Repeat.fit(shop, RepeatConfig(shrink=2, enough_purchases=1), RNG)
    whole = 1 / 4  # one of four (shopper, product) pairs
    of_category = (1 + 2 * whole) / (4 + 2)
    np.testing.assert_allclose(
        model.rate, [(1 + 2 * of_category) / 5, 2 * of_category / 3, of_category], rtol=1e-5
    )


def test_where_few_buy_every_interest_counts() -> None:
    shop = shop_of(ROWS, ["milk", "lamp", "nail"], [])
    model = Repeat.fit(shop, RepeatConfig(enough_purchases=100), RNG)
    why = model.explain(asked_after(0), np.array([0], np.int32))
    assert why[0][0].facts["bought"] == 0.0
