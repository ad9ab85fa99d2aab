"""Rows told twice go, everything else stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.ingest.conftest import Row

from shelfwise.core.columns import EVENTS_SCHEMA, REVIEWS_SCHEMA
from shelfwise.ingest.duplicates import DedupeCounts, dedupe_events, dedupe_reviews

NOON = 1_700_000_000_000
EVENT: Row = {
    "user_id": "u1", "item_id": "p1", "event_type": "purchase", "time_ms": NOON, "quantity": 1.0,
    "timed": True,
}  # fmt: skip

Dedupe = Callable[..., tuple[DedupeCounts, list[Row]]]


@pytest.fixture
def dedupe(tmp_path: Path) -> Dedupe:
    """A function that deduplicates lists of events, one list a file."""

    def run(*files: list[Row], existing: list[Row] | None = None) -> tuple[DedupeCounts, list[Row]]:
        staged = [_written(tmp_path / f"{i}.parquet", rows) for i, rows in enumerate(files)]
        held = [] if existing is None else [_written(tmp_path / "there.parquet", existing)]
        out = tmp_path / "out.parquet"
        counts = dedupe_events(staged, held, out, tmp_path / "scratch")
        return counts, pq.read_table(out).to_pylist()

    return run


def _written(path: Path, rows: list[Row]) -> Path:
    ordered = [EVENT | {"order": i} | row for i, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(ordered, EVENTS_SCHEMA), path)
    return path


def test_equal_rows_of_one_file_count_once(dedupe: Dedupe) -> None:
    counts, kept = dedupe([{}, {}, {"item_id": "p2"}])
    assert counts == DedupeCounts(read=3, kept=2, exact=1, double_submission=0)
    assert [row["item_id"] for row in kept] == ["p1", "p2"]


def test_equal_rows_of_two_files_count_once(dedupe: Dedupe) -> None:
    counts, kept = dedupe([{}, {"item_id": "p2"}], [{"item_id": "p3"}, {}])
    assert (counts.exact, len(kept)) == (1, 3)


def test_a_second_ingest_of_the_same_rows_adds_nothing(dedupe: Dedupe) -> None:
    rows: list[Row] = [{}, {"item_id": "p2"}, {"time_ms": NOON + 5000}]
    counts, kept = dedupe(rows, existing=rows)
    assert counts == DedupeCounts(read=3, kept=0, exact=3, double_submission=0)
    assert kept == []


def test_any_column_that_differs_makes_another_row(dedupe: Dedupe) -> None:
    other: list[Row] = [
        {"session_id": "s"}, {"user_id": "u2"}, {"time_ms": NOON + 9000}, {"country": "FR"},
        {"quantity": 2.0}, {"quantity": None}, {"event_type": "view"}, {"query": ""},
    ]  # fmt: skip
    counts, _ = dedupe([{}, *other])
    assert counts.exact == 0


def test_the_same_act_within_two_seconds_counts_once(dedupe: Dedupe) -> None:
    rows: list[Row] = [{}, {"time_ms": NOON + 1900}, {"time_ms": NOON + 4000}]
    counts, kept = dedupe(rows)
    assert counts.double_submission == 1
    assert [row["time_ms"] for row in kept] == [NOON, NOON + 4000]


def test_a_double_submission_across_files_counts_once(dedupe: Dedupe) -> None:
    counts, kept = dedupe([{"time_ms": NOON + 1000}], existing=[{}])
    assert (counts.double_submission, kept) == (1, [])


@pytest.mark.parametrize(
    "differs",
    [
        {"event_type": "view"},
        {"event_type": "impression"},
        {"timed": False},
    ],
)
def test_views_impressions_and_untimed_acts_may_repeat(differs: Row, dedupe: Dedupe) -> None:
    counts, _ = dedupe([differs, differs | {"time_ms": NOON + 1000}])
    assert counts.double_submission == 0


@pytest.mark.parametrize(
    "differs", [{"quantity": 3.0}, {"price": 4.0}, {"item_id": "p2"}, {"user_id": "u2"}]
)
def test_another_act_within_two_seconds_stays(differs: Row, dedupe: Dedupe) -> None:
    counts, _ = dedupe([{}, differs | {"time_ms": NOON + 1000}])
    assert counts.double_submission == 0


def test_times_that_are_only_days_show_no_double_submission(dedupe: Dedupe) -> None:
    midnight = NOON - NOON % 86_400_000
    rows: list[Row] = [{"time_ms": midnight}, {"time_ms": midnight, "session_id": "s2"}]
    assert dedupe(rows)[0] == DedupeCounts(read=2, kept=2, exact=0, double_submission=0)


def test_what_stays_is_in_order_of_time(dedupe: Dedupe) -> None:
    _, kept = dedupe([{"time_ms": NOON + 9000}, {"item_id": "b"}, {"item_id": "a"}])
    assert [row["item_id"] for row in kept] == ["b", "a", "p1"]


def test_reviews_told_twice_count_once(tmp_path: Path) -> None:
    review: Row = {"item_id": "p", "user_id": "u", "rating": 5.0, "time_ms": None, "text": "Good"}
    rows = [review, review, review | {"text": "Bad"}]
    pq.write_table(pa.Table.from_pylist(rows, REVIEWS_SCHEMA), tmp_path / "r.parquet")
    out = tmp_path / "out.parquet"
    staged = [tmp_path / "r.parquet"]
    assert dedupe_reviews(staged, [], out, tmp_path).exact == 1
    again = tmp_path / "again.parquet"
    assert dedupe_reviews(staged, [out], again, tmp_path) == DedupeCounts(3, 0, 3, 0)
