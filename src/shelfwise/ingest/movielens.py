"""MovieLens ratings and movies: the CSV files, the older `::` files, and `u.data`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from shelfwise.ingest.arrays import as_strings, parse_distinct
from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.connector import Connector, MappedReader, Reader
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn, fixed, mapping_of, missing
from shelfwise.ingest.sniffing import Sample

RATINGS: Final = (0.5, 5.0)

_RATINGS_HEADER: Final = ("userId", "movieId", "rating", "timestamp")
_MOVIES_HEADER: Final = ("movieId", "title", "genres")
_EVENT: Final = ("user_id", "item_id", "rating", "timestamp")
_PRODUCT: Final = ("item_id", "title", "category")
_NO_GENRES: Final = "(no genres listed)"
_RATING: Final = re.compile(r"[0-5](\.[05])?")
_EPOCH: Final = re.compile(r"\d{9,10}")


def _recognises(sample: Sample) -> bool:
    if sample.has(*_RATINGS_HEADER) or sample.has(*_MOVIES_HEADER):
        return True
    if sample.dialect is None or sample.dialect.header:
        return False
    old = sample.dialect.delimiter in {"::", "\t"} and _are_ratings(sample)
    return old or (sample.dialect.delimiter == "::" and len(sample.columns) == 3)


def _are_ratings(sample: Sample) -> bool:
    return len(sample.columns) == 4 and all(
        _RATING.fullmatch(str(row["column_3"])) and _EPOCH.fullmatch(str(row["column_4"]))
        for row in sample.rows
    )


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    headless = sample.dialect is not None and not sample.dialect.header
    width = len(sample.columns)
    if sample.has(*_RATINGS_HEADER) or (headless and width == 4):
        sources = _RATINGS_HEADER if not headless else sample.columns
        return mapping_of(sample, _named(sample, "events", _EVENT, sources))
    if sample.has(*_MOVIES_HEADER) or (headless and width == 3):
        sources = _MOVIES_HEADER if not headless else sample.columns
        columns = _named(sample, "products", _PRODUCT, sources)
        genres = MappedColumn(columns[2].source, "attributes", "products", "movielens format")
        note = "The first genre is taken as the category, all of them as attributes."
        return mapping_of(sample, [*columns, genres], [note])
    raise missing(sample, "products" if kind == "products" else "events", "item_id")


def _named(
    sample: Sample, kind: str, ours: tuple[str, ...], sources: tuple[str, ...]
) -> list[MappedColumn]:
    return fixed(sample, kind, "movielens", **dict(zip(ours, sources, strict=True)))


@dataclass(frozen=True)
class _MovieReader:
    mapping: ColumnMapping

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The movies of one chunk."""
        sources = self.mapping.of_kind("products")
        genres = as_strings(chunk.table.column(sources["category"]))
        listed = parse_distinct(genres, _genres)
        columns = {
            "item_id": chunk.table.column(sources["item_id"]),
            "title": chunk.table.column(sources["title"]),
            "category": pa.array([names[0] if names else None for names in listed], pa.string()),
            "attributes": pa.array(
                [[f"genre={name}" for name in names] if names else None for names in listed],
                pa.list_(pa.string()),
            ),
        }
        return [Draft("products", columns, len(chunk))]

    def catalogue(self) -> pa.Table | None:
        """Nothing beyond the rows."""
        return None


def _genres(text: str) -> list[str]:
    return [] if text == _NO_GENRES else [name for name in text.split("|") if name]


def _reader(sample: Sample, mapping: ColumnMapping) -> Reader:
    del sample
    return _MovieReader(mapping) if "products" in mapping.kinds else MappedReader(mapping, RATINGS)


CONNECTOR = Connector(
    name="movielens",
    about="MovieLens ratings and movies (CSV, :: and u.data)",
    recognises=_recognises,
    map=_map,
    reader=_reader,
)
