"""The e-commerce events of a Google Analytics 4 export to BigQuery, in JSON lines or Parquet.

One exported event holds a list of items and becomes one event for each. Events that are not about
products (`page_view`, `session_start`, `scroll` …) are set aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from shelfwise.core.columns import CATEGORY_SEPARATOR
from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.catalogue import Catalogue
from shelfwise.ingest.connector import Connector
from shelfwise.ingest.draft import Columns, Draft
from shelfwise.ingest.json_rows import column_of, decode_object, decode_value
from shelfwise.ingest.mapping import ColumnMapping, MappedColumn, mapping_of, missing
from shelfwise.ingest.money import read_numbers
from shelfwise.ingest.sniffing import Sample
from shelfwise.ingest.text import clean_ids, clean_text

_TYPE_OF: Final = {
    "view_item_list": "impression",
    "view_item": "view",
    "select_item": "click",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "add_to_wishlist": "wishlist",
    "purchase": "purchase",
    "ecommerce_purchase": "purchase",
    "in_app_purchase": "purchase",
    "refund": "refund",
    "search": "search",
    "view_search_results": "search",
}
_COLUMNS: Final = (
    ("event_name", "event_type"),
    ("event_timestamp", "timestamp"),
    ("user_id", "user_id"),
    ("user_pseudo_id", "user_id"),
    ("items", "item_id"),
    ("event_params", "session_id"),
    ("geo", "country"),
)
_NOT_SET: Final = frozenset({"(not set)", "(data deleted)", ""})


class _Value(msgspec.Struct):
    string_value: str | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    float_value: float | str | None = None

    def any(self) -> str | None:
        """The one value that is set."""
        for value in (self.string_value, self.int_value, self.double_value, self.float_value):
            if value is not None:
                return str(value)
        return None


class _Param(msgspec.Struct):
    key: str
    value: _Value | None = None


_params = msgspec.json.Decoder(list[_Param])


def _recognises(sample: Sample) -> bool:
    return sample.has("event_name", "event_timestamp") and (
        sample.has("items") or sample.has("user_pseudo_id")
    )


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    del kind  # an export holds events, and the products in them
    for source, ours in (("event_name", "event_type"), ("event_timestamp", "timestamp")):
        if not sample.has(source):
            raise missing(sample, "events", ours)
    if not sample.has("items"):
        raise missing(sample, "events", "item_id")
    if not (sample.has("user_id") or sample.has("user_pseudo_id")):
        raise missing(sample, "events", "user_id")
    columns = [
        MappedColumn(source, ours, "events", "ga4 format")
        for source, ours in _COLUMNS
        if source in sample.columns
    ]
    return mapping_of(
        sample,
        columns,
        ["Each of an event's items is one event; products are what the items say."],
    )


@dataclass
class _Lines:
    """Rows being written, one list a column."""

    origin: list[int] = field(default_factory=list)
    values: dict[str, list[object]] = field(default_factory=dict)
    unused: list[bool] = field(default_factory=list)

    def add(self, row: int, shared: dict[str, object], item: dict[str, object]) -> None:
        """One event: what the exported event says, and what one of its items says."""
        self.origin.append(row)
        self.unused.append(shared["event_type"] is None)
        for name in _EVENT_FIELDS:
            self.values.setdefault(name, []).append(shared.get(name, item.get(name)))

    def columns(self) -> Columns:
        """The columns written."""
        return {name: column_of(values) for name, values in self.values.items()}


_EVENT_FIELDS: Final = (
    "event_type", "timestamp", "user_id", "session_id", "country", "query", "currency",
    "item_id", "price", "quantity", "value", "list_id", "position", "title", "brand", "category",
)  # fmt: skip
_TOLD: Final = ("title", "brand", "category")


@dataclass(frozen=True)
class _Reader:
    seen: Catalogue = field(default_factory=Catalogue)

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """The events of one chunk, items unfolded."""
        lines = _Lines()
        for row, exported in enumerate(_rows(chunk)):
            shared = _shared(exported)
            items = [{}] if shared["event_type"] in {None, "search"} else _items(exported["items"])
            for item in items:
                lines.add(row, shared, item)
        if not lines.origin:
            return []
        columns = lines.columns()
        self._remember(columns)
        rejected = ((np.array(lines.unused), "not_a_shop_event"),)
        for name in _TOLD:
            del columns[name]
        origin = np.array(lines.origin, np.int64)
        return [Draft("events", columns, len(origin), origin, rejected)]

    def _remember(self, columns: Columns) -> None:
        told = {name: clean_text(columns[name]) for name in _TOLD}
        price = pa.array(read_numbers(columns["price"]).values, from_pandas=True)
        self.seen.add(pa.table({"item_id": clean_ids(columns["item_id"]), "price": price} | told))

    def catalogue(self) -> pa.Table | None:
        """The products named by the items."""
        return self.seen.products()


def _rows(chunk: Chunk) -> Iterator[dict[str, object]]:
    names = [source for source, _ in _COLUMNS]
    present = set(chunk.table.column_names)
    columns = [
        chunk.table.column(name).to_pylist() if name in present else [None] * len(chunk)
        for name in names
    ]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _shared(exported: dict[str, object]) -> dict[str, object]:
    """What holds for all items of one exported event."""
    params = _decode_params(exported["event_params"])
    device = _set(exported["user_pseudo_id"])
    visit = params.get("ga_session_id")
    geo = decode_object(str(exported["geo"] or "").encode()) or {}
    event_type = _TYPE_OF.get(str(exported["event_name"]))
    shared: dict[str, object] = {
        "event_type": event_type,
        "timestamp": exported["event_timestamp"],
        "user_id": _set(exported["user_id"]) or device,
        "session_id": f"{device}.{visit}" if device and visit else None,
        "country": _set(geo.get("country")),
        "currency": params.get("currency"),
    }
    return shared | ({"query": params.get("search_term")} if event_type == "search" else {})


def _decode_params(text: object) -> dict[str, str]:
    if not isinstance(text, str):
        return {}
    try:
        params = _params.decode(text)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return {}
    return {one.key: value for one in params if one.value and (value := one.value.any())}


def _items(text: object) -> list[dict[str, object]]:
    """The items of one event under our column names; one without an id if there are none."""
    value = decode_value(text.encode()) if isinstance(text, str) else None
    items = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return [_item(item) for item in items] or [{}]


def _item(item: dict[str, object]) -> dict[str, object]:
    levels = [_set(item.get(f"item_category{n}")) for n in ("", "2", "3", "4", "5")]
    return {
        "item_id": _set(item.get("item_id")),
        "price": item.get("price"),
        "quantity": item.get("quantity"),
        "value": item.get("item_revenue"),
        "list_id": _set(item.get("item_list_id")) or _set(item.get("item_list_name")),
        "position": _set(item.get("item_list_index", item.get("index"))),
        "title": _set(item.get("item_name")),
        "brand": _set(item.get("item_brand")),
        "category": CATEGORY_SEPARATOR.join(level for level in levels if level) or None,
    }


def _set(value: object) -> str | None:
    """The value as text, None where Google writes that there is none."""
    text = "" if value is None else str(value).strip()
    return None if text in _NOT_SET else text


CONNECTOR = Connector(
    name="ga4",
    about="Google Analytics 4 e-commerce events as exported to BigQuery",
    recognises=_recognises,
    map=_map,
    reader=lambda *_: _Reader(),
)
