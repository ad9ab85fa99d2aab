"""Taobao's UserBehavior data: user, item, category, behaviour and time, without a header line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.catalogue import Catalogue
from shelfwise.ingest.connector import Connector, mapped_columns
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import ColumnMapping, fixed, mapping_of, missing
from shelfwise.ingest.sniffing import Sample
from shelfwise.ingest.text import clean_ids

_BEHAVIOURS: Final = frozenset({"pv", "fav", "cart", "buy"})


def _recognises(sample: Sample) -> bool:
    if sample.dialect is None or sample.dialect.header or len(sample.columns) != 5:
        return False
    return set(sample.values("column_4")) <= _BEHAVIOURS


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    del kind  # the lines always give events, and the categories of the items
    if len(sample.columns) != 5:
        raise missing(sample, "events", "event_type")
    user, item, category, behaviour, time = sample.columns
    columns = fixed(
        sample,
        "events",
        "taobao",
        user_id=user,
        item_id=item,
        event_type=behaviour,
        timestamp=time,
    )
    products = fixed(sample, "products", "taobao", item_id=item, category=category)
    return mapping_of(sample, [*columns, *products])


@dataclass(frozen=True)
class _Reader:
    mapping: ColumnMapping
    seen: Catalogue = field(default_factory=Catalogue)

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The lines of one chunk as events."""
        told = mapped_columns(chunk, self.mapping, "products")
        self.seen.add(pa.table({name: clean_ids(column) for name, column in told.items()}))
        return [Draft("events", mapped_columns(chunk, self.mapping, "events"), len(chunk))]

    def catalogue(self) -> pa.Table | None:
        """The items with their categories."""
        return self.seen.products()


CONNECTOR = Connector(
    name="taobao",
    about="Taobao UserBehavior: user,item,category,behaviour,time without header",
    recognises=_recognises,
    map=_map,
    reader=lambda _, mapping: _Reader(mapping),
)
