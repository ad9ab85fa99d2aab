from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.features.conftest import NOW, events_of

from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import BadInputError
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories, Requests
from shelfwise.features.pairs import feature_matrix, user_vectors
from shelfwise.features.tables import FeatureTables
from shelfwise.features.vectors import (
    ALL_FEATURES,
    ITEM_FEATURES,
    PAIR_FEATURES,
    RANKING_FEATURES,
    USER_FEATURES,
)

EVERYONE = np.array([0, 1, 2, -1], np.int32)


def ask(shop: Dataset, now_ms: int = NOW) -> Requests:
    """Everyone and a stranger, each asking now."""
    history = Histories.of_users(shop, EVERYONE)
    return Requests.of_histories(history, 10, now_ms=np.full(len(history), now_ms))


def all_rows(n: int = 4, items: int = 4) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Every item for each of `n` requests."""
    row = np.repeat(np.arange(n, dtype=np.int32), items)
    return row, np.tile(np.arange(items, dtype=np.int32), n)


def value(shop: Dataset, name: str, who: int, item: int) -> float:
    """One feature of one pair."""
    tables = FeatureTables.of(shop, NOW)
    row, items = np.array([who], np.int32), np.array([item], np.int32)
    return float(feature_matrix(tables, ask(shop), row, items, [name])[1][0, 0])


def test_columns_are_the_names_asked_for_in_that_order(shop: Dataset) -> None:
    tables, requests = FeatureTables.of(shop, NOW), ask(shop)
    whole_names, whole = feature_matrix(tables, requests, *all_rows(), ALL_FEATURES)
    assert whole_names == USER_FEATURES + ITEM_FEATURES + PAIR_FEATURES
    some = ("pair.brand_share", "user.recency", "item.log_price", "item.price_z", "user.gap")
    names, matrix = feature_matrix(tables, requests, *all_rows(), some)
    assert names == some
    for position, name in enumerate(some):
        np.testing.assert_array_equal(matrix[:, position], whole[:, ALL_FEATURES.index(name)])


def test_item_columns_are_the_rows_of_the_item_table(shop: Dataset) -> None:
    tables = FeatureTables.of(shop, NOW)
    row, item = all_rows()
    matrix = feature_matrix(tables, ask(shop), row, item, ITEM_FEATURES)[1]
    np.testing.assert_array_equal(matrix, tables.items[item])


def test_one_request_gives_the_rows_that_it_has_in_a_batch(shop: Dataset) -> None:
    tables, requests = FeatureTables.of(shop, NOW), ask(shop)
    whole = feature_matrix(tables, requests, *all_rows())[1]
    for who in range(len(requests)):
        alone = feature_matrix(tables, requests.part(who, who + 1), *all_rows(1))[1]
        np.testing.assert_array_equal(alone, whole[4 * who : 4 * who + 4])


def test_a_request_without_candidates_is_no_trouble(shop: Dataset) -> None:
    tables, requests = FeatureTables.of(shop, NOW), ask(shop)
    whole = feature_matrix(tables, requests, *all_rows())[1]
    row, item = all_rows()
    keep = row != 1
    matrix = feature_matrix(tables, requests, row[keep], item[keep])[1]
    np.testing.assert_array_equal(matrix, whole[keep])
    none = np.empty(0, np.int32)
    assert feature_matrix(tables, requests, none, none)[1].shape == (0, len(RANKING_FEATURES))


def test_a_planted_future_event_changes_no_feature(shop: Dataset) -> None:
    now = 95 * 86_400_000
    tables, requests = FeatureTables.of(shop, now), ask(shop, now)
    honest = feature_matrix(tables, requests, *all_rows(), ALL_FEATURES)[1]
    rows = [(0, 3, "purchase", 200.0), (1, 3, "purchase", 201.0), (2, 0, "purchase", 202.0)]
    future = events_of(rows)
    joined = {
        name: np.concatenate([getattr(shop.events, name), getattr(future, name)])
        for name in shop.events.__dataclass_fields__
    }
    planted = shop.with_events(replace(shop.events, **joined))
    tempted = feature_matrix(
        FeatureTables.of(planted, now), ask(planted, now), *all_rows(), ALL_FEATURES
    )[1]
    np.testing.assert_array_equal(honest, tempted)


def test_the_numbering_of_products_changes_no_feature(shop: Dataset) -> None:
    order = np.array([2, 0, 3, 1])  # new code c is the product that was order[c]
    inverse = np.argsort(order).astype(np.int32)
    reviews = shop.reviews.set_column(
        shop.reviews.schema.get_field_index("item"),
        shop.reviews.schema.field("item"),
        [inverse[shop.reviews.column("item").to_numpy()]],
    )
    renamed = replace(
        shop,
        events=replace(shop.events, item=inverse[shop.events.item]),
        products=shop.products.take(order),
        reviews=reviews,
    )
    row, item = all_rows()
    before = feature_matrix(FeatureTables.of(shop, NOW), ask(shop), row, item)[1]
    after = feature_matrix(FeatureTables.of(renamed, NOW), ask(renamed), row, inverse[item])[1]
    np.testing.assert_allclose(before, after, rtol=1e-5)


def test_own_past_with_the_candidate_is_counted(shop: Dataset) -> None:
    assert value(shop, "pair.count_any", who=0, item=1) == pytest.approx(np.log1p(3))
    assert value(shop, "pair.count_buy", who=1, item=0) == pytest.approx(np.log1p(1))
    assert value(shop, "pair.strongest", who=1, item=0) == 4
    assert value(shop, "pair.strongest", who=1, item=1) == 0
    assert value(shop, "pair.days_since", who=0, item=1) == pytest.approx(np.log1p(30))
    assert value(shop, "pair.events_since", who=0, item=1) == pytest.approx(np.log1p(1))
    assert value(shop, "pair.closeness", who=0, item=0) == 1
    assert np.isnan(value(shop, "pair.days_since", who=0, item=2))


def test_a_product_bought_every_month_is_due_after_a_month(shop: Dataset) -> None:
    assert value(shop, "pair.due", who=0, item=1) == pytest.approx(0, abs=1e-5)


def test_prices_are_set_against_the_shoppers(shop: Dataset) -> None:
    gap = np.log(30.0 / 5.0)
    assert value(shop, "pair.price_gap_last", who=0, item=1) == pytest.approx(-gap)
    assert value(shop, "pair.cheaper_than_last", who=0, item=1) == 1
    assert value(shop, "pair.cheaper_than_last", who=2, item=0) == 0
    assert np.isnan(value(shop, "pair.price_gap", who=0, item=3))


def test_shares_of_brand_and_category_sum_over_the_history(shop: Dataset) -> None:
    brand, other = (value(shop, "pair.brand_share", who=0, item=item) for item in (0, 1))
    assert brand + other == pytest.approx(1)
    assert value(shop, "pair.top_share", who=1, item=3) == pytest.approx(1)
    assert value(shop, "pair.leaf_share", who=1, item=3) == 0
    assert value(shop, "pair.same_brand_last", who=2, item=0) == 1
    assert np.isnan(value(shop, "pair.same_brand_last", who=2, item=3))
    assert value(shop, "pair.same_leaf_last", who=2, item=3) == 0
    assert value(shop, "pair.same_top_last", who=2, item=3) == 1
    assert value(shop, "pair.category_match", who=2, item=0) == pytest.approx(1)


def test_a_stranger_has_no_past_and_no_shares(shop: Dataset) -> None:
    assert value(shop, "pair.count_any", who=3, item=0) == 0
    assert value(shop, "pair.closeness", who=3, item=0) == 0
    assert np.isnan(value(shop, "pair.brand_share", who=3, item=0))
    assert value(shop, "user.count_any_all", who=3, item=0) == 0
    assert np.isnan(value(shop, "user.recency", who=3, item=0))


def test_user_vectors_say_what_the_history_says(shop: Dataset) -> None:
    tables = FeatureTables.of(shop, NOW)
    vectors = user_vectors(tables, Histories.of_users(shop, EVERYONE), np.full(4, NOW))
    ann = dict(zip(USER_FEATURES, vectors[0].tolist(), strict=True))
    assert ann["user.count_buy_all"] == pytest.approx(np.log1p(3))
    assert ann["user.count_any_1d"] == pytest.approx(np.log1p(1))
    assert ann["user.recency"] == pytest.approx(np.log1p(0.25))
    assert ann["user.gap"] == pytest.approx(np.log1p(89.75 / 3))
    assert ann["user.distinct"] == pytest.approx(np.log1p(2))
    assert ann["user.repeat_share"] == pytest.approx(0.5)
    assert np.isnan(ann["user.dwell"])


def test_dwell_is_the_pause_within_a_visit(shop: Dataset) -> None:
    minute = 1 / 24 / 60
    visit = events_of([(0, 0, "view", 1.0), (0, 1, "view", 1.0 + minute), (0, 2, "view", 3.0)])
    one = shop.with_events(visit)
    vectors = user_vectors(
        FeatureTables.of(one), Histories.of_users(one, np.zeros(1, np.int32)), np.array([NOW])
    )
    assert vectors[0, USER_FEATURES.index("user.dwell")] == pytest.approx(np.log1p(60), rel=1e-5)


def test_where_times_are_only_an_order_steps_count_and_days_do_not(shop: Dataset) -> None:
    untimed = replace(shop, timed=False)
    assert value(untimed, "pair.events_since", who=0, item=1) == pytest.approx(np.log1p(1))
    assert value(untimed, "pair.baskets_since", who=0, item=1) == pytest.approx(np.log1p(1))
    assert np.isnan(value(untimed, "pair.days_since", who=0, item=1))
    assert np.isnan(value(untimed, "user.count_any_7d", who=0, item=1))


def test_an_event_of_a_moment_ago_counts_at_once(shop: Dataset) -> None:
    tables = FeatureTables.of(shop, NOW)
    history = Histories.of_items(Ragged.of([[2], [2, 1]]))
    requests = Requests.of_histories(history, 10)
    row, item = np.array([0, 1], np.int32), np.array([1, 1], np.int32)
    matrix = feature_matrix(tables, requests, row, item, ["pair.closeness"])[1]
    assert matrix[:, 0].tolist() == [0, 1]


def test_many_products_in_one_history_are_told_apart() -> None:
    n = 2000
    shop = Dataset.of_pairs(np.zeros(n, np.int32), np.arange(n, dtype=np.int32), 1, 2 * n)
    tables = FeatureTables.of(shop)
    requests = Requests.of_histories(Histories.of_users(shop, np.zeros(1, np.int32)), 10)
    item = np.arange(2 * n, dtype=np.int32)
    matrix = feature_matrix(tables, requests, np.zeros_like(item), item, ["pair.events_since"])[1]
    np.testing.assert_allclose(matrix[:n, 0], np.log1p(np.arange(n)[::-1]), rtol=1e-6)
    assert np.isnan(matrix[n:]).all()


def test_an_unknown_name_is_refused_by_name(shop: Dataset) -> None:
    with pytest.raises(BadInputError, match=r"'pair\.nope'"):
        feature_matrix(FeatureTables.of(shop), ask(shop), *all_rows(), ["pair.nope"])
