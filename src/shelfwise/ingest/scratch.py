"""A DuckDB to compute in: bounded memory, spilling to a folder that the caller names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

Rows: TypeAlias = "pa.Table | Sequence[Path]"
"""A table in memory, or Parquet files that together are one table."""


@contextmanager
def scratch(temp: Path, memory_gb: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that uses at most about `memory_gb` and spills to `temp`."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_gb:.2f}GB",
            "temp_directory": str(temp),
            "preserve_insertion_order": False,
            "threads": 2,
        }
    )
    try:
        yield connection
    finally:
        connection.close()


def parquet(files: Sequence[Path]) -> str:
    """SQL for the rows of `files`, each with `file_index` and `file_row_number`."""
    listed = ", ".join(quoted(path) for path in files)
    return f"read_parquet([{listed}])"


def quoted(path: Path) -> str:
    """The path as an SQL string."""
    return "'" + str(path).replace("'", "''") + "'"


def with_place(events: Rows) -> str:
    """SQL naming the rows of `events` with `place`: 0, 1, 2 … through all files in their order.

    A table must be registered on the connection as `given` by `register` first.
    """
    if isinstance(events, pa.Table):
        return "given"
    rows = [0, *(pq.read_metadata(path).num_rows for path in events)]
    offsets = [sum(rows[: i + 1]) for i in range(len(events))]
    place = f"{offsets}[file_index::BIGINT + 1] + file_row_number"
    return f"(SELECT *, {place} AS place FROM {parquet(events)})"


def register(connection: duckdb.DuckDBPyConnection, events: Rows) -> None:
    """Make a table in memory known to the connection; files need nothing."""
    if isinstance(events, pa.Table):
        places = pa.array(range(events.num_rows), pa.int64())
        connection.register("given", events.append_column("place", places))
