"""Parquet files as chunks of rows; only the columns that are used are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shelfwise.core.errors import BadInputError
from shelfwise.ingest.batch import Chunk, Progress
from shelfwise.ingest.json_rows import column_of

_ROWS: Final = 1 << 18


def read_parquet(
    path: Path, columns: tuple[str, ...], progress: Progress | None = None
) -> Iterator[Chunk]:
    """The rows of a file in order; lists and structs come as JSON text."""
    size = path.stat().st_size
    done = 0
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            total = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(batch_size=_ROWS, columns=list(columns)):
                table = pa.Table.from_batches([batch]).select(list(columns))
                yield Chunk(_flat(table), np.arange(done + 1, done + 1 + table.num_rows))
                done += table.num_rows
                if progress:
                    progress(size * done // total, size)
    except (pa.ArrowException, OSError) as error:
        raise BadInputError(
            f"{path} is damaged after row {done:,} ({error}); nothing of it was ingested.",
            remedy="Copy or export the file again.",
        ) from error


def _flat(table: pa.Table) -> pa.Table:
    return pa.table([_flat_column(column) for column in table.columns], table.column_names)


def _flat_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        return _flat_column(column.cast(column.type.value_type))
    if pa.types.is_nested(column.type):
        return pa.chunked_array([column_of(column.to_pylist())])
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column.cast(pa.string())
    return column
