"""From a shop's raw files to clean tables: connectors, cleaning, quarantine, whole-table steps.

This room is pure: it takes paths and yields Arrow tables, and does not know where data are kept.

`open_source` reads one file of any known format in cleaned batches. The steps that need the whole
table (`duplicates`, `catalogue`, `refunds`, `automated`) are functions over Parquet files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shelfwise.ingest import (
    amazon,
    canonical,
    ga4,
    merchant,
    movielens,
    online_retail,
    recbole,
    retailrocket,
    sequences,
    taobao,
)
from shelfwise.ingest.batch import Batch, Kind, Progress
from shelfwise.ingest.connector import Connector
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn
from shelfwise.ingest.opening import Source, open_with

CONNECTORS: Final[tuple[Connector, ...]] = (
    ga4.CONNECTOR,
    merchant.CONNECTOR,
    amazon.CONNECTOR,
    online_retail.CONNECTOR,
    retailrocket.CONNECTOR,
    taobao.CONNECTOR,
    movielens.CONNECTOR,
    recbole.CONNECTOR,
    sequences.CONNECTOR,
    canonical.CONNECTOR,
)
"""All formats in the order they are tried; the last takes what no other recognises."""

FORMATS: Final = tuple(connector.name for connector in CONNECTORS)
"""The names `--format` takes besides `auto`."""

__all__ = [
    "CONNECTORS",
    "FORMATS",
    "Batch",
    "ColumnMapping",
    "Kind",
    "MappedColumn",
    "Progress",
    "Source",
    "open_source",
]


def open_source(
    path: Path,
    *,
    kind: Kind = "auto",
    format: str = "auto",  # noqa: A002 - the word of the command line
    now_ms: int,
    progress: Progress | None = None,
) -> Source:
    """The file at `path`, opened: its format told and its columns mapped.

    Raises `BadInputError` or `UnknownFormatError` when it is missing, empty, damaged, in no known
    format, or lacks a column it cannot do without.
    """
    return open_with(CONNECTORS, path, kind, format, now_ms, progress)
