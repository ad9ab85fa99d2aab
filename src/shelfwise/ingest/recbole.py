"""RecBole's atomic files: tab-separated, each column named `name:type`.

`.inter` files hold events, or (with a column `item_id_list`) whole histories and the item that came
next; `.item` files hold products.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shelfwise.ingest.arrays import as_strings
from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.connector import Connector, MappedReader, Reader
from shelfwise.ingest.draft import Draft
from shelfwise.ingest.mapping import (
    ColumnMapping,
    MappedColumn,
    map_columns,
    mapping_of,
    missing,
    require,
)
from shelfwise.ingest.sniffing import Sample
from shelfwise.ingest.untimed import NOTE, UntimedReader, sequence_draft

_TYPED: Final = re.compile(r"(.+):(token|token_seq|float|float_seq)")
_HISTORY: Final = "item_id_list"


def _recognises(sample: Sample) -> bool:
    return bool(sample.columns) and all(_TYPED.fullmatch(name) for name in sample.columns)


def _plain(sample: Sample) -> tuple[Sample, dict[str, str]]:
    """The sample under the columns' bare names, and the full name of each."""
    full = {_bare(name): name for name in sample.columns}
    rows = tuple({_bare(name): value for name, value in row.items()} for row in sample.rows)
    return replace(sample, columns=tuple(full), rows=rows), full


def _bare(name: str) -> str:
    found = _TYPED.fullmatch(name)
    return found[1] if found else name


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    bare, full = _plain(sample)
    chosen = kind if kind != "auto" else ("events" if bare.has("user_id") else "products")
    columns = map_columns(bare, chosen)
    names = {mapped.column for mapped in columns}
    notes = []
    if chosen == "events" and "timestamp" not in names:
        if "user_id" not in names or "item_id" not in names:
            raise missing(bare, chosen, "item_id" if "user_id" in names else "user_id")
        notes.append(NOTE)
    else:
        require(bare, chosen, columns)
    mapped = [replace(one, source=full[one.source], how="recbole format") for one in columns]
    if _HISTORY in full and chosen == "events":
        mapped.append(MappedColumn(full[_HISTORY], "item_id", "events", "recbole format, history"))
    return mapping_of(sample, mapped, notes)


@dataclass(frozen=True)
class _HistoryReader:
    """Lines of a shopper's whole history and the item that followed."""

    user: str
    history: str
    item: str

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """One event for each item of each line; a line begins at its shopper's first event."""
        before = as_strings(chunk.table.column(self.history)).fill_null("")
        last = as_strings(chunk.table.column(self.item)).fill_null("")
        whole = pc.binary_join_element_wise(before, last, " ")
        items = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(whole))
        lengths = pc.list_value_length(items).to_numpy().astype(np.int64)
        users = as_strings(chunk.table.column(self.user))
        return [sequence_draft(users, items.flatten(), lengths, np.zeros(len(users), np.int64))]

    def catalogue(self) -> pa.Table | None:
        """Nothing: the items are only ids."""
        return None


def _reader(sample: Sample, mapping: ColumnMapping) -> Reader:
    _, full = _plain(sample)
    if "events" in mapping.kinds and _HISTORY in full:
        sources = {mapped.column: mapped.source for mapped in mapping.columns[:-1]}
        return _HistoryReader(sources["user_id"], full[_HISTORY], sources["item_id"])
    if "events" in mapping.kinds and "timestamp" not in mapping.of_kind("events"):
        return UntimedReader(MappedReader(mapping))
    return MappedReader(mapping)


CONNECTOR = Connector(
    name="recbole",
    about="RecBole atomic files (.inter, .item)",
    recognises=_recognises,
    map=_map,
    reader=_reader,
)
