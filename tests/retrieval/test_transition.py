"""Order-aware statistics by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.retrieval.conftest import asked_after, shop_of

from shelfwise.core.dataset import Dataset
from shelfwise.retrieval.interactions import Freshness
from shelfwise.retrieval.transition import NextItem, NextItemConfig, Transition, TransitionConfig

RNG = np.random.default_rng(0)
PLAIN = TransitionConfig(
    window=3,
    decay=0.5,
    backward=0.25,
    basket=0.8,
    source_norm=1.0,
    target_norm=0.0,
    shrink=0.0,
    freshness=Freshness(half_life_days=None),
)
ITEMS = ["a", "b", "c", "d"]


def bought(*rows: tuple[str, str, int]) -> Dataset:
    """A shop of (user, item, day) purchases."""
    ordered = sorted(rows, key=lambda row: row[2])
    return shop_of([(user, item, "purchase", day) for user, item, day in ordered], ITEMS, [])


def test_pairs_count_by_direction_and_distance_over_the_shoppers_of_the_first() -> None:
    shop = bought(("u", "a", 0), ("v", "a", 0), ("u", "b", 1), ("v", "c", 1), ("u", "c", 2))
    weight = 3.0  # of a purchase
    after_a = Transition.fit(shop, PLAIN, RNG).scores(asked_after(0))[0] / weight
    # u: a b c, v: a c. From a: b directly once, c once directly and once two steps away.
    np.testing.assert_allclose(after_a[1:], weight * np.array([1 / 2, 1.5 / 2, -np.inf]))
    after_c = Transition.fit(shop, PLAIN, RNG).scores(asked_after(2))[0] / weight
    # Backwards: a is one step back once and two steps back once; b one step back.
    expected = weight * 0.25 * np.array([1.5 / 2, 1 / 2])
    np.testing.assert_allclose(after_c[:2], expected)


def test_a_pair_outside_the_window_does_not_count() -> None:
    shop = bought(("u", "a", 0), ("u", "b", 1), ("u", "c", 2))
    narrow = PLAIN.model_copy(update={"window": 1})
    assert np.isneginf(Transition.fit(shop, narrow, RNG).scores(asked_after(0))[0, 2])


def test_a_basket_has_no_direction() -> None:
    shop = bought(("u", "a", 0), ("u", "b", 0))
    model = Transition.fit(shop, PLAIN, RNG)
    from_a = model.scores(asked_after(0))[0, 1]
    from_b = model.scores(asked_after(1))[0, 0]
    assert from_a == from_b == pytest.approx(0.8 * 9)


def test_history_fades_step_by_step() -> None:
    shop = bought(("u", "a", 0), ("u", "b", 1), ("v", "c", 2), ("v", "d", 3))
    model = Transition.fit(shop, PLAIN, RNG)
    scores = model.scores(asked_after(2, 0))[0]
    assert scores[1] / scores[3] == pytest.approx(1 / PLAIN.context_decay)


def test_view_then_purchase_of_one_item_is_one_interaction() -> None:
    once = shop_of([("u", "a", "purchase", 0), ("u", "b", "purchase", 2)], ITEMS, [])
    noisy = [("u", "a", "view", 0), ("u", "a", "purchase", 1), ("u", "b", "purchase", 2)]
    of_once, of_noisy = (
        Transition.fit(shop, PLAIN, RNG).scores(asked_after(0))
        for shop in (once, shop_of(noisy, ITEMS, []))
    )
    np.testing.assert_array_equal(of_once, of_noisy)


def test_reasons_count_the_shoppers_behind_a_pair() -> None:
    shop = bought(
        *[(user, "a", 0) for user in "uvwx"],
        ("x", "d", 0),
        *[(user, "b", 1) for user in "uv"],
        ("u", "b", 2),
        ("w", "c", -1),
    )
    model = Transition.fit(shop, PLAIN, RNG)
    told = model.explain(asked_after(0), np.array([1, 2, 3], np.int32))
    assert [one[0].facts for one in told] == [
        {"both": 2.0, "of": 4.0},
        {"before": 1.0, "of": 4.0},
        {"together": 1.0, "of": 4.0},
    ]


def test_old_pairs_weigh_less_in_a_shop_with_real_times() -> None:
    shop = bought(("u", "a", 0), ("u", "b", 1), ("v", "a", 1000), ("v", "c", 1001))
    fresh = PLAIN.model_copy(update={"freshness": Freshness(half_life_days=30, floor=0.4)})
    scores = Transition.fit(shop, fresh, RNG).scores(asked_after(0))[0]
    assert scores[1] / scores[2] == pytest.approx(0.4)


def test_next_item_knows_direct_followers_only() -> None:
    shop = bought(("u", "a", 0), ("u", "b", 1), ("u", "c", 2))
    scores = NextItem.fit(shop, NextItemConfig(), RNG).scores(asked_after(0))[0]
    assert np.isfinite(scores).tolist() == [False, True, False, False]


def test_only_the_strongest_followers_are_kept() -> None:
    shop = bought(("u", "a", 0), ("u", "b", 1), ("u", "c", 2), ("u", "d", 3))
    few = PLAIN.model_copy(update={"neighbours": 2})
    scores = Transition.fit(shop, few, RNG).scores(asked_after(0))[0]
    assert np.isfinite(scores).tolist() == [False, True, True, False]
