"""JSON lines and Parquet give the same rows as CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tests.ingest.conftest import Read, Write


def test_json_lines_are_read_and_bad_ones_set_aside(write: Write, read: Read) -> None:
    good = {"user_id": 7, "item_id": "p1", "event_type": "view", "timestamp": 1700000000}
    found = read(
        write(
            "e.jsonl.gz",
            "\n".join(
                [
                    json.dumps(good),
                    '{"user_id": "u',
                    "",
                    "[1]",
                    json.dumps(good | {"user_id": None}),
                ]
            ),
        )
    )
    assert found.column("user_id") == ["7"]
    assert [(row["line"], row["reason"]) for row in found.quarantine] == [
        (2, "invalid_json"),
        (4, "invalid_json"),
        (5, "missing_shopper"),
    ]
    assert json.loads(str(found.quarantine[2]["row"])) == good | {"user_id": None}


def test_nested_values_of_json_fill_lists(write: Write, read: Read) -> None:
    product = {
        "item_id": "p1",
        "title": "Kettle",
        "category": ["Home", "Kitchen"],
        "attributes": {"color": "red", "size": 2},
        "also_bought": ["p2", "p3"],
        "price": "12.50 EUR",
    }
    (row,) = read(write("p.jsonl", json.dumps(product) + "\n")).products
    assert row["category"] == "Home > Kitchen"
    assert row["attributes"] == ["color=red", "size=2"]
    assert row["also_bought"] == ["p2", "p3"]
    assert (row["price"], row["currency"]) == (12.5, "EUR")


def test_a_column_of_mixed_types_is_read_as_text(write: Write, read: Read) -> None:
    lines = [{"item_id": 1, "title": "a"}, {"item_id": "x2", "title": "b"}]
    found = read(write("p.jsonl", "\n".join(map(json.dumps, lines))))
    assert [row["item_id"] for row in found.products] == ["1", "x2"]


def test_parquet_columns_of_any_type_are_read(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "events.parquet"
    table = pa.table(
        {
            "customer": pa.array([17850.0, None, 3.0]),  # ids that became reals for want of nulls
            "sku": pa.array(["a", "b", "c"]).dictionary_encode(),
            "action": pa.array(["view", "view", "buy"], pa.large_string()),
            "created_at": pa.array([1_700_000_000_000_000] * 3, pa.timestamp("us")),
            "qty": pa.array([1, 2, 3], pa.int16()),
        }
    )
    pq.write_table(table, path)
    found = read(path)
    assert found.column("user_id") == ["17850", "3"]
    assert found.column("event_type") == ["view", "purchase"]
    assert found.column("time_ms") == [1_700_000_000_000] * 2
    assert [(row["line"], row["reason"]) for row in found.quarantine] == [(2, "missing_shopper")]


def test_nested_parquet_columns_fill_lists(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "products.parquet"
    pq.write_table(
        pa.table(
            {"item_id": ["p"], "title": ["t"], "category": [["A", "B"]], "tags": [["x", "y"]]}
        ),
        path,
    )
    (row,) = read(path).products
    assert (row["category"], row["attributes"]) == ("A > B", ["x", "y"])
