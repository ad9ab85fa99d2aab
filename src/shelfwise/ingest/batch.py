"""What passes between the parts of this room: rows as read, and rows as cleaned."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.columns import QUARANTINE_SCHEMA

Kind = Literal["auto", "events", "products", "reviews"]
"""What the rows of a file are; "auto" leaves it to the columns."""

Progress = Callable[[int, int], None]
"""Called with the bytes of the file read so far and its size."""

LONGEST_QUARANTINED_ROW: Final = 20_000
"""Characters of a row kept in quarantine; a longer one is cut and says so."""


@dataclass(frozen=True)
class Malformed:
    """A record that could not even be split into columns."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Chunk:
    """Rows as read, under the source's own column names."""

    table: pa.Table
    line: NDArray[np.int64]
    """Where each row begins in the file: 1 is the first line (Parquet: the first row)."""
    malformed: tuple[Malformed, ...] = ()
    as_json: Callable[[int], str] | None = None
    """The row at a position as JSON, where the file is JSON anyway."""

    def __len__(self) -> int:
        return len(self.line)

    def rows_as_json(self, where: NDArray[np.int64]) -> list[str]:
        """The rows at `where` as JSON objects, for quarantine."""
        if self.as_json is not None:
            return [cut(self.as_json(row)) for row in where.tolist()]
        rows = self.table.take(pa.array(where)).to_pylist()
        return [cut(json.dumps(row, ensure_ascii=False, default=str)) for row in rows]


@dataclass(frozen=True)
class Batch:
    """One chunk of cleaned rows; per kind, `read` is what is here plus what is quarantined."""

    events: pa.Table | None
    """`EVENTS_SCHEMA`; `order` is the running number of the event in its source."""
    products: pa.Table | None
    """`PRODUCTS_SCHEMA`."""
    reviews: pa.Table | None
    """`REVIEWS_SCHEMA`."""
    quarantine: pa.Table
    """`QUARANTINE_SCHEMA`."""
    read: dict[str, int]
    """Rows read, by kind."""
    repairs: dict[str, int] = field(default_factory=dict)
    """Rows kept although one optional field was unusable and left empty, by what was wrong."""


def cut(text: str) -> str:
    """`text`, or a JSON string of its beginning if it is too long to keep."""
    if len(text) <= LONGEST_QUARANTINED_ROW:
        return text
    return json.dumps(
        {"cut_after": LONGEST_QUARANTINED_ROW, "text": text[:LONGEST_QUARANTINED_ROW]}
    )


def quarantine_malformed(source: str, kind: str, malformed: tuple[Malformed, ...]) -> pa.Table:
    """`QUARANTINE_SCHEMA` rows for records that could not be read."""
    return pa.table(
        {
            "source": pa.array([source] * len(malformed), pa.string()),
            "line": pa.array([bad.line for bad in malformed], pa.int64()),
            "kind": pa.array([kind] * len(malformed), pa.string()),
            "reason": pa.array([bad.reason for bad in malformed], pa.string()),
            "row": pa.array(
                [cut(json.dumps({"text": bad.text}, ensure_ascii=False)) for bad in malformed],
                pa.string(),
            ),
        },
        schema=QUARANTINE_SCHEMA,
    )
