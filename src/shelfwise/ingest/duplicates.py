"""Rows told twice, found over whole tables in Parquet.

Two rows are the same when all columns but `order` agree, compared by two independent 64-bit hashes
(one false match in some 10^20 pairs). A double submission is the same act sent again within
two seconds: same shopper, item, type, quantity and price. It is only looked for where times are
finer than a day, and not among impressions and views, which people do repeat.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shelfwise.core.columns import EVENTS_SCHEMA, REVIEWS_SCHEMA
from shelfwise.ingest.scratch import parquet, quoted, scratch

DOUBLE_SUBMISSION_MS: Final = 2000
"""Longest time between an act and its accidental repetition."""

_DAY_MS: Final = 86_400_000
_EVENT_IDENTITY: Final = tuple(name for name in EVENTS_SCHEMA.names if name != "order")
_REVIEW_IDENTITY: Final = tuple(REVIEWS_SCHEMA.names)
_ACT: Final = (
    "coalesce(user_id, session_id)",
    "user_id IS NULL",
    "item_id",
    "event_type",
    "quantity",
    "price",
    "rating",
    "query",
)


@dataclass(frozen=True)
class DedupeCounts:
    """What became of the staged rows: read = kept + exact + double_submission."""

    read: int
    kept: int
    exact: int
    """Rows equal to an earlier one, of the same or of another file, or to one already there."""
    double_submission: int


def dedupe_events(
    staged: Sequence[Path],
    existing: Sequence[Path],
    out: Path,
    temp: Path,
    memory_gb: float = 2.0,
) -> DedupeCounts:
    """The counts; writes the rows of `staged` that are new to `out`, in order of time.

    All files are Parquet with `EVENTS_SCHEMA`. Of equal rows the first in the order of the files
    stays; rows equal to one in `existing` all go.
    """
    with scratch(temp, memory_gb) as connection:
        _key(connection, staged, existing, _EVENT_IDENTITY, act=True)
        exact = _mark_exact(connection)
        double = _mark_double_submissions(connection)
        kept = _write(connection, staged, out, EVENTS_SCHEMA, 'time_ms, file_index, "order"')
    return DedupeCounts(kept + exact + double, kept, exact, double)


def dedupe_reviews(
    staged: Sequence[Path],
    existing: Sequence[Path],
    out: Path,
    temp: Path,
    memory_gb: float = 2.0,
) -> DedupeCounts:
    """The same for reviews (`REVIEWS_SCHEMA`): only exact duplicates go."""
    with scratch(temp, memory_gb) as connection:
        _key(connection, staged, existing, _REVIEW_IDENTITY, act=False)
        exact = _mark_exact(connection)
        kept = _write(
            connection, staged, out, REVIEWS_SCHEMA, "time_ms, file_index, file_row_number"
        )
    return DedupeCounts(kept + exact, kept, exact, 0)


def _key(
    connection: duckdb.DuckDBPyConnection,
    staged: Sequence[Path],
    existing: Sequence[Path],
    identity: tuple[str, ...],
    *,
    act: bool,
) -> None:
    """Make `keys` (place and hashes of each staged row), `seen` (the rows there) and `gone`.

    Of the rows already there only those around the staged rows' times can be equal to one.
    """
    columns = [f'"{name}"' for name in identity]
    hashes = f"hash({', '.join(columns)}) AS h1, hash('2', {', '.join(reversed(columns))}) AS h2"
    deed = f"hash({', '.join(_ACT)}) AS deed, {_may_repeat()} AS may_repeat" if act else ""
    keyed = ", ".join(part for part in (hashes, "time_ms", deed) if part)
    connection.execute(
        f"CREATE TEMP TABLE keys AS SELECT (file_index::BIGINT << 40) + file_row_number AS place, "
        f"{keyed} FROM {parquet(staged)}"
    )
    connection.execute("CREATE TEMP TABLE gone (place BIGINT, why VARCHAR)")
    if not existing:
        connection.execute("CREATE TEMP TABLE seen AS FROM keys LIMIT 0")
        return
    connection.execute(
        f"""CREATE TEMP TABLE seen AS SELECT -1::BIGINT AS place, {keyed} FROM {parquet(existing)}
        WHERE time_ms IS NULL OR time_ms BETWEEN
            (SELECT min(time_ms) FROM keys) - {DOUBLE_SUBMISSION_MS}
            AND (SELECT max(time_ms) FROM keys) + {DOUBLE_SUBMISSION_MS}"""
    )


def _may_repeat() -> str:
    return f"(timed AND time_ms % {_DAY_MS} <> 0 AND event_type NOT IN ('impression', 'view'))"


def _mark_exact(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute(
        """INSERT INTO gone
        WITH twice AS (
            SELECT h1, h2, min(place) AS first FROM keys GROUP BY ALL HAVING count(*) > 1)
        SELECT place, 'exact' FROM keys JOIN twice USING (h1, h2) WHERE place <> first
        UNION
        SELECT place, 'exact' FROM keys SEMI JOIN seen USING (h1, h2)"""
    )
    return _count(connection, "exact")


def _mark_double_submissions(connection: duckdb.DuckDBPyConnection) -> int:
    """Acts at most two seconds after the same act, in time order (ties: the order of the files).

    Only acts that occur twice at all are put in order, which leaves little to sort.
    """
    connection.execute(
        f"""INSERT INTO gone
        WITH left_over AS (
            SELECT place, deed, time_ms FROM keys ANTI JOIN gone USING (place) WHERE may_repeat
            UNION ALL
            SELECT place, deed, time_ms FROM seen WHERE may_repeat),
        repeated AS (SELECT deed FROM left_over GROUP BY deed HAVING count(*) > 1),
        following AS (
            SELECT place, time_ms - lag(time_ms) OVER (
                PARTITION BY deed ORDER BY time_ms, place) AS gap
            FROM left_over SEMI JOIN repeated USING (deed))
        SELECT place, 'double' FROM following
        WHERE place >= 0 AND gap <= {DOUBLE_SUBMISSION_MS}"""
    )
    return _count(connection, "double")


def _count(connection: duckdb.DuckDBPyConnection, why: str) -> int:
    found = connection.execute("SELECT count(*) FROM gone WHERE why = ?", [why]).fetchone()
    return int(found[0]) if found else 0


def _nothing_gone(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute("SELECT 1 FROM gone LIMIT 1").fetchone() is None


def _is_in_order(file: Path) -> bool:
    times = pq.read_table(file, columns=["time_ms"]).column(0)
    if times.null_count:
        return False
    millis: NDArray[np.int64] = times.to_numpy()
    return bool((millis[1:] >= millis[:-1]).all())


def _write(
    connection: duckdb.DuckDBPyConnection,
    staged: Sequence[Path],
    out: Path,
    schema: pa.Schema,
    order: str,
) -> int:
    """Write the staged rows that are not gone; their number.

    A file of which nothing goes and that is in order already is taken as it is: writing 20 million
    rows anew would cost more than finding out.
    """
    if len(staged) == 1 and _nothing_gone(connection) and _is_in_order(staged[0]):
        shutil.copyfile(staged[0], out)
        return int(pq.read_metadata(out).num_rows)
    columns = ", ".join(f'"{name}"' for name in schema.names)
    connection.execute(
        f"""COPY (
            SELECT {columns} FROM {parquet(staged)} WHERE (file_index::BIGINT << 40)
                + file_row_number NOT IN (SELECT place FROM gone)
            ORDER BY {order}
        ) TO {quoted(out)}
        (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 262144)"""
    )
    return int(pq.read_metadata(out).num_rows)
