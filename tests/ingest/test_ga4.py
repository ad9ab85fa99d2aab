"""The nested events of a GA4 export are unfolded, one event an item."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tests.ingest.conftest import Read, Row, Write

PARAMS: list[Row] = [
    {"key": "ga_session_id", "value": {"int_value": 99}},
    {"key": "currency", "value": {"string_value": "EUR"}},
    {"key": "search_term", "value": {"string_value": "red shoes"}},
]
EXPORTED: Row = {
    "event_name": "purchase",
    "event_timestamp": 1_700_000_000_123_456,
    "user_pseudo_id": "d.1",
    "user_id": None,
    "event_params": PARAMS,
    "geo": {"country": "France"},
    "items": [
        {
            "item_id": "p1",
            "item_name": "Shoe",
            "item_brand": "Acme",
            "item_category": "Apparel",
            "item_category2": "Shoes",
            "price": 50.0,
            "quantity": 2,
            "item_list_id": "home",
            "item_list_index": "3",
        },
        {"item_id": "p2", "item_name": "Sock", "price": 5.0, "quantity": 1},
    ],
}


def _lines(*events: Row) -> str:
    return "".join(json.dumps(EXPORTED | event) + "\n" for event in events)


def test_each_item_is_one_event(write: Write, read: Read) -> None:
    found = read(write("ga4.json", _lines({})))
    assert found.format == "ga4"
    first, second = found.events
    assert first | {"order": 0} == {
        "user_id": "d.1", "item_id": "p1", "event_type": "purchase", "time_ms": 1_700_000_000_123,
        "order": 0, "value": None, "quantity": 2.0, "price": 50.0, "currency": "EUR",
        "session_id": "d.1.99", "position": 3, "list_id": "home", "rating": None,
        "country": "France", "query": None, "timed": True,
    }  # fmt: skip
    assert (second["item_id"], second["order"], second["list_id"]) == ("p2", 1, None)


def test_a_user_id_goes_before_the_device(write: Write, read: Read) -> None:
    assert read(write("ga4.json", _lines({"user_id": "jo"}))).column("user_id") == ["jo", "jo"]


def test_event_names_become_ours(write: Write, read: Read) -> None:
    names = {
        "view_item_list": "impression",
        "select_item": "click",
        "view_item": "view",
        "add_to_cart": "add_to_cart",
        "remove_from_cart": "remove_from_cart",
        "add_to_wishlist": "wishlist",
        "refund": "refund",
    }
    events: list[Row] = [{"event_name": name} for name in names]
    found = read(write("ga4.json", _lines(*events)))
    assert found.column("event_type")[::2] == list(names.values())


def test_a_search_carries_its_words(write: Write, read: Read) -> None:
    found = read(write("ga4.json", _lines({"event_name": "view_search_results", "items": []})))
    assert found.column("query") == ["red shoes"]
    assert found.column("item_id") == [None]


def test_events_about_no_product_are_set_aside(write: Write, read: Read) -> None:
    lines = _lines(
        {"event_name": "page_view", "items": []},
        {"event_name": "view_item", "items": []},
        {"event_name": "view_item", "items": [{"item_id": "(not set)"}]},
        {"event_name": "view_item", "event_timestamp": 12},
    )
    found = read(write("ga4.json", lines))
    assert [(row["line"], row["reason"]) for row in found.quarantine] == [
        (1, "not_a_shop_event"),
        (2, "missing_item_id"),
        (3, "missing_item_id"),
        (4, "time_before_1995"),
        (4, "time_before_1995"),
    ]
    assert json.loads(str(found.quarantine[0]["row"]))["event_name"] == "page_view"


def test_the_items_tell_the_products(write: Write, read: Read) -> None:
    found = read(write("ga4.json", _lines({}, {})))
    assert [
        (p["item_id"], p["title"], p["brand"], p["category"], p["price"]) for p in found.products
    ] == [("p1", "Shoe", "Acme", "Apparel > Shoes", 50.0), ("p2", "Sock", None, None, 5.0)]


def test_parquet_exports_give_the_same(write: Write, tmp_path: Path, read: Read) -> None:
    path = tmp_path / "ga4.parquet"
    pq.write_table(pa.Table.from_pylist([EXPORTED, EXPORTED | {"event_name": "scroll"}]), path)
    found = read(path)
    assert found.events == read(write("ga4.json", _lines({}))).events
    assert found.products[0]["category"] == "Apparel > Shoes"
    assert dict(found.reasons()) == {"not_a_shop_event": 1}
