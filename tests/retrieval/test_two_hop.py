"""Two steps by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.retrieval.conftest import asked_after, shop_of

from shelfwise.retrieval.interactions import Freshness
from shelfwise.retrieval.two_hop import TwoHop, TwoHopConfig

CONFIG = TwoHopConfig(
    window=1,
    backward=0.0,
    source_norm=0.0,
    target_norm=0.0,
    shrink=0.0,
    freshness=Freshness(half_life_days=None),
)
ROWS = [
    ("u", "a", "view", 0),
    ("u", "b", "view", 1),
    ("v", "b", "view", 2),
    ("v", "c", "view", 3),
    ("w", "b", "view", 4),
    ("w", "d", "view", 5),
    ("x", "a", "view", 6),
    ("x", "d", "view", 7),
    ("x", "c", "view", 8),
]


@pytest.fixture(scope="module")
def model() -> TwoHop:
    """Steps a>b, b>c, b>d, a>d and d>c, once each."""
    shop = shop_of(ROWS, ["a", "b", "c", "d"], [])
    return TwoHop.fit(shop, CONFIG, np.random.default_rng(0))


def test_the_second_step_is_a_share_of_all_that_leave_the_middle(model: TwoHop) -> None:
    scores = model.scores(asked_after(0))[0] / 3.0  # weight of a purchase
    # a > b > c: 1 × 1/2, a > d > c: 1 × 1, a > b > d: 1 × 1/2.
    np.testing.assert_allclose(scores, [-np.inf, -np.inf, 1.5, 0.5])


def test_reasons_count_the_products_between(model: TwoHop) -> None:
    told = model.explain(asked_after(0), np.array([2, 3], np.int32))
    assert [(one[0].because, one[0].facts) for one in told] == [
        (0, {"paths": 2.0}),
        (0, {"paths": 1.0}),
    ]
