"""One row a product, whatever was said about it where."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tests.ingest.conftest import Row

from shelfwise.core.columns import PRODUCTS_SCHEMA
from shelfwise.ingest.products import Conflict, ProductCounts, resolve_products


def _resolve(
    folder: Path, *files: list[Row], existing: Path | None = None
) -> tuple[ProductCounts, list[Row], Path]:
    staged = []
    for i, rows in enumerate(files):
        staged.append(folder / f"{i}.parquet")
        pq.write_table(pa.Table.from_pylist(rows, PRODUCTS_SCHEMA), staged[-1])
    out = folder / ("again.parquet" if existing else "out.parquet")
    counts = resolve_products(staged, existing, out, folder / "scratch")
    return counts, pq.read_table(out).to_pylist(), out


def test_a_newer_file_wins_where_it_says_anything(tmp_path: Path) -> None:
    old: list[Row] = [{"item_id": "p", "title": "Old", "price": 1.0, "brand": "Acme"}]
    new: list[Row] = [{"item_id": "p", "title": "New", "price": 2.0}]
    counts, (row,), _ = _resolve(tmp_path, old, new)
    assert (row["title"], row["price"], row["brand"]) == ("New", 2.0, "Acme")
    assert (counts.read, counts.accepted, counts.duplicates) == (2, 1, 1)
    assert counts.conflicts == 0


def test_within_a_file_the_most_frequent_title_counts(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"item_id": "p", "title": "Lamp"},
        {"item_id": "p", "title": "Lamp"},
        {"item_id": "p", "title": "damaged"},
        {"item_id": "q", "title": "Mug"},
    ]
    counts, kept, _ = _resolve(tmp_path, rows)
    assert [row["title"] for row in kept] == ["Lamp", "Mug"]
    assert counts.listed == (Conflict("p", "title", "Lamp", ("damaged",)),)


def test_contradictions_within_a_file_are_reported(tmp_path: Path) -> None:
    rows: list[Row] = [{"item_id": "p", "price": 1.0}, {"item_id": "p", "price": 2.5}]
    counts, (row,), _ = _resolve(tmp_path, rows)
    assert row["price"] == 2.5
    assert (counts.conflicts, counts.listed[0].dropped) == (1, ("1.0",))


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"item_id": "p", "title": "Lamp", "attributes": ["a=1"]},
        {"item_id": "q", "title": "Mug"},
    ]
    _, first, out = _resolve(tmp_path, rows)
    counts, again, _ = _resolve(tmp_path, rows, existing=out)
    assert again == first
    assert (counts.read, counts.accepted, counts.duplicates) == (2, 0, 2)


def test_a_changed_product_counts_as_accepted(tmp_path: Path) -> None:
    _, _, out = _resolve(
        tmp_path, [{"item_id": "p", "title": "Lamp"}, {"item_id": "q", "title": "M"}]
    )
    counts, kept, _ = _resolve(tmp_path, [{"item_id": "p", "price": 3.0}], existing=out)
    assert (counts.accepted, [row["price"] for row in kept]) == (1, [3.0, None])


def test_attributes_told_in_several_rows_are_gathered(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"item_id": "p", "attributes": ["a=1"]},
        {"item_id": "p", "category": "Toys"},
        {"item_id": "p", "attributes": ["b=2", "a=1"]},
    ]
    _, (row,), _ = _resolve(tmp_path, rows)
    assert (row["attributes"], row["category"]) == (["a=1", "b=2"], "Toys")
