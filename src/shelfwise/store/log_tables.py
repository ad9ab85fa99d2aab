"""The online log as tables for training: the same columns as ingested data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from shelfwise.core.columns import EVENTS_SCHEMA
from shelfwise.core.event import Event, Product
from shelfwise.core.rows import events_to_table
from shelfwise.store.event_log import EventLog
from shelfwise.store.log_record import Deletion, Erasure, Record


@dataclass(frozen=True)
class ProductChanges:
    """What the log says last about each product it names."""

    put: tuple[Product, ...]
    deleted: tuple[str, ...]
    """Ids of products that are gone."""


def events_table(log: EventLog, after_offset: int = 0, to_offset: int | None = None) -> pa.Table:
    """`EVENTS_SCHEMA` rows of the log's events up to and with `to_offset` (None: to the end).

    `order` is the offset. Events of erased people are not among them: the log has dropped them.
    """
    tables = [_events(records) for records in _between(log, after_offset, to_offset)]
    return pa.concat_tables(tables) if tables else EVENTS_SCHEMA.empty_table()


def product_changes(
    log: EventLog, after_offset: int = 0, to_offset: int | None = None
) -> ProductChanges:
    """The last state of each product put or deleted between the offsets, in the order changed."""
    last: dict[str, Product | None] = {}
    for records in _between(log, after_offset, to_offset):
        for record in records:
            content = record.content
            if isinstance(content, Product | Deletion):
                last.pop(content.item_id, None)
                last[content.item_id] = content if isinstance(content, Product) else None
    put = tuple(product for product in last.values() if product is not None)
    return ProductChanges(put, tuple(item for item, product in last.items() if product is None))


def erasures(
    log: EventLog, after_offset: int = 0, to_offset: int | None = None
) -> tuple[Erasure, ...]:
    """The people to forget whose wish lies between the offsets, oldest first."""
    return tuple(
        record.content
        for records in _between(log, after_offset, to_offset)
        for record in records
        if isinstance(record.content, Erasure)
    )


def _between(log: EventLog, after_offset: int, to_offset: int | None) -> Iterator[list[Record]]:
    for records in log.tail(after_offset):
        kept = [record for record in records if to_offset is None or record.offset <= to_offset]
        if kept:
            yield kept
        if len(kept) < len(records):
            return


def _events(records: list[Record]) -> pa.Table:
    found = [
        (record.offset, record.content) for record in records if isinstance(record.content, Event)
    ]
    table = events_to_table([event for _, event in found])
    order = pa.array([offset for offset, _ in found], pa.int64())
    position = EVENTS_SCHEMA.get_field_index("order")
    return table.set_column(position, EVENTS_SCHEMA.field("order"), order)
