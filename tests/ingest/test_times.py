"""Times are understood however shops write them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from shelfwise.ingest.times import is_day_first, millis_of, to_millis

MOMENT = 1_291_191_960_000  # 2010-12-01T08:26:00Z
DAY = 1_291_161_600_000


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("1291191960", MOMENT),
        ("1291191960.5", MOMENT + 500),
        ("1.29119196e9", MOMENT),
        ("1291191960000", MOMENT),
        ("1291191960000000", MOMENT),
        ("1291191960000000000", MOMENT),
        ("20101201", DAY),
        ("20101201082600", MOMENT),
        ("2010-12-01", DAY),
        ("2010-12-01 08:26", MOMENT),
        ("2010-12-01 08:26:00", MOMENT),
        ("2010-12-01 08:26:00.250", MOMENT + 250),
        ("2010-12-01T08:26:00Z", MOMENT),
        ("2010-12-01T09:26:00+01:00", MOMENT),
        ("2010-12-01T03:26:00.000-05:00", MOMENT),
        ("2010-12-01 08:26:00 UTC", MOMENT),
        ("2010/12/01 08:26", MOMENT),
        ("12/1/2010 8:26", MOMENT),
        ("12/1/2010 8:26:00 AM", MOMENT),
        ("01.12.2010 08:26", MOMENT),
        ("1 Dec 2010 08:26", MOMENT),
        ("01-Dec-2010", DAY),
        ("Dec 1, 2010", DAY),
        ("December 1, 2010 8:26 AM", MOMENT),
        ("12 1, 2010", DAY),
        ("Wed, 01 Dec 2010 08:26:00 GMT", MOMENT),
        ("2010年12月1日 08:26", MOMENT),
    ],
)
def test_a_written_time_is_read(text: str, millis: int) -> None:
    times, known = to_millis(pa.chunked_array([[text, None, text]]), day_first=False)
    assert known.tolist() == [True, False, True]
    assert times.tolist()[::2] == [millis, millis]


@pytest.mark.parametrize(
    "text", ["", "soon", "2010-13-01", "2010-02-30", "32/13/2010", "12:30", "99999999999999999999"]
)
def test_what_is_no_time_is_not_read(text: str) -> None:
    _, known = to_millis(pa.chunked_array([[text]]), day_first=False)
    assert known.tolist() == [False]


def test_a_mixed_column_is_read_value_by_value() -> None:
    written = ["2010-12-01 08:26:00", "1291191960", "2010-12-01T08:26:00Z", "12/1/2010 8:26", "?"]
    times, known = to_millis(pa.chunked_array([written]), day_first=False)
    assert known.tolist() == [True] * 4 + [False]
    assert set(times.tolist()[:4]) == {MOMENT}


@pytest.mark.parametrize(
    "column",
    [
        pa.array([MOMENT], pa.timestamp("ms")),
        pa.array([MOMENT * 1000], pa.timestamp("us", "Europe/Berlin")),
        pa.array([MOMENT // 1000], pa.int32()),
        pa.array([MOMENT / 1000], pa.float64()),
    ],
)
def test_typed_columns_are_read(column: pa.Array) -> None:
    times, known = to_millis(pa.chunked_array([column]), day_first=False)
    assert (times.tolist(), known.tolist()) == ([MOMENT], [True])


def test_dates_are_read() -> None:
    times, _ = to_millis(
        pa.chunked_array([pa.array([DAY // 86_400_000], pa.date32())]), day_first=False
    )
    assert times.tolist() == [DAY]


def test_which_of_day_and_month_comes_first_is_told_by_the_column() -> None:
    assert is_day_first(["03/04/2011", "13/04/2011"]) is True
    assert is_day_first(["03/04/2011", "04/13/2011"]) is False
    assert is_day_first(["03/04/2011"]) is None
    assert millis_of("03/04/2011", day_first=True) == millis_of("2011-04-03")
    assert millis_of("03/04/2011", day_first=False) == millis_of("2011-03-04")
