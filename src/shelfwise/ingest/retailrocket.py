"""RetailRocket's events (visitor, event, item, transaction) and item properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shelfwise.ingest.arrays import as_strings
from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.connector import Connector, MappedReader, Reader
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn, fixed, mapping_of, missing
from shelfwise.ingest.sniffing import Sample

_EVENT: Final = {
    "user_id": "visitorid",
    "item_id": "itemid",
    "event_type": "event",
    "timestamp": "timestamp",
    "session_id": "transactionid",
}
_PROPERTIES: Final = ("itemid", "property", "value")


def _recognises(sample: Sample) -> bool:
    return sample.has("visitorid", "itemid", "event", "timestamp") or sample.has(*_PROPERTIES)


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    if sample.has(*_PROPERTIES):
        return _map_properties(sample)
    for ours in ("user_id", "item_id", "event_type", "timestamp"):
        if not sample.has(_EVENT[ours]):
            raise missing(sample, "products" if kind == "products" else "events", ours)
    return mapping_of(sample, fixed(sample, "events", "retailrocket", **_EVENT))


def _map_properties(sample: Sample) -> ColumnMapping:
    names = [("itemid", "item_id"), ("property", "attributes"), ("value", "attributes")]
    return mapping_of(
        sample,
        [MappedColumn(source, ours, "products", "retailrocket format") for source, ours in names],
        ["Each line is one property of an item; categoryid and available fill their columns."],
    )


@dataclass(frozen=True)
class _PropertyReader:
    def drafts(self, chunk: Chunk) -> list[Draft]:
        """One product row a property."""
        item, name, value = (as_strings(chunk.table.column(column)) for column in _PROPERTIES)
        of_category = pc.equal(name, "categoryid").fill_null(False)
        of_stock = pc.equal(name, "available").fill_null(False)
        nothing = pa.scalar(None, pa.string())
        other = pc.invert(pc.or_(of_category, of_stock))
        token = pc.if_else(other, pc.binary_join_element_wise(name, value, "="), nothing)
        columns = {
            "item_id": item,
            "category": pc.if_else(of_category, value, nothing),
            "availability": pc.if_else(of_stock, value, nothing),
            "attributes": _one_token_lists(token),
        }
        return [Draft("products", columns, len(chunk))]

    def catalogue(self) -> pa.Table | None:
        """Nothing beyond the rows."""
        return None


def _one_token_lists(tokens: pa.Array) -> pa.Array:
    return pa.array([None if t is None else [t] for t in tokens.to_pylist()], pa.list_(pa.string()))


def _reader(sample: Sample, mapping: ColumnMapping) -> Reader:
    return _PropertyReader() if sample.has(*_PROPERTIES) else MappedReader(mapping)


CONNECTOR = Connector(
    name="retailrocket",
    about="RetailRocket events and item properties",
    recognises=_recognises,
    map=_map,
    reader=_reader,
)
