"""Our own columns, and whatever can be brought to them by name, by a word or by content."""

from __future__ import annotations

from shelfwise.core.errors import UnknownFormatError
from shelfwise.ingest.batch import Kind
from shelfwise.ingest.connector import Connector, MappedReader
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn, map_columns, mapping_of, require
from shelfwise.ingest.sniffing import Sample, columns_in_words


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    chosen = _kind_of(sample) if kind == "auto" else kind
    columns = map_columns(sample, chosen)
    require(sample, chosen, columns)
    return mapping_of(sample, columns, _notes(chosen, {mapped.column for mapped in columns}))


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
    if kind != "events" or "event_type" in found:
        return []
    what = "a rating" if "rating" in found else "a purchase"
    return [f"No column says what happened: every row is taken as {what}."]


CONNECTOR = Connector(
    name="canonical",
    about="our own columns and their aliases, in CSV, JSON lines or Parquet",
    recognises=lambda sample: True,  # noqa: ARG005 - the last one tried: it explains what is missing
    map=_map,
    reader=lambda _, mapping: MappedReader(mapping),
)
