from __future__ import annotations

import numpy as np
import pytest
from tests.features.conftest import NOW, events_of

from shelfwise.core.dataset import Dataset
from shelfwise.features.behaviour import ItemBehaviour


def test_windows_count_back_from_now(shop: Dataset) -> None:
    behaviour = ItemBehaviour.of(shop.events, 4, now_ms=NOW)
    assert behaviour.count("any", "1d").tolist() == [1, 0, 1, 0]
    assert behaviour.count("any", "7d").tolist() == [2, 0, 2, 0]
    assert behaviour.count("any", "30d").tolist() == [3, 1, 2, 0]
    assert behaviour.count("any", "all").tolist() == [4, 3, 2, 0]
    assert behaviour.count("buy", "all").tolist() == [1, 3, 0, 0]


def test_an_impression_is_not_interest(shop: Dataset) -> None:
    behaviour = ItemBehaviour.of(shop.events, 4, now_ms=NOW)
    assert behaviour.shoppers.tolist() == [2, 1, 2, 0]
    assert np.isnan(behaviour.age_days[3])


def test_nothing_from_now_on_counts(shop: Dataset) -> None:
    rows = [(0, 1, "purchase", 10.0), (1, 1, "view", 20.0)]
    planted = [*rows, (2, 1, "purchase", 30.0), (2, 0, "purchase", 31.0)]
    now = 30 * 86_400_000
    honest = ItemBehaviour.of(events_of(rows), 2, now_ms=now)
    tempted = ItemBehaviour.of(events_of(planted), 2, now_ms=now)
    for name in ("counts", "shoppers", "age_days", "repeat_rate", "repeat_gap_days"):
        np.testing.assert_array_equal(getattr(honest, name), getattr(tempted, name))


def test_repeats_are_buyers_who_came_back_and_the_gap_is_their_usual(shop: Dataset) -> None:
    behaviour = ItemBehaviour.of(shop.events, 4, now_ms=NOW)
    assert behaviour.buyers.tolist() == [1, 1, 0, 0]
    assert behaviour.repeaters.tolist() == [0, 1, 0, 0]
    assert behaviour.repeat_rate[1] > behaviour.repeat_rate[3] > behaviour.repeat_rate[0]
    np.testing.assert_allclose(behaviour.repeat_gap_days, 30.0, rtol=1e-5)


def test_two_lines_of_one_order_are_not_a_repeat() -> None:
    events = events_of([(0, 0, "purchase", 1.0), (0, 0, "purchase", 1.0)])
    assert ItemBehaviour.of(events, 1).repeaters.tolist() == [0]


def test_conversion_is_shrunk_to_the_shops() -> None:
    rows = [(u, 0, "view", 1.0) for u in range(40)] + [(u, 1, "view", 1.0) for u in range(40)]
    rows += [(0, 2, "view", 1.0), (0, 2, "purchase", 2.0)]
    rows += [(u, 0, "purchase", 2.0) for u in range(20)]
    conversion = ItemBehaviour.of(events_of(rows), 4).conversion()
    assert conversion[0] > conversion[2] > 0 > conversion[1]
    assert conversion[3] == pytest.approx(0, abs=1e-6)


def test_a_count_means_the_same_after_the_shop_has_grown() -> None:
    small = [(u, u % 3, "view", 1.0) for u in range(300)]
    large = [(u, u % 3, "view", 1.0) for u in range(3000)]
    one, other = (ItemBehaviour.of(events_of(rows), 3).lift() for rows in (small, large))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_where_times_are_only_an_order_windows_age_and_gaps_are_unknown(shop: Dataset) -> None:
    behaviour = ItemBehaviour.of(shop.events, 4, timed=False)
    assert np.isnan(behaviour.count("any", "30d")).all()
    assert behaviour.count("any", "all").tolist() == [4, 3, 2, 0]
    assert np.isnan(behaviour.age_days).all()
    assert np.isnan(behaviour.repeat_gap_days).all()


def test_popularity_place_and_idf_order_products_by_their_shoppers(shop: Dataset) -> None:
    behaviour = ItemBehaviour.of(shop.events, 4, now_ms=NOW)
    assert behaviour.popularity_place().tolist() == [0.875, 0.625, 0.375, 0.125]
    assert behaviour.idf()[3] > behaviour.idf()[1] > behaviour.idf()[0]


def test_no_event_at_all_gives_rows_of_zero_counts() -> None:
    behaviour = ItemBehaviour.of(events_of([]), 2)
    assert behaviour.counts.sum() == 0
    assert behaviour.lift().tolist() == np.zeros((2, 5, 5)).tolist()
