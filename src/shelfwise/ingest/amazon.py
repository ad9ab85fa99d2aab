"""Amazon review data, the 2014 and 2018 editions: reviews and product metadata.

A review is two things: someone rated a product (an event) and wrote about it (a review).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from shelfwise.ingest.batch import Chunk, Kind
from shelfwise.ingest.connector import Connector, mapped_columns
from shelfwise.ingest.draft import Columns, Draft
from shelfwise.ingest.json_rows import as_text, decode_object
from shelfwise.ingest.lists import joined
from shelfwise.ingest.mapping import (
    ColumnMapping,
    MappedColumn,
    fixed,
    mapping_of,
    missing,
)
from shelfwise.ingest.sniffing import Sample

RATINGS: Final = (1.0, 5.0)

_REVIEW: Final = {
    "item_id": "asin",
    "user_id": "reviewerID",
    "rating": "overall",
    "timestamp": "unixReviewTime",
    "title": "summary",
    "text": "reviewText",
    "helpful": "helpful",
}
_EVENT: Final = ("item_id", "user_id", "rating", "timestamp")
_PRODUCT: Final = {
    "item_id": "asin",
    "title": "title",
    "description": "description",
    "brand": "brand",
    "category": "category",
    "price": "price",
    "image": "image",
    "also_bought": "also_buy",
    "also_viewed": "also_view",
}
_FEATURES: Final = "feature"  # 2018: selling points, read as part of the description
_RELATED: Final = "related"  # 2014: an object of lists of ids


def _recognises(sample: Sample) -> bool:
    if sample.has("asin", "reviewerID"):
        return True
    return sample.has("asin") and any(
        sample.has(name) for name in ("also_buy", "also_view", "main_cat", "salesRank", _RELATED)
    )


def _map(sample: Sample, kind: Kind) -> ColumnMapping:
    if not sample.has("asin"):
        raise missing(sample, "products" if kind == "products" else "reviews", "item_id")
    if sample.has("reviewerID"):
        return _map_reviews(sample)
    return _map_products(sample)


def _map_reviews(sample: Sample) -> ColumnMapping:
    votes = "vote" if sample.has("vote") else "helpful"
    names = _REVIEW | {"helpful": votes}
    if not sample.has("unixReviewTime"):
        names["timestamp"] = "reviewTime"
    for needed in _EVENT:
        if not sample.has(names[needed]):
            raise missing(sample, "reviews", needed)
    events = fixed(sample, "events", "amazon", **{ours: names[ours] for ours in _EVENT})
    reviews = fixed(sample, "reviews", "amazon", **names)
    written = any(mapped.column == "text" for mapped in reviews)
    return mapping_of(
        sample,
        [*events, *(reviews if written else ())],
        ["Each review is a rating by its writer (an event of type rate) and a text."],
    )


def _map_products(sample: Sample) -> ColumnMapping:
    names = _PRODUCT.copy()
    if not sample.has("category") and sample.has("categories"):
        names["category"] = "categories"
    if not sample.has("image") and sample.has("imUrl"):
        names["image"] = "imUrl"
    columns = fixed(sample, "products", "amazon", **names)
    if sample.has(_FEATURES):
        columns += fixed(sample, "products", "amazon", description=_FEATURES)
    if sample.has(_RELATED):
        columns += [
            MappedColumn(_RELATED, ours, "products", "amazon format")
            for ours in ("also_bought", "also_viewed")
        ]
    if len(columns) == 1:
        raise missing(sample, "products", "title")
    return mapping_of(sample, columns)


@dataclass(frozen=True)
class _Reader:
    mapping: ColumnMapping

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """Ratings and reviews, or products."""
        drafts = []
        for kind in self.mapping.kinds:
            columns = mapped_columns(chunk, self.mapping, kind)
            if kind == "events":
                columns["event_type"] = pa.array(["rate"] * len(chunk), pa.string())
            if kind == "products":
                columns |= _told_elsewhere(chunk.table)
            drafts.append(Draft(kind, columns, len(chunk), ratings=RATINGS))
        return drafts

    def catalogue(self) -> pa.Table | None:
        """Nothing: products come in files of their own."""
        return None


def _told_elsewhere(table: pa.Table) -> Columns:
    """What stands in columns of Amazon's own: features, and lists inside an object."""
    columns: Columns = {}
    if _FEATURES in table.column_names:
        said = [name for name in ("description", _FEATURES) if name in table.column_names]
        texts = zip(*(joined(table.column(name)).to_pylist() for name in said), strict=True)
        columns["description"] = pa.array(
            [" ".join(part for part in parts if part) or None for parts in texts], pa.string()
        )
    if _RELATED in table.column_names:
        columns |= _related(table.column(_RELATED))
    return columns


def _related(column: pa.ChunkedArray) -> Columns:
    """The lists inside the `related` objects of 2014."""
    objects = [decode_object((text or "").encode()) or {} for text in column.to_pylist()]
    return {
        ours: pa.array([as_text(o[name]) if name in o else None for o in objects], pa.string())
        for ours, name in (("also_bought", "also_bought"), ("also_viewed", "also_viewed"))
    }


CONNECTOR = Connector(
    name="amazon",
    about="Amazon reviews and metadata of 2014 and 2018",
    recognises=_recognises,
    map=_map,
    reader=lambda _, mapping: _Reader(mapping),
)
