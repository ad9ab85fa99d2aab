"""A shop's data as columns: what shoppers did, what products are, what people wrote."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, PRODUCTS_SCHEMA, REVIEWS_SCHEMA
from shelfwise.core.vocabulary import UNKNOWN, Vocabulary

CODED_REVIEWS_SCHEMA = REVIEWS_SCHEMA.append(pa.field("item", pa.int32())).append(
    pa.field("user", pa.int32())
)
"""`REVIEWS_SCHEMA` with the codes of item and user (-1 when unknown)."""


@dataclass(frozen=True)
class Events:
    """Events as parallel arrays, oldest first (ties in the order of the source)."""

    user: NDArray[np.int32]
    """Shopper code (a known user, or an anonymous session)."""
    item: NDArray[np.int32]
    """Item code."""
    type: NDArray[np.int8]
    """Position in `EVENT_TYPES`."""
    time_ms: NDArray[np.int64]
    """UTC milliseconds since 1970."""
    quantity: NDArray[np.float32]
    """Units; 1 where the source does not say."""
    price: NDArray[np.float32]
    """Of one unit; NaN where unknown."""
    rating: NDArray[np.float32]
    """NaN where there is none."""
    session: NDArray[np.int32]
    """Code of the session, visit or order; -1 where unknown."""

    def __len__(self) -> int:
        return len(self.user)

    def take(self, where: NDArray[np.bool_] | NDArray[np.int64]) -> Events:
        """The events at `where` (a mask or ascending positions)."""
        return Events(**{f.name: getattr(self, f.name)[where] for f in fields(self)})

    @classmethod
    def of(
        cls,
        user: NDArray[np.int32],
        item: NDArray[np.int32],
        *,
        type_code: int = EVENT_CODE["purchase"],
        time_ms: NDArray[np.int64] | None = None,
    ) -> Events:
        """Events from pairs, in the order given; times count up by one second if not given."""
        n = len(user)
        times = np.arange(n, dtype=np.int64) * 1000 if time_ms is None else time_ms
        return cls(
            user=np.asarray(user, np.int32),
            item=np.asarray(item, np.int32),
            type=np.full(n, type_code, np.int8),
            time_ms=np.asarray(times, np.int64),
            quantity=np.ones(n, np.float32),
            price=np.full(n, np.nan, np.float32),
            rating=np.full(n, np.nan, np.float32),
            session=np.full(n, UNKNOWN, np.int32),
        )


@dataclass(frozen=True)
class Dataset:
    """Everything a model may learn from. Frozen; `with_events` gives a narrower view."""

    users: Vocabulary
    items: Vocabulary
    events: Events
    products: pa.Table
    """`PRODUCTS_SCHEMA`, row i is item code i; nulls where only events know the item."""
    reviews: pa.Table
    """`REVIEWS_SCHEMA` plus `item` and `user` (int32 codes, user -1 when unknown)."""
    anonymous: NDArray[np.bool_]
    """Per user code: true for a session without a known shopper."""
    timed: bool
    """False when event times give only the order (gaps mean nothing)."""

    @property
    def n_users(self) -> int:
        """How many shoppers have a code, anonymous sessions included."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """How many products have a code."""
        return len(self.items)

    def with_events(self, events: Events, reviews: pa.Table | None = None) -> Dataset:
        """The same shop with other events (and reviews): the codes stay the same."""
        return replace(self, events=events, reviews=self.reviews if reviews is None else reviews)

    def before(self, time_ms: int) -> Dataset:
        """The shop as it was known just before `time_ms`: later events and reviews are gone."""
        times = self.reviews.column("time_ms").to_numpy(zero_copy_only=False)
        known = np.nan_to_num(times.astype(np.float64), nan=-np.inf) < time_ms
        return self.with_events(
            self.events.take(self.events.time_ms < time_ms), self.reviews.filter(pa.array(known))
        )

    @classmethod
    def of_pairs(
        cls, user: NDArray[np.int32], item: NDArray[np.int32], n_users: int, n_items: int
    ) -> Dataset:
        """A shop that is only (user, item) pairs in time order; ids are the codes as text."""
        items = Vocabulary.of(str(code) for code in range(n_items))
        return cls(
            users=Vocabulary.of(str(code) for code in range(n_users)),
            items=items,
            events=Events.of(user, item),
            products=empty_products(items),
            reviews=empty_reviews(),
            anonymous=np.zeros(n_users, np.bool_),
            timed=False,
        )


def empty_products(items: Vocabulary) -> pa.Table:
    """A products table that knows nothing but the ids."""
    columns = [
        pa.array(items.ids, pa.string())
        if field.name == "item_id"
        else pa.nulls(len(items), field.type)
        for field in PRODUCTS_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=PRODUCTS_SCHEMA)


def empty_reviews() -> pa.Table:
    """A reviews table with the coded columns and no row."""
    return CODED_REVIEWS_SCHEMA.empty_table()
