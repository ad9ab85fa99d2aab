"""Google Merchant product feeds (CSV or TSV), as shops already send them to Google."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shelfwise.ingest.aliases import is_attribute, plain
from shelfwise.ingest.arrays import as_strings
from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.connector import Connector, mapped_columns
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn, mapping_of, missing
from shelfwise.ingest.sniffing import Sample

_COLUMNS: Final = (
    ("id", "item_id"),
    ("title", "title"),
    ("description", "description"),
    ("brand", "brand"),
    ("product_type", "category"),
    ("google_product_category", "category"),
    ("sale_price", "price"),
    ("price", "price"),
    ("image_link", "image"),
    ("availability", "availability"),
    ("item_group_id", "group_id"),
)
"""Attributes of the feed and our columns; where two give one, the first that is filled counts."""

_TYPICAL: Final = frozenset(
    plain(name)
    for name in (
        "availability", "google_product_category", "product_type", "image_link", "link",
        "item_group_id", "gtin", "mpn", "condition", "sale_price",
    )
)  # fmt: skip


def _recognises(sample: Sample) -> bool:
    names = {plain(name) for name in sample.columns}
    return {"id", "title"} <= names and len(names & _TYPICAL) >= 3


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    del kind  # a feed holds products only
    by_name = {plain(name): name for name in reversed(sample.columns)}
    columns = [
        MappedColumn(by_name[plain(theirs)], ours, "products", "merchant format")
        for theirs, ours in _COLUMNS
        if plain(theirs) in by_name
    ]
    for needed in ("item_id", "title"):
        if needed not in {mapped.column for mapped in columns}:
            raise missing(sample, "products", needed)
    columns += [
        MappedColumn(name, "attributes", "products", "merchant format")
        for name in sample.columns
        if is_attribute(name)
    ]
    return mapping_of(sample, columns)


@dataclass(frozen=True)
class _Reader:
    mapping: ColumnMapping

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The products of one chunk."""
        columns = mapped_columns(chunk, self.mapping, "products")
        for ours in ("category", "price"):
            sources = [mapped.source for mapped in self.mapping.columns if mapped.column == ours]
            if sources:
                columns[ours] = pc.coalesce(
                    *(_filled(as_strings(chunk.table.column(source)), ours) for source in sources)
                )
        return [Draft("products", columns, len(chunk))]

    def catalogue(self) -> pa.Table | None:
        """Nothing beyond the rows."""
        return None


def _filled(values: pa.Array, ours: str) -> pa.Array:
    """Null where a category is only one of Google's numbers: they say nothing to people."""
    if ours != "category":
        return values
    number = pc.match_substring_regex(values, r"^\s*\d+\s*$").fill_null(False)
    return pc.if_else(number, pa.scalar(None, pa.string()), values)


CONNECTOR = Connector(
    name="merchant",
    about="Google Merchant product feeds",
    recognises=_recognises,
    map=_map,
    reader=lambda _, mapping: _Reader(mapping),
)
