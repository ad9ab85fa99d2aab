"""Our own columns, and whatever can be brought to them by name, by a word or by content."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shelfwise.core.errors import UnknownFormatError
from shelfwise.ingest.arrays import as_strings
from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.connector import Connector, MappedReader, Reader
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn, map_columns, mapping_of, require
from shelfwise.ingest.sniffing import Sample, columns_in_words
from shelfwise.ingest.untimed import NOTE, UntimedReader

_ASIN_IN_LINK: Final = r"/(?:dp|gp/product)/(?P<id>[A-Z0-9]{10})(?:[/?]|$)"
_NUMBER_IN_LINK: Final = "the product number in its links"


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    chosen = _kind_of(sample) if kind == "auto" else kind
    columns = map_columns(sample, chosen)
    if chosen == "products" and "item_id" not in _names(columns):
        columns = [*columns, *_ids_in_links(sample)]
    untimed = {"timestamp"} if _are_ratings_without_times(chosen, _names(columns)) else set()
    require(sample, chosen, columns, but=untimed)
    return mapping_of(sample, columns, _notes(chosen, _names(columns)))


def _are_ratings_without_times(kind: str, found: set[str]) -> bool:
    """True for ratings: they are worth having even where nobody kept the times."""
    return kind == "events" and "rating" in found and "timestamp" not in found


def _ids_in_links(sample: Sample) -> list[MappedColumn]:
    """A column of links to products that hold Amazon's product numbers, if there is one."""
    for name in sample.columns:
        links = [str(value) for value in sample.values(name)]
        if links and all(re.search(_ASIN_IN_LINK, link) for link in links):
            return [MappedColumn(name, "item_id", "products", _NUMBER_IN_LINK)]
    return []


def _kind_of(sample: Sample) -> str:
    """The kind of row that the columns fit best."""
    reviews, events, products = (
        _names(map_columns(sample, kind)) for kind in ("reviews", "events", "products")
    )
    if {"item_id", "text"} <= reviews and reviews & {"user_id", "rating", "timestamp"}:
        return "reviews"
    shopper = events & {"user_id", "session_id"}
    if shopper and events & {"item_id", "query"}:
        return "events"
    if "item_id" in products and products & {"title", "description", "category", "brand", "price"}:
        return "products"
    if shopper or events & {"event_type"}:
        return "events"
    if products & {"title", "description"}:
        return "products"
    raise UnknownFormatError(
        f"{sample.path} is in no format we know; its columns are: {columns_in_words(sample)}.",
        remedy="Rename the columns (user_id, item_id, event_type, timestamp for events; item_id, "
        "title for products; item_id, text for reviews), or name the format with --format.",
    )


def _names(columns: list[MappedColumn]) -> set[str]:
    return {mapped.column for mapped in columns}


def _notes(kind: str, found: set[str]) -> list[str]:
    if kind != "events":
        return []
    notes = []
    if "event_type" not in found:
        what = "a rating" if "rating" in found else "a purchase"
        notes.append(f"No column says what happened: every row is taken as {what}.")
    if "timestamp" not in found:
        notes.append(NOTE)
    return notes


@dataclass(frozen=True)
class _LinkReader:
    """Products whose id stands in a link."""

    rows: MappedReader

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The products, each with the number out of its link."""
        (draft,) = self.rows.drafts(chunk)
        links = as_strings(draft.columns["item_id"])
        ids = pc.struct_field(pc.extract_regex(links, f".*{_ASIN_IN_LINK}"), "id")
        return [replace(draft, columns=draft.columns | {"item_id": ids})]

    def catalogue(self) -> pa.Table | None:
        """Nothing beyond the rows."""
        return None


def _reader(sample: Sample, mapping: ColumnMapping) -> Reader:
    del sample
    rows = MappedReader(mapping)
    if mapping.kinds == ("events",) and "timestamp" not in mapping.of_kind("events"):
        return UntimedReader(rows)
    return _LinkReader(rows) if mapping.columns[-1].how == _NUMBER_IN_LINK else rows


CONNECTOR = Connector(
    name="canonical",
    about="our own columns and their aliases, in CSV, JSON lines or Parquet",
    recognises=lambda sample: True,  # noqa: ARG005 - the last one tried: it explains what is missing
    map=_map,
    reader=_reader,
)
