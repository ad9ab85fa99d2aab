"""Programs are told from people, and keen people are not taken for programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.columns import EVENTS_SCHEMA
from shelfwise.ingest.automated import AUTOMATED_SCHEMA, find_automated

START = 1_700_000_123_000
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def _events(
    times: list[int], event_type: str = "view", user: str | None = "x", *, timed: bool = True
) -> pa.Table:
    rows = [
        {
            "user_id": user, "session_id": "s", "item_id": f"p{i}", "event_type": event_type,
            "time_ms": time, "order": i, "timed": timed,
        }
        for i, time in enumerate(times)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, EVENTS_SCHEMA)


def _verdicts(table: pa.Table, folder: Path) -> list[tuple[object, object]]:
    found = find_automated(table, folder)
    assert found.schema == AUTOMATED_SCHEMA
    return [(row["user_id"], row["reason"]) for row in found.to_pylist()]


def _at_random(n: int, span_ms: int, seed: int = 0) -> list[int]:
    times = np.random.default_rng(seed).integers(0, span_ms, n)
    return [START + int(time) for time in np.sort(times)]


def test_a_crawler_is_known_by_its_pace(tmp_path: Path) -> None:
    table = _events(_at_random(300, 2 * MINUTE))
    assert _verdicts(table, tmp_path) == [("x", "inhuman_rate")]
    (row,) = find_automated(table, tmp_path).to_pylist()
    assert "acts within one minute" in row["evidence"]
    assert row["events"] == 300


def test_a_poller_is_known_by_its_beat(tmp_path: Path) -> None:
    table = _events([START + i * 5 * MINUTE + (i % 3) * 50 for i in range(100)])
    assert _verdicts(table, tmp_path) == [("x", "inhuman_regularity")]


def test_a_worker_without_sleep_is_known_by_it(tmp_path: Path) -> None:
    table = _events(_at_random(3 * 24 * 40, 3 * DAY))
    assert _verdicts(table, tmp_path) == [("x", "never_sleeps")]


def test_a_mass_of_acts_in_a_day_is_no_person(tmp_path: Path) -> None:
    table = _events(_at_random(9000, 14 * HOUR, seed=3))
    assert _verdicts(table, tmp_path) == [("x", "inhuman_volume")]


def test_a_session_without_a_user_is_named_by_its_id(tmp_path: Path) -> None:
    (row,) = find_automated(_events(_at_random(300, MINUTE), user=None), tmp_path).to_pylist()
    assert (row["user_id"], row["session_id"]) == (None, "s")


@pytest.mark.parametrize(
    "table",
    [
        _events([START] * 500, "purchase"),
        _events([START] * 500, "add_to_cart"),
        _events([START + i * 40 for i in range(500)], "add_to_cart"),
        _events(_at_random(400, 3 * HOUR), "rate"),
        _events(_at_random(200, 4 * MINUTE), "rate"),
        _events(_at_random(400, 3 * HOUR)),
        _events(_at_random(3000, 30 * DAY)),
        _events([START - START % DAY + i * DAY for i in range(400)]),
        _events([START + i * 10 for i in range(500)], "impression"),
        _events([i * 1000 for i in range(500)], timed=False),
        _events([START + i * 30 * DAY for i in range(60)], "purchase"),
    ],
    ids=[
        "a wholesale invoice",
        "an order list put into the cart at once",
        "the same, a row every 40 ms",
        "an evening of rating films",
        "a page of films rated quickly",
        "an evening of browsing",
        "a month of browsing every day",
        "times that are only days",
        "a long page of impressions",
        "events that are not timed",
        "a monthly subscription",
    ],
)
def test_keen_people_are_not_flagged(table: pa.Table, tmp_path: Path) -> None:
    assert _verdicts(table, tmp_path) == []


def test_only_the_program_among_people_is_flagged(tmp_path: Path) -> None:
    people = [_events(_at_random(150, 5 * HOUR, seed), user=f"u{seed}") for seed in range(1, 20)]
    crawler = _events(_at_random(900, 3 * MINUTE), user="bot")
    assert _verdicts(pa.concat_tables([*people, crawler]), tmp_path) == [("bot", "inhuman_rate")]
