"""Conversion rates and the looks they are given to, on a table counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.retrieval.conftest import DAY_MS, asked_after, shop_of

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.core.requests import Requests
from shelfwise.retrieval.conversion import SHRINK, conversion_rates, learnt_weights
from shelfwise.retrieval.revisit import Revisit, RevisitConfig

VIEW, CART, BUY = (EVENT_CODE[name] for name in ("view", "add_to_cart", "purchase"))
N = 1000


def shop() -> Dataset:
    """A thousand shoppers look at `a`; 400 of them put it in the cart, 300 of these buy it.

    Another hundred buy `b` outright and look at it afterwards, which says nothing.
    """
    rows = [(f"u{n}", "a", "view", 1) for n in range(N)]
    rows += [(f"u{n}", "a", "add_to_cart", 2) for n in range(400)]
    rows += [(f"u{n}", "a", "purchase", 3) for n in range(300)]
    rows += [(f"v{n}", "b", kind, 4) for n in range(100) for kind in ("purchase", "view")]
    return shop_of(rows, ["a", "b"], [])


def test_a_rate_is_the_share_of_pairs_that_were_bought_later() -> None:
    rates = conversion_rates(shop())
    overall = 600 / 1400  # of the pairs of either type
    assert rates[VIEW] == pytest.approx((300 + SHRINK * overall) / (N + SHRINK))
    assert rates[CART] == pytest.approx((300 + SHRINK * overall) / (400 + SHRINK))
    assert np.isnan(rates[[BUY, EVENT_CODE["wishlist"]]]).all()


def test_learnt_weights_are_the_roots_of_the_rates() -> None:
    weights = learnt_weights(shop())
    assert weights is not None
    rates = conversion_rates(shop())
    assert weights.view == pytest.approx(np.sqrt(rates[VIEW]))
    assert weights.view < weights.add_to_cart < weights.purchase == 1.0
    assert weights.wishlist == pytest.approx(2 / 3)  # of which nothing is known


def test_nothing_is_learnt_of_too_few_purchases_or_of_one_type() -> None:
    few = shop().with_events(shop().events.take(np.arange(N + 400 + 200)))
    assert np.isnan(conversion_rates(few)).all()
    assert learnt_weights(few) is None
    bought = shop().events.take(shop().events.type == BUY)
    assert learnt_weights(shop().with_events(bought)) is None


def looked(*kinds: int, days: tuple[int, ...], now: int) -> Requests:
    """Who did `kinds` with product 0 on `days`, asked on day `now`."""
    asked = asked_after(*[0] * len(kinds), days=days)
    history = replace(asked.history, type=np.array(kinds, np.int8))
    return replace(asked, history=history, now_ms=np.array([now * DAY_MS], np.int64))


def test_looks_add_up_and_fade_with_the_days() -> None:
    model = Revisit.fit(shop(), RevisitConfig(), np.random.default_rng(0))
    score = model.scores(looked(VIEW, CART, days=(0, 2), now=3))[0]
    assert score[0] == pytest.approx(model.rate[VIEW] / 4 + model.rate[CART] / 2)
    assert np.isneginf(score[1])


def test_without_times_looks_fade_with_the_root_of_the_events_since() -> None:
    untimed = replace(shop(), timed=False)
    model = Revisit.fit(untimed, RevisitConfig(), np.random.default_rng(0))
    score = model.scores(looked(VIEW, VIEW, days=(0, 2), now=3))[0]
    assert score[0] == pytest.approx(model.rate[VIEW] * (1 + np.sqrt(0.5)))


def test_a_purchase_ends_it_and_a_look_afterwards_begins_anew() -> None:
    model = Revisit.fit(shop(), RevisitConfig(), np.random.default_rng(0))
    assert np.isneginf(model.scores(looked(VIEW, BUY, days=(0, 1), now=3))[0, 0])
    again = looked(VIEW, BUY, VIEW, days=(0, 1, 2), now=3)
    assert model.scores(again)[0, 0] == pytest.approx(model.rate[VIEW] / 2)
    (why,) = model.explain(again, np.array([0], np.int32))[0]
    assert why.facts == {"times": 1.0, "view": 1.0, "days_ago": 1.0}
