from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numba import typeof
from tests.features.conftest import NOW

from shelfwise.core.dataset import Dataset
from shelfwise.core.event import Product
from shelfwise.core.model import ModelState
from shelfwise.features.tables import FeatureTables
from shelfwise.features.vectors import ALL_FEATURES, ITEM_FEATURES, RANKING_FEATURES


def test_tables_as_of_a_moment_are_those_of_the_shop_before_it(shop: Dataset) -> None:
    now = 95 * 86_400_000
    late = FeatureTables.of(shop, now)
    early = FeatureTables.of(shop.before(now), now)
    np.testing.assert_array_equal(late.items, early.items)


def test_each_column_holds_what_its_name_says(shop: Dataset) -> None:
    tables = FeatureTables.of(shop, NOW)
    column = {name: tables.items[:, i] for i, name in enumerate(ITEM_FEATURES)}
    np.testing.assert_allclose(column["item.log_price"][:3], np.log([30, 5, 8]), rtol=1e-6)
    np.testing.assert_allclose(column["item.reviews"], np.log1p([1, 1, 0, 0]))
    assert column["item.rating"][1] > column["item.rating_shrunk"][1] > 0
    assert column["item.rating_shrunk"][2] == 0
    assert column["item.sentiment"][1] > 0
    assert np.isnan(column["item.sentiment"][3])
    assert column["item.lift_any_all"].argmax() == 0
    np.testing.assert_allclose(column["item.age"][1], np.log1p(90), rtol=1e-6)


def test_a_new_product_has_attributes_and_no_past(shop: Dataset) -> None:
    tables = FeatureTables.of(shop, NOW)
    later = tables.with_products([Product("pan", brand="Hot", price=30.0)])
    np.testing.assert_array_equal(later.items[:4], tables.items)
    row = dict(zip(ITEM_FEATURES, later.items[4].tolist(), strict=True))
    assert row["item.log_price"] == tables.items[0, ITEM_FEATURES.index("item.log_price")]
    assert row["item.lift_any_all"] < 0
    assert row["item.reviews"] == 0
    assert later.catalogue.brand[4] == tables.catalogue.brand[0]


def test_tables_come_back_from_their_state(shop: Dataset) -> None:
    tables = FeatureTables.of(shop, NOW)
    again = FeatureTables.from_state(tables.state())
    np.testing.assert_array_equal(again.items, tables.items)
    added = [Product("pan", brand="Other", category="Home > Kitchen", price=3.0)]
    np.testing.assert_array_equal(
        again.with_products(added).items, tables.with_products(added).items
    )
    assert again.timed == tables.timed


def test_the_settings_of_a_shop_without_prices_and_reviews_are_plain_json() -> None:
    bare = Dataset.of_pairs(np.zeros(2, np.int32), np.arange(2, dtype=np.int32), 1, 2)
    state = FeatureTables.of(bare).state()
    again = FeatureTables.from_state(
        ModelState(json.loads(json.dumps(state.settings, allow_nan=False)), state.arrays)
    )
    np.testing.assert_array_equal(again.items, FeatureTables.of(bare).items)


def test_tables_mapped_from_disk_run_the_loops_already_compiled(
    shop: Dataset, tmp_path: Path
) -> None:
    tables = FeatureTables.of(shop, NOW)
    np.save(tmp_path / "items.npy", tables.items)
    mapped = replace(tables, items=np.load(tmp_path / "items.npy", mmap_mode="r"))
    assert typeof(mapped.columns.table) == typeof(tables.columns.table)


def test_names_are_distinct_and_rankers_read_all_but_hashes() -> None:
    assert len(set(ALL_FEATURES)) == len(ALL_FEATURES)
    left_out = set(ALL_FEATURES) - set(RANKING_FEATURES)
    assert len(left_out) == 72
    assert all(".category_" in name or ".topic_" in name for name in left_out)
