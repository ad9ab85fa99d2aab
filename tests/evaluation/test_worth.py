"""Worth: units and money of what was held out, and what finding it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.dataset import Dataset
from shelfwise.evaluation.measure import measure
from shelfwise.evaluation.report import summarise
from shelfwise.evaluation.splits import leave_one_out, temporal_at
from shelfwise.evaluation.worth import Worth
from shelfwise.evaluation.yardstick import Yardstick

Shop = Callable[..., Dataset]
DAY = 86_400_000
ROWS = [
    (0, 1, "view", 1),
    (1, 2, "purchase", 2),
    (0, 2, "purchase", 11),
    (0, 2, "purchase", 12),
    (0, 3, "view", 12),
    (1, 3, "purchase", 13),
]
QUANTITY = [1, 5, 2, 1, 9, 3]
PRICE = [7.0, 7.0, 10.0, np.nan, 7.0, 100.0]


@pytest.fixture
def dataset(shop: Shop) -> Dataset:
    """Two shoppers who buy after day 10: 3 units of item 2 (one unpriced), and 3 of item 3."""
    plain = shop(ROWS)
    quantity, price = np.array(QUANTITY, np.float32), np.array(PRICE, np.float32)
    return plain.with_events(replace(plain.events, quantity=quantity, price=price))


def test_worth_is_what_was_bought_after_the_history(dataset: Dataset) -> None:
    split = temporal_at(dataset, 10 * DAY)
    assert [split.relevant[row].tolist() for row in range(2)] == [[2, 3], [3]]
    worth = Worth.of(split, dataset)
    assert worth.units.tolist() == [3, 0, 3]
    assert worth.revenue.tolist() == [20, 0, 300]
    assert worth.priced_share == pytest.approx(5 / 6)


def test_a_purchase_without_a_price_costs_what_the_product_costs(dataset: Dataset) -> None:
    products = dataset.products
    place = products.schema.get_field_index("price")
    prices = [8.0 if item == 2 else None for item in range(dataset.n_items)]
    known = products.schema.field(place)
    filled = products.set_column(place, known, pa.array(prices, known.type))
    priced = replace(dataset, products=filled)
    worth = Worth.of(temporal_at(priced, 10 * DAY), priced)
    assert worth.revenue.tolist() == [28, 0, 300]
    assert worth.priced_share == 1.0


def test_the_share_of_money_and_of_units_differ(dataset: Dataset) -> None:
    yardstick = Yardstick.of(temporal_at(dataset, 10 * DAY), dataset)
    cheap = measure(yardstick, "cheap", np.array([[2], [2]], np.int32), 1, fit_seconds=0.0)
    dear = measure(yardstick, "dear", np.array([[3], [3]], np.int32), 1, fit_seconds=0.0)
    report = summarise(yardstick, [cheap, dear], fusion="dear", k=1, seed=0, repeat_policy="-")
    said = report.to_dict()["models"]
    assert said["cheap"]["purchase_recall@1"] == said["dear"]["purchase_recall@1"] == 0.5
    assert said["cheap"]["revenue_recall@1"] == pytest.approx(20 / 320)
    assert said["dear"]["revenue_recall@1"] == pytest.approx(300 / 320)
    assert said["dear"]["revenue_ndcg@1"] == 0.5
    assert said["dear"]["recall@1"] == 0.75
    assert report.data.revenue == 320


def test_where_nothing_was_bought_there_is_no_worth(shop: Shop) -> None:
    dataset = shop([(0, item, "view", item) for item in range(1, 5)])
    yardstick = Yardstick.of(leave_one_out(dataset), dataset)
    assert yardstick.worth is None
    one = measure(yardstick, "m", np.array([[4]], np.int32), 1, fit_seconds=0.0)
    said = summarise(yardstick, [one], fusion="m", k=1, seed=0, repeat_policy="-").to_dict()
    assert said["models"]["m"]["revenue_recall@1"] is None
    assert said["models"]["m"]["purchase_ndcg@1"] is None


def test_leave_one_out_counts_only_the_held_out_interaction(shop: Shop) -> None:
    days = [(0, item, "purchase", day) for day, item in enumerate((1, 2, 1, 3, 1, 1))]
    dataset = shop(days)
    worth = Worth.of(leave_one_out(dataset), dataset)
    assert worth.units.tolist() == [2]
