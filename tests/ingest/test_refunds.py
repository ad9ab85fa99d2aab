"""Refunds undo the purchases they belong to, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tests.ingest.conftest import Row

from shelfwise.core.columns import EVENTS_SCHEMA
from shelfwise.ingest.refunds import RefundCounts, net_refunds, refund_corrections

HOUR = 3_600_000


def _events(*acts: tuple[str, str, str, float | None]) -> pa.Table:
    rows: list[Row] = [
        {
            "user_id": user, "item_id": item, "event_type": kind, "quantity": quantity,
            "value": None if quantity is None else quantity * 10, "time_ms": (i + 1) * HOUR,
            "order": i, "timed": True,
        }
        for i, (user, item, kind, quantity) in enumerate(acts)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, EVENTS_SCHEMA)


def _net(folder: Path, table: pa.Table) -> tuple[RefundCounts, list[tuple[object, object, object]]]:
    counts = net_refunds(table, folder / "net.parquet", folder / "scratch")
    rows = pq.read_table(folder / "net.parquet").to_pylist()
    return counts, [(row["item_id"], row["quantity"], row["value"]) for row in rows]


def test_a_purchase_sent_back_whole_is_gone(tmp_path: Path) -> None:
    table = _events(("u", "p", "purchase", 3), ("u", "q", "purchase", 1), ("u", "p", "refund", 3))
    counts, kept = _net(tmp_path, table)
    assert kept == [("q", 1.0, 10.0)]
    assert counts == RefundCounts(1, 1, 0, purchases_dropped=1, purchases_reduced=0)


def test_a_part_sent_back_makes_the_purchase_smaller(tmp_path: Path) -> None:
    counts, kept = _net(tmp_path, _events(("u", "p", "purchase", 5), ("u", "p", "refund", 2)))
    assert kept == [("p", 3.0, 30.0)]
    assert counts.purchases_reduced == 1


def test_the_latest_earlier_purchase_is_undone_first(tmp_path: Path) -> None:
    table = _events(
        ("u", "p", "purchase", 5),
        ("u", "p", "purchase", 2),
        ("u", "p", "refund", 3),
        ("u", "p", "purchase", 7),
    )
    _, kept = _net(tmp_path, table)
    assert kept == [("p", 4.0, 40.0), ("p", 7.0, 70.0)]


def test_a_refund_of_what_was_never_bought_is_unmatched(tmp_path: Path) -> None:
    table = _events(("u", "p", "refund", 1), ("u", "p", "purchase", 1), ("v", "p", "refund", 1))
    counts, kept = _net(tmp_path, table)
    assert kept == [("p", 1.0, 10.0)]
    assert counts == RefundCounts(2, 0, 2, 0, 0)


def test_a_refund_without_quantity_undoes_the_latest_purchase(tmp_path: Path) -> None:
    table = _events(
        ("u", "p", "purchase", 5), ("u", "p", "purchase", None), ("u", "p", "refund", None)
    )
    assert _net(tmp_path, table)[1] == [("p", 5.0, 50.0)]


def test_a_user_and_a_session_of_the_same_name_are_two_shoppers(tmp_path: Path) -> None:
    table = _events(("x", "p", "purchase", 1), ("x", "p", "refund", 1))
    rows = table.to_pylist()
    rows[1] |= {"user_id": None, "session_id": "x"}
    counts, _ = _net(tmp_path, pa.Table.from_pylist(rows, EVENTS_SCHEMA))
    assert counts.unmatched == 1


def test_refunds_after_a_moment_change_nothing_before_it(tmp_path: Path) -> None:
    table = _events(("u", "p", "purchase", 1), ("u", "p", "refund", 1))
    assert len(refund_corrections(table, tmp_path, until_ms=2 * HOUR).place) == 0
    assert refund_corrections(table, tmp_path, until_ms=2 * HOUR + 1).place.tolist() == [0]


def test_row_numbers_run_through_all_files(tmp_path: Path) -> None:
    first = _events(("u", "a", "purchase", 1), ("u", "b", "purchase", 1))
    second = _events(("u", "c", "purchase", 4), ("u", "c", "refund", 1), ("u", "b", "refund", 1))
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for path, table in zip(paths, (first, second), strict=True):
        pq.write_table(table, path)
    found = refund_corrections(paths, tmp_path)
    assert (found.place.tolist(), found.quantity.tolist()) == ([1, 2], [0.0, 3.0])
