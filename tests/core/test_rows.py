"""Tables from single rows."""

from __future__ import annotations

from shelfwise.core.columns import EVENTS_SCHEMA, PRODUCTS_SCHEMA
from shelfwise.core.event import Event, Product
from shelfwise.core.rows import events_to_table, products_to_table


def test_an_event_keeps_every_field() -> None:
    event = Event("rate", 7, user_id="u", item_id="a", rating=4.5, position=2, country="CN")
    (row,) = events_to_table([event]).to_pylist()
    assert {name: row[name] for name in Event.__dataclass_fields__} == {
        name: getattr(event, name) for name in Event.__dataclass_fields__
    }


def test_no_event_makes_an_empty_table_of_the_same_columns() -> None:
    assert events_to_table([]).schema == EVENTS_SCHEMA
    assert products_to_table([]).schema == PRODUCTS_SCHEMA


def test_a_product_keeps_every_field_and_empty_lists_are_null() -> None:
    product = Product("a", "Kettle", price=9.5, attributes=("colour=red", "steel"))
    (row,) = products_to_table([product]).to_pylist()
    assert row["attributes"] == ["colour=red", "steel"]
    assert (row["title"], row["price"], row["brand"], row["also_bought"]) == (
        "Kettle",
        9.5,
        None,
        None,
    )
