"""Filters over product fields."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from shelfwise.core.columns import PRODUCTS_SCHEMA
from shelfwise.core.errors import BadInputError
from shelfwise.core.event import Product
from shelfwise.rerank import Shelf, filter_mask

ROWS = [
    {
        "item_id": "a",
        "brand": "Acme",
        "price": 10.0,
        "category": "Toys > Cars",
        "attributes": ["colour=red", "size=3"],
    },
    {"item_id": "b", "brand": "Bolt", "price": 60.0, "category": "Toys", "attributes": ["new"]},
    {"item_id": "c", "brand": None, "price": None, "category": "Home > Toys and games"},
]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.of(pa.Table.from_pylist(ROWS, schema=PRODUCTS_SCHEMA))


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ({"eq": ["brand", "Acme"]}, "a"),
        ({"ne": ["brand", "Acme"]}, "b"),  # an unknown brand is neither equal nor different
        ({"in": ["brand", ["Acme", "Bolt"]]}, "ab"),
        ({"in": ["category", ["Toys"]]}, "ab"),
        ({"eq": ["category", "Toys > Cars"]}, "a"),
        ({"eq": ["category", "Cars"]}, "a"),
        ({"lt": ["price", 50]}, "a"),
        ({"gte": ["price", 10]}, "ab"),
        ({"eq": ["price", 60]}, "b"),
        ({"exists": "price"}, "ab"),
        ({"not": {"exists": "brand"}}, "c"),
        ({"eq": ["attributes", "new"]}, "b"),
        ({"eq": ["attributes.colour", "red"]}, "a"),
        ({"gt": ["attributes.size", 2]}, "a"),
        ({"exists": "attributes.size"}, "a"),
        ({"and": [{"in": ["category", ["Toys"]]}, {"lt": ["price", 50]}]}, "a"),
        ({"or": [{"eq": ["item_id", "c"]}, {"gt": ["price", 50]}]}, "bc"),
    ],
)
def test_a_filter_keeps_exactly_what_it_says(
    shelf: Shelf, expression: dict[str, Any], kept: str
) -> None:
    mask = filter_mask(shelf, expression)
    assert "".join(name for name, keep in zip("abc", mask, strict=True) if keep) == kept


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ({"eq": ["colour", "red"]}, "no field 'colour'"),
        ({"like": ["brand", "A"]}, "Unknown filter operator 'like'"),
        ({"lt": ["price", "cheap"]}, "compared with a number, not 'cheap'"),
        ({"lt": ["brand", 3]}, "cannot compare 'brand'"),
        ({"and": []}, "needs a list of filters"),
        ({"in": ["brand", "Acme"]}, "needs a list of values"),
        ({"eq": ["brand"]}, r"needs \[field, value\]"),
        ({"eq": ["brand", None]}, "compared with text"),
        ({}, "one operator"),
        ({"eq": ["brand", "A"], "ne": ["brand", "B"]}, "one operator"),
        ("brand", "one operator"),
        ({"exists": 3}, "needs a field name"),
    ],
)
def test_a_senseless_filter_is_refused_with_its_fault(
    shelf: Shelf, expression: Any, says: str
) -> None:
    with pytest.raises(BadInputError, match=says) as refused:
        filter_mask(shelf, expression)
    assert refused.value.remedy
    assert refused.value.field is not None
    assert refused.value.field.startswith("filter")


def test_a_deeply_nested_filter_is_refused(shelf: Shelf) -> None:
    expression: dict[str, Any] = {"exists": "price"}
    for _ in range(40):
        expression = {"not": expression}
    with pytest.raises(BadInputError, match="nested"):
        filter_mask(shelf, expression)


def test_a_new_and_a_changed_product_are_filtered_by_what_they_are_now(shelf: Shelf) -> None:
    changed = shelf.with_product(0, Product("a", brand="Zeta", price=99.0))
    grown = changed.with_product(3, Product("d", brand="Zeta", price=1.0))
    assert filter_mask(grown, {"eq": ["brand", "Zeta"]}).tolist() == [True, False, False, True]
    assert filter_mask(shelf, {"eq": ["brand", "Acme"]}).tolist() == [True, False, False]
    assert filter_mask(grown, {"lt": ["price", 50]}).tolist() == [False, False, False, True]


def test_a_deleted_or_out_of_stock_product_is_not_available(shelf: Shelf) -> None:
    without = shelf.without(0).with_product(1, Product("b", availability="out_of_stock"))
    assert without.available().tolist() == [False, False, True]
    assert without.with_product(0, Product("a")).available().tolist() == [True, False, True]


def test_an_empty_shelf_takes_its_first_product() -> None:
    empty = Shelf.of(PRODUCTS_SCHEMA.empty_table())
    one = empty.with_product(0, Product("a", title="First", price=2.0))
    assert one.available().tolist() == [True]
    assert filter_mask(one, {"eq": ["title", "First"]}).tolist() == [True]
