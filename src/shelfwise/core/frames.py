"""A shop's data from a data frame, for whoever uses one model alone.

Any frame that speaks Arrow will do: pandas (2.2 and later), Polars, DuckDB, a `pyarrow.Table`, or a
dictionary of columns. Nothing is cleaned: files of a real shop are read by `shelfwise ingest`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, EVENT_TYPES
from shelfwise.core.dataset import Dataset, Events, empty_products, empty_reviews
from shelfwise.core.errors import BadInputError
from shelfwise.core.vocabulary import Vocabulary

NEEDED: Final = ("user_id", "item_id")


def dataset_of(frame: Any, *, seed: int = 0) -> Dataset:
    """The rows of `frame` as events.

    Columns are `user_id` and `item_id`, `event_type` where there is one (else all are purchases)
    and `time` where there is one (else the rows are in order); others are not read. `time` is a
    date, a timestamp, or milliseconds since 1970; ids of any type become strings. `seed` draws the
    codes, by which ties are broken. Raises `BadInputError` for a missing column, an empty id or
    time, and an unknown type of event.

    >>> shop = dataset_of({"user_id": [7, 7, 8], "item_id": ["tea", "cup", "tea"]})
    >>> shop.n_users, shop.n_items, shop.timed, sorted(shop.items.ids)
    (2, 2, False, ['cup', 'tea'])
    """
    table = pa.table(frame)
    missing = [name for name in NEEDED if name not in table.column_names]
    if missing:
        raise BadInputError(
            f"There is no column {' or '.join(missing)} among {', '.join(table.column_names)}.",
            remedy="Rename the columns to user_id, item_id, event_type and time.",
            field=missing[0],
        )
    user_ids, item_ids = (_whole(table, name).cast(pa.string()) for name in NEEDED)
    users, items = _vocabulary(user_ids, seed), _vocabulary(item_ids, seed)
    events = Events.of(users.encode(user_ids), items.encode(item_ids))
    if "event_type" in table.column_names:
        events = replace(events, type=_types(_whole(table, "event_type")))
    timed = "time" in table.column_names
    if timed:
        time_ms = _milliseconds(_whole(table, "time"))
        order = np.argsort(time_ms, kind="stable")
        events = replace(events, time_ms=time_ms).take(order)
    return Dataset(
        users=users,
        items=items,
        events=events,
        products=empty_products(items),
        reviews=empty_reviews(),
        anonymous=np.zeros(len(users), np.bool_),
        timed=timed,
    )


def _whole(table: pa.Table, name: str) -> pa.ChunkedArray:
    column = table.column(name)
    if column.null_count:
        row = pc.index(column.is_null(), True).as_py()
        raise BadInputError(
            f"Column {name} is empty in {column.null_count} rows, first in row {row}.",
            remedy="Fill them in or leave these rows out.",
            field=name,
        )
    return column


def _vocabulary(ids: pa.ChunkedArray, seed: int) -> Vocabulary:
    return Vocabulary.shuffled(ids.unique().to_pylist(), seed)


def _types(column: pa.ChunkedArray) -> NDArray[np.int8]:
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    words = encoded.dictionary.to_pylist()
    unknown = [word for word in words if word not in EVENT_CODE]
    if unknown:
        raise BadInputError(
            f"'{unknown[0]}' is no type of event.",
            remedy=f"Use {', '.join(EVENT_TYPES)}.",
            field="event_type",
        )
    codes = np.array([EVENT_CODE[word] for word in words], np.int8)
    return np.asarray(codes[encoded.indices.to_numpy(zero_copy_only=False)], np.int8)


def _milliseconds(column: pa.ChunkedArray) -> NDArray[np.int64]:
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("ms", column.type.tz), safe=False)
    return np.asarray(column.cast(pa.int64()).to_numpy(), np.int64)
