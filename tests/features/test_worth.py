"""What a sale brings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.columns import PRODUCTS_SCHEMA
from shelfwise.core.event import Product
from shelfwise.features.worth import Worth, margin_of


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["margin=4.50"], 4.5),
        (["Margin=25%"], 5.0),
        (["cost=12"], 8.0),
        (["cost=60%"], 8.0),
        (["cost=25"], -5.0),
        (["colour=red", "cost=15,5"], 4.5),
        (["margin=high"], None),
        (["low margin=4"], None),
        ([], None),
    ],
)
def test_a_margin_is_read_from_the_attributes(tokens: list[str], expected: float | None) -> None:
    got = margin_of(20.0, tokens)
    assert got == (None if expected is None else pytest.approx(expected))


def test_a_share_of_an_unknown_price_is_not_known() -> None:
    assert margin_of(np.nan, ["margin=25%"]) is None
    assert margin_of(np.nan, ["margin=3"]) == 3.0


def test_a_catalogue_is_read_as_single_products_are() -> None:
    rows = [
        {"item_id": "a", "price": 20.0, "attributes": ["kind=lamp", "cost=12"]},
        {"item_id": "b", "price": None, "attributes": None},
        {"item_id": "c", "price": 5.0, "attributes": []},
    ]
    worth = Worth.of(pa.Table.from_pylist(rows, schema=PRODUCTS_SCHEMA))
    assert worth.price.tolist()[::2] == [20.0, 5.0]
    assert np.isnan(worth.price[1])
    assert worth.margin[0] == 8.0
    assert np.isnan(worth.margin[1:]).all()
    grown = worth.with_product(3, Product("d", price=9.0, attributes=("margin=2",)))
    changed = grown.with_product(0, Product("a"))
    assert grown.margin[3] == 2.0
    assert np.isnan(changed.price[0])
    assert worth.price[0] == 20.0
