"""The demo shop's story as tables and as the rows of its files."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.core.columns import EVENTS_SCHEMA, PRODUCTS_SCHEMA, REVIEWS_SCHEMA
from shelfwise.ingest.demo_dirt import CONFLICTING, N_BOTS
from shelfwise.ingest.demo_reviews import Review
from shelfwise.ingest.demo_visits import Act
from shelfwise.ingest.demo_words import ADJECTIVES, BRANDS, COLOURS, COUNTRIES, SHELVES
from shelfwise.ingest.demo_world import World


def event_table(
    acts: Sequence[Act],
    guests: NDArray[np.bool_],
    world: World,
    user_ids: Sequence[str],
    item_ids: Sequence[str],
) -> pa.Table:
    """The acts as `EVENTS_SCHEMA`, by time; a visit of `guests` names no shopper."""
    acts = sorted(acts, key=lambda act: act.time_ms)
    n = len(acts)
    codes = {name: np.array([getattr(a, name) for a in acts]) for name in Act._fields}
    item, visit = codes["item"], codes["visit"]
    priced = np.isin(codes["kind"], ["add_to_cart", "purchase", "refund", "remove_from_cart"])
    price = np.where(priced & (item >= 0), world.price[item], np.nan)
    guest = guests[visit] & (visit >= 0)
    columns = {
        "user_id": _named(user_ids, np.where(guest, -1, codes["user"])),
        "item_id": _named(item_ids, item),
        "event_type": pa.array(codes["kind"].tolist(), pa.string()),
        "time_ms": pa.array(codes["time_ms"], pa.int64()),
        "order": pa.array(np.arange(n), pa.int64()),
        "value": _known(price),
        "quantity": _known(np.where(priced, 1.0, np.nan)),
        "price": _known(price),
        "currency": _named(["GBP"], np.where(priced, 0, -1)),
        "session_id": _numbered("s", visit),
        "position": pa.array(codes["position"], pa.int32(), mask=codes["position"] < 0),
        "list_id": _numbered("l", codes["list_"]),
        "rating": pa.array(codes["rating"].astype(np.float32), mask=codes["rating"] < 0),
        "country": _named(COUNTRIES, np.append(world.country, [0] * N_BOTS)[codes["user"]]),
        "query": _named([shelf.noun.lower() for shelf in SHELVES], codes["shelf"]),
        "timed": pa.array(np.ones(n, np.bool_)),
    }
    return pa.Table.from_pydict(columns, schema=EVENTS_SCHEMA)


def product_table(world: World, item_ids: Sequence[str]) -> pa.Table:
    """The products as `PRODUCTS_SCHEMA`, by id."""
    rows = [_product(world, item, name) for item, name in enumerate(item_ids)]
    rows.sort(key=lambda row: str(row["item_id"]))
    return pa.Table.from_pylist(rows, schema=PRODUCTS_SCHEMA)


def _product(world: World, item: int, item_id: str) -> dict[str, object]:
    shelf = SHELVES[world.shelf[item]]
    brand, kind = BRANDS[world.brand[item]], shelf.kinds[world.kind[item]]
    adjective, colour = ADJECTIVES[world.adjective[item]], COLOURS[world.colour[item]]
    parts = " & ".join(shelf.aspects[:2])
    described = f"{adjective} {kind.lower()} {shelf.noun.lower()} by {brand}, with {parts} in mind."
    return {
        "item_id": item_id,
        "title": f"{brand} {adjective} {kind} {shelf.noun}",
        "description": described if item % 10 else None,
        "brand": brand if item % 25 else None,
        "category": shelf.path,
        "price": float(world.price[item]),
        "currency": "GBP",
        "availability": "out_of_stock" if world.sold_out[item] else "in_stock",
        "attributes": [f"colour={colour}", f"kind={kind.lower()}"],
    }


def review_table(
    reviews: list[Review], user_ids: Sequence[str], item_ids: Sequence[str]
) -> pa.Table:
    """The reviews as `REVIEWS_SCHEMA`, by time."""
    rows = [
        {
            "item_id": item_ids[review.item],
            "user_id": user_ids[review.user],
            "rating": review.rating,
            "time_ms": review.time_ms,
            "title": review.title,
            "text": review.text,
            "helpful": review.helpful,
        }
        for review in sorted(reviews, key=lambda review: review.time_ms)
    ]
    return pa.Table.from_pylist(rows, schema=REVIEWS_SCHEMA)


def _named(names: Sequence[str], code: NDArray[np.int64]) -> pa.Array:
    """The name of each code, null where it is negative."""
    places = pa.array(np.maximum(code, 0), pa.int64(), mask=code < 0)
    return pa.array(names, pa.string()).take(places)


def _numbered(letter: str, code: NDArray[np.int64]) -> pa.Array:
    return pa.array([f"{letter}{one:06d}" if one >= 0 else None for one in code.tolist()])


def _known(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def event_rows(events: pa.Table) -> pa.Table:
    """The columns of events.csv, as strings."""
    table = events.drop_columns(["order", "timed"]).rename_columns({"time_ms": "timestamp"})
    return pa.table({name: pc.cast(table[name], pa.string()) for name in table.column_names})


def with_unreadable(events: pa.Table, unreadable: Sequence[dict[str, str]]) -> pa.Table:
    """The rows of events.csv, with the unreadable ones spread evenly among the others."""
    table = event_rows(events)
    if not unreadable:
        return table
    bad = pa.Table.from_pylist(list(unreadable), schema=table.schema)
    place = np.concatenate(
        [np.arange(len(table)), np.linspace(0, len(table), len(bad), endpoint=False)]
    )
    whole = pa.concat_tables([table, bad])
    return whole.take(pa.array(np.argsort(place, kind="stable")))


def product_rows(products: pa.Table, *, dirt: bool) -> pa.Table:
    """The columns of products.csv: attributes as tokens joined by `;`, empty columns left out.

    With `dirt`, "&" is written as HTML, and the first `CONFLICTING` products come once more at the
    end, at another price and without a description.
    """
    table = products.drop_columns(["image", "group_id", "also_bought", "also_viewed"])
    joined = pc.binary_join(table["attributes"].combine_chunks(), ";")
    table = table.set_column(table.column_names.index("attributes"), "attributes", joined)
    if not dirt:
        return table
    rows = table.to_pylist()
    rows += [row | {"price": row["price"] + 1, "description": None} for row in rows[:CONFLICTING]]
    for row in rows:
        row["description"] = row["description"] and html.escape(row["description"])
    return pa.Table.from_pylist(rows, schema=table.schema)


def review_rows(reviews: pa.Table) -> list[dict[str, object]]:
    """The objects of reviews.jsonl."""
    rows: list[dict[str, object]] = reviews.rename_columns({"time_ms": "timestamp"}).to_pylist()
    return rows
