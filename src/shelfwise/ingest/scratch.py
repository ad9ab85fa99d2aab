"""A DuckDB to compute in: bounded memory, spilling to a folder that the caller names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

Rows = pa.Table | Sequence[Path]
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
