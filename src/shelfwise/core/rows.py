"""Tables from single rows: events and products that arrive one by one, in the common columns."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from shelfwise.core.columns import EVENTS_SCHEMA, PRODUCTS_SCHEMA
from shelfwise.core.event import Event, Product


def events_to_table(events: Sequence[Event]) -> pa.Table:
    """`EVENTS_SCHEMA` rows of the events; `order` counts them from 0.

    >>> table = events_to_table([Event("view", 5, user_id="u", item_id="a")])
    >>> table.select(["item_id", "order", "timed"]).to_pylist()
    [{'item_id': 'a', 'order': 0, 'timed': True}]
    """
    counted = {"order": range(len(events)), "timed": [True] * len(events)}
    columns = [
        pa.array(
            counted[field.name]
            if field.name in counted
            else [getattr(event, field.name) for event in events],
            field.type,
        )
        for field in EVENTS_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=EVENTS_SCHEMA)


def products_to_table(products: Sequence[Product]) -> pa.Table:
    """`PRODUCTS_SCHEMA` rows of the products; an empty list of attributes or ids is null."""
    columns = [
        pa.array([_value(product, field.name) for product in products], field.type)
        for field in PRODUCTS_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=PRODUCTS_SCHEMA)


def _value(product: Product, name: str) -> object:
    value = getattr(product, name)
    return (list(value) or None) if isinstance(value, tuple) else value
