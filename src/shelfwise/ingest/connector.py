"""What a connector is: it recognises a format, maps its columns and drafts its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from shelfwise.ingest.aliases import is_attribute
from shelfwise.ingest.batch import Chunk, Kind, Progress
from shelfwise.ingest.csv_rows import read_table
from shelfwise.ingest.draft import Columns, Draft
from shelfwise.ingest.json_rows import read_json
from shelfwise.ingest.lists import clean_attributes
from shelfwise.ingest.mapping import ColumnMapping
from shelfwise.ingest.parquet_rows import read_parquet
from shelfwise.ingest.sniffing import Sample


class Reader(Protocol):
    """Turns the chunks of one file, in order, into drafts."""

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The rows of one chunk under our column names, one draft a kind."""
        ...

    def catalogue(self) -> pa.Table | None:
        """`PRODUCTS_SCHEMA` rows that the events told, once all chunks are read."""
        ...


def read_chunks(
    sample: Sample, mapping: ColumnMapping, progress: Progress | None
) -> Iterator[Chunk]:
    """The rows of a file as they are; of JSON and Parquet only the mapped columns."""
    if sample.container == "json":
        return read_json(sample.path, mapping.sources, progress)
    if sample.container == "parquet":
        return read_parquet(sample.path, mapping.sources, progress)
    return read_table(sample, progress)


@dataclass(frozen=True)
class Connector:
    """One format; a frozen record of functions, listed in `shelfwise.ingest`."""

    name: str
    """As given to `--format`."""
    about: str
    """What it reads, one line."""
    recognises: Callable[[Sample], bool]
    """True when the file is surely of this format."""
    map: Callable[[Sample, Kind], ColumnMapping]
    """The mapping of the file's columns; raises when needed ones are missing."""
    reader: Callable[[Sample, ColumnMapping], Reader]
    """A fresh reader for one pass over the file."""
    chunks: Callable[[Sample, ColumnMapping, Progress | None], Iterator[Chunk]] = read_chunks


def mapped_columns(chunk: Chunk, mapping: ColumnMapping, kind: str) -> Columns:
    """The columns of a chunk that are mapped to columns of `kind`, under our names."""
    columns: Columns = {
        ours: chunk.table.column(source)
        for ours, source in mapping.of_kind(kind).items()
        if ours != "attributes"
    }
    tokens = [
        (name.lower() if is_attribute(name) else None, chunk.table.column(name))
        for name in mapping.attributes(kind)
    ]
    if tokens:
        columns["attributes"] = clean_attributes(tokens)
    return columns


@dataclass(frozen=True)
class MappedReader:
    """The reader of formats whose rows need nothing but their columns renamed."""

    mapping: ColumnMapping
    ratings: tuple[float, float] = (0.0, 10.0)

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """One draft of the whole chunk for each kind mapped."""
        return [
            Draft(kind, mapped_columns(chunk, self.mapping, kind), len(chunk), ratings=self.ratings)
            for kind in self.mapping.kinds
        ]

    def catalogue(self) -> pa.Table | None:
        """Nothing: products come in files of their own."""
        return None
