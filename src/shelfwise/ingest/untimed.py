"""Events that come in an order but without times.

An event's place in its shopper's sequence stands in for its time, in steps of a second, and the
event is marked as not timed. Places do not depend on other shoppers, so a longer file of the same
histories only adds to what a shorter one gave.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.ingest.batch import Chunk
from shelfwise.ingest.connector import MappedReader
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.text import clean_ids

STEP_MS: Final = 1000
"""What one place in a sequence counts for in `time_ms`."""

NOTE: Final = "There are no times: only the order within a shopper is known."


@dataclass(frozen=True)
class Places:
    """How far each shopper's sequence has come."""

    next_place: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, users: list[str], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of each row the place of its first item; the places taken are remembered."""
        places = self.next_place
        starts = np.empty(len(users), np.int64)
        for row, (user, length) in enumerate(zip(users, lengths.tolist(), strict=True)):
            starts[row] = places[user]
            places[user] += length
        return starts


def sequence_draft(
    users: pa.Array,
    items: pa.Array,
    lengths: NDArray[np.int64],
    start: NDArray[np.int64],
) -> Draft:
    """Events of whole sequences, row i being the next `lengths[i]` of `items`.

    The first item of row i has place `start[i]` in its shopper's sequence.
    """
    total = int(lengths.sum())
    origin = np.repeat(np.arange(len(lengths)), lengths)
    first = np.repeat(np.cumsum(lengths) - lengths - start, lengths)
    return Draft(
        kind="events",
        columns={
            "user_id": users.take(pa.array(origin)),
            "item_id": items,
            "timestamp": pa.array((np.arange(total) - first) * STEP_MS, pa.int64()),
        },
        rows=total,
        origin=origin,
        timed=False,
    )


@dataclass(frozen=True)
class UntimedReader:
    """Reads events without times, one a row, in the order of the file."""

    rows: MappedReader
    places: Places = field(default_factory=Places)

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The events of one chunk, each at its place."""
        (draft,) = self.rows.drafts(chunk)
        shopper = draft.columns.get("user_id", draft.columns.get("session_id"))
        users = clean_ids(shopper).fill_null("")
        starts = self.places.take(users.to_pylist(), np.ones(len(chunk), np.int64))
        time = pa.array(starts * STEP_MS, pa.int64())
        return [replace(draft, columns=draft.columns | {"timestamp": time}, timed=False)]

    def catalogue(self) -> pa.Table | None:
        """Nothing beyond the rows."""
        return None
