"""Names and types of the columns every room agrees on.

Tables at rest and between rooms are Arrow tables with exactly these schemas: column order, names
and types. An absent value is null. `item_id` and `user_id` are the shop's own strings; the integer
codes used inside are made by `core.vocabulary` and never leave the process.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

EVENT_TYPES: Final = (
    "impression",
    "view",
    "click",
    "add_to_cart",
    "remove_from_cart",
    "wishlist",
    "purchase",
    "refund",
    "rate",
    "search",
)
"""The event types, in code order: `EVENT_CODE[name]` is the position here."""

EVENT_CODE: Final = {name: code for code, name in enumerate(EVENT_TYPES)}

INTEREST_TYPES: Final = ("view", "click", "add_to_cart", "wishlist", "purchase", "rate")
"""Event types that say a shopper wants the product; the models learn from these."""

EVENTS_SCHEMA: Final = pa.schema(
    [
        pa.field("user_id", pa.string()),  # null: an anonymous shopper, then session_id is set
        pa.field("item_id", pa.string()),  # null only for `search`
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("time_ms", pa.int64(), nullable=False),  # UTC milliseconds since 1970
        pa.field("order", pa.int64(), nullable=False),  # row in its source: breaks ties in time
        pa.field("value", pa.float64()),  # money of the whole line
        pa.field("quantity", pa.float64()),
        pa.field("price", pa.float64()),  # of one unit
        pa.field("currency", pa.string()),
        pa.field("session_id", pa.string()),  # session, visit, order or invoice
        pa.field("position", pa.int32()),  # place in the list it was shown in, from 1
        pa.field("list_id", pa.string()),  # the slate (recommendation_id) that caused it
        pa.field("rating", pa.float32()),
        pa.field("country", pa.string()),
        pa.field("query", pa.string()),  # what was searched for
        pa.field("timed", pa.bool_(), nullable=False),  # false: time_ms only gives the order
    ]
)

PRODUCTS_SCHEMA: Final = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("description", pa.string()),
        pa.field("brand", pa.string()),
        pa.field("category", pa.string()),  # path, general to special: "A > B > C"
        pa.field("price", pa.float64()),
        pa.field("currency", pa.string()),  # ISO 4217
        pa.field("image", pa.string()),
        pa.field("availability", pa.string()),  # in_stock, out_of_stock, preorder or backorder
        pa.field("attributes", pa.list_(pa.string())),  # tokens, "name=value" where named
        pa.field("group_id", pa.string()),  # variants of one product share it
        pa.field("also_bought", pa.list_(pa.string())),
        pa.field("also_viewed", pa.list_(pa.string())),
    ]
)

REVIEWS_SCHEMA: Final = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("user_id", pa.string()),
        pa.field("rating", pa.float32()),
        pa.field("time_ms", pa.int64()),
        pa.field("title", pa.string()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("helpful", pa.int32()),  # votes
    ]
)

QUARANTINE_SCHEMA: Final = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),  # file name as given
        pa.field("line", pa.int64(), nullable=False),  # 1 is the file's first line (or row)
        pa.field("kind", pa.string(), nullable=False),  # events, products or reviews
        pa.field("reason", pa.string(), nullable=False),
        pa.field("row", pa.string()),  # the row as read, as JSON
    ]
)

CATEGORY_SEPARATOR: Final = " > "
