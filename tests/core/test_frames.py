"""Data frames as a shop's data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.errors import BadInputError
from shelfwise.core.frames import dataset_of

ROWS: dict[str, list[Any]] = {
    "user_id": [2, 1, 2],
    "item_id": ["tea", "tea", "cup"],
    "event_type": ["view", "purchase", "add_to_cart"],
    "time": [datetime(2026, 1, day, tzinfo=UTC) for day in (3, 1, 2)],
}


def test_events_come_in_order_of_time_with_their_types() -> None:
    shop = dataset_of(ROWS)
    assert shop.timed
    assert [shop.users.ids[code] for code in shop.events.user] == ["1", "2", "2"]
    assert [shop.items.ids[code] for code in shop.events.item] == ["tea", "cup", "tea"]
    wanted = [EVENT_CODE[name] for name in ("purchase", "add_to_cart", "view")]
    assert shop.events.type.tolist() == wanted
    assert np.diff(shop.events.time_ms).tolist() == [86_400_000, 86_400_000]


def test_dates_and_milliseconds_are_times_too() -> None:
    days = dataset_of(ROWS | {"time": [date(2026, 1, day) for day in (3, 1, 2)]})
    numbers = dataset_of(ROWS | {"time": [int(when.timestamp() * 1000) for when in ROWS["time"]]})
    expected = dataset_of(ROWS).events.time_ms.tolist()
    assert days.events.time_ms.tolist() == numbers.events.time_ms.tolist() == expected


def test_without_types_and_times_rows_are_purchases_in_order() -> None:
    shop = dataset_of(pa.table({"user_id": ROWS["user_id"], "item_id": ROWS["item_id"]}))
    assert not shop.timed
    assert [shop.users.ids[code] for code in shop.events.user] == ["2", "1", "2"]
    assert set(shop.events.type.tolist()) == {EVENT_CODE["purchase"]}


def test_a_frame_that_speaks_arrow_will_do() -> None:
    class Frame:
        """What pandas and Polars are to Arrow."""

        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return pa.table(ROWS).__arrow_c_stream__(requested_schema)

    assert len(dataset_of(Frame()).events) == 3


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"item_id": None}, "no column item_id"),
        ({"item_id": ["tea", None, "cup"]}, "empty in 1 rows, first in row 1"),
        ({"event_type": ["view", "buy", "view"]}, "'buy' is no type of event"),
        ({"time": [1, None, 2]}, "Column time is empty"),
    ],
)
def test_what_cannot_be_read_is_named(changed: dict[str, Any], says: str) -> None:
    frame = {name: column for name, column in (ROWS | changed).items() if column is not None}
    with pytest.raises(BadInputError, match=says):
        dataset_of(frame)


def test_codes_are_drawn_by_the_seed() -> None:
    frame = {"user_id": range(50), "item_id": range(50)}
    one, again, other = (dataset_of(frame, seed=seed) for seed in (0, 0, 1))
    assert one.items.ids == again.items.ids
    assert one.items.ids != other.items.ids
