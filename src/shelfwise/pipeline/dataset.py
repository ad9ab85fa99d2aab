"""The stored tables as the columns that models learn from.

Ids become codes by first appearance in time (of products without events: by what is said of
them), then shuffled, so the dataset is the same whatever the shop calls its products and shoppers.
Columns are read one at a time, which keeps 20 million events within 4 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shelfwise.core.columns import (
    EVENT_CODE,
    EVENTS_SCHEMA,
    INTEREST_TYPES,
    PRODUCTS_SCHEMA,
)
from shelfwise.core.dataset import CODED_REVIEWS_SCHEMA, Dataset, Events
from shelfwise.core.vocabulary import UNKNOWN, Vocabulary
from shelfwise.ingest.refunds import Corrections, refund_corrections
from shelfwise.pipeline.words import Words
from shelfwise.store.tables import ShopTables

SESSION_PREFIX = "session:"
"""What an anonymous session's id begins with in the vocabulary of users."""


def load_dataset(
    tables: ShopTables,
    *,
    extra_events: pa.Table | None = None,
    extra_products: pa.Table | None = None,
    until_ms: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Everything models may learn from: signs of interest in time order, products, reviews.

    `extra_events` (`EVENTS_SCHEMA`) and `extra_products` (whole rows, replacing stored ones) come
    from the live side. Events and reviews at `until_ms` or later are left out.
    """
    rows = _learnable(_Log(tables, extra_events), until_ms)
    products = _products(tables, extra_products)
    reviews = _reviews(tables, until_ms)
    users = Vocabulary.shuffled(_distinct(rows.shopper.words, reviews.column("user_id")), seed)
    items = Vocabulary.shuffled(
        _distinct(rows.item.words, _unsold(products, rows.item.words), reviews.column("item_id")),
        seed,
    )
    events = rows.events(users, items)
    anonymous = np.zeros(len(users), np.bool_)
    anonymous[events.user] = rows.anonymous
    return Dataset(
        users=users,
        items=items,
        events=events,
        products=_aligned(products, items),
        reviews=_coded_reviews(reviews, users, items),
        anonymous=anonymous,
        timed=bool(rows.log.column("timed").to_numpy()[rows.where].all()),
    )


@dataclass(frozen=True)
class _Log:
    """The stored events and then those of the live side, read column by column."""

    tables: ShopTables
    extra: pa.Table | None

    def column(self, name: str) -> pa.ChunkedArray:
        """All rows of a column."""
        stored = self.tables.events([name]).column(0)
        return stored if self.extra is None else _joined(stored, self.extra.column(name))

    def integers(self, name: str) -> NDArray[np.int64]:
        """A column that has no nulls."""
        values: NDArray[np.int64] = self.column(name).to_numpy()
        return values

    def orders(self) -> NDArray[np.int64]:
        """Which row comes first among those of one time; the live side comes last."""
        order = self.tables.events(["order"]).column(0).to_numpy()
        if self.extra is None:
            stored: NDArray[np.int64] = order
            return stored
        live = self.extra.column("order").to_numpy() + order.max(initial=-1) + 1
        return np.concatenate([order, live])

    def floats(self, name: str, missing: float = np.nan) -> NDArray[np.float32]:
        """A column of measures, `missing` for null."""
        column = self.column(name).cast(pa.float32())
        values: NDArray[np.float32] = column.fill_null(pa.scalar(missing, pa.float32())).to_numpy()
        return values

    def words(self, name: str, *, few: bool = False) -> Words:
        """A column of text; `few`: its words repeat so often that Parquet holds them once."""
        stored = self.tables.events([name], dictionary=[name] if few else []).column(0)
        live = [] if self.extra is None else self.extra.column(name).chunks
        return Words.of([*stored.chunks, *live])


@dataclass(frozen=True)
class _Rows:
    """The events that models learn from, oldest first."""

    log: _Log
    where: NDArray[np.int64]
    """The row of each in the log."""
    kind: Words
    """Of all rows of the log, not only those learnt from."""
    shopper: Words
    item: Words
    session: NDArray[np.int32]
    quantity: NDArray[np.float32]
    anonymous: NDArray[np.bool_]

    def events(self, users: Vocabulary, items: Vocabulary) -> Events:
        """The events in the codes of the vocabularies."""
        where, user = self.where, self.shopper.codes(users)
        return Events(
            user=user,
            item=self.item.codes(items),
            type=self.kind.mapped(EVENT_CODE)[where],
            time_ms=self.log.integers("time_ms")[where],
            quantity=self.quantity,
            price=self.log.floats("price")[where],
            rating=self.log.floats("rating")[where],
            session=_sessions(user, self.session),
        )


def _learnable(log: _Log, until_ms: int | None) -> _Rows:
    """Signs of interest by people, net of what they sent back."""
    kind, item = log.words("event_type", few=True), log.words("item_id", few=True)
    session = log.words("session_id")
    shopper, n_known = _shoppers(log.words("user_id"), session)
    interest = kind.mapped(dict.fromkeys(INTEREST_TYPES, 1)) == 1
    kept = interest & (item.position >= 0) & _person(shopper, log.tables)
    quantity = log.floats("quantity", missing=1.0).copy()
    if "refund" in kind.words.to_pylist():
        returned = _sent_back(log, until_ms)
        quantity[returned.place] = returned.quantity
        kept[returned.place] &= returned.quantity > 0
    where = _in_time_order(log, kept, until_ms)
    return _Rows(
        log=log,
        where=where,
        kind=kind,
        shopper=shopper.at(where),
        item=item.at(where),
        session=session.position[where],
        quantity=quantity[where],
        anonymous=shopper.position[where] >= n_known,
    )


def _joined(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([*first.chunks, *second.chunks], first.type)


def _shoppers(user: Words, session: Words) -> tuple[Words, int]:
    """Who did each event (a user, or else a session), and how many of the words are users.

    A user whose id looks like that of a session is taken for the same shopper.
    """
    n_known = len(user.words)
    nameless = np.flatnonzero((user.position < 0) & (session.position >= 0))
    anonymous = session.at(nameless)
    prefixed = pc.binary_join_element_wise(SESSION_PREFIX, anonymous.words, "")
    both = Words.of([user.words, prefixed])
    position = user.position.copy()
    position[nameless] = both.position[anonymous.position + n_known]
    return Words(position, both.words), n_known


def _person(shopper: Words, tables: ShopTables) -> NDArray[np.bool_]:
    """For each event, whether someone is named and is not taken for a program."""
    person: NDArray[np.bool_] = shopper.position >= 0
    found = tables.automated()
    if found is None or found.num_rows == 0:
        return person
    sessions = pc.binary_join_element_wise(SESSION_PREFIX, found.column("session_id"), "")
    robots = pa.chunked_array([*found.column("user_id").chunks, *sessions.chunks]).drop_null()
    is_robot = pc.is_in(shopper.words, value_set=robots).to_numpy(zero_copy_only=False)
    person &= ~np.append(is_robot, np.bool_(1))[shopper.position]
    return person


def _sent_back(log: _Log, until_ms: int | None) -> Corrections:
    """What the refunds known before `until_ms` undo."""
    with TemporaryDirectory(prefix="shelfwise-") as temp:
        files = log.tables.event_paths()
        if log.extra is not None:
            files.append(Path(temp) / "live.parquet")
            pq.write_table(log.extra.select(EVENTS_SCHEMA.names), files[-1])
        return refund_corrections(files, Path(temp), until_ms=until_ms)


def _in_time_order(log: _Log, kept: NDArray[np.bool_], until_ms: int | None) -> NDArray[np.int64]:
    """The kept rows before `until_ms`, oldest first, ties in the order of their source."""
    time = log.integers("time_ms")
    where = np.flatnonzero(kept if until_ms is None else kept & (time < until_ms))
    time, order = time[where], log.orders()[where]
    if _ascending(time, order):
        return where
    return where[np.lexsort((order, time))]


def _ascending(time: NDArray[np.int64], order: NDArray[np.int64]) -> bool:
    later, same = time[1:] > time[:-1], time[1:] == time[:-1]
    return bool((later | (same & (order[1:] > order[:-1]))).all())


def _sessions(user: NDArray[np.int32], session: NDArray[np.int32]) -> NDArray[np.int32]:
    """A code for each (shopper, session) by first appearance: shops reuse session ids."""
    owner = np.full(int(session.max(initial=-1)) + 2, UNKNOWN, np.int32)
    owner[session] = user
    pair = session.astype(np.int64)
    if (owner[session] != user).any():
        pair += user.astype(np.int64) * len(owner)
    coded = pa.array(pair, mask=session < 0).dictionary_encode().indices.fill_null(UNKNOWN)
    codes: NDArray[np.int32] = coded.to_numpy()
    return codes


def _distinct(*columns: pa.Array | pa.ChunkedArray) -> list[str]:
    """The distinct ids of the columns, in the order of first appearance."""
    chunks = [chunk for one in columns for chunk in getattr(one, "chunks", [one])]
    ids: list[str] = pa.chunked_array(chunks, pa.string()).unique().drop_null().to_pylist()
    return ids


def _products(tables: ShopTables, extra: pa.Table | None) -> pa.Table:
    """The stored products, those that the live side changed or added taking their place."""
    stored = tables.products()
    if extra is None or extra.num_rows == 0:
        return stored
    replaced = pc.is_in(stored.column("item_id"), value_set=extra.column("item_id"))
    return pa.concat_tables([stored.filter(pc.invert(replaced)), extra])


def _unsold(products: pa.Table, known: pa.Array) -> pa.ChunkedArray:
    """The ids of the products that no event names, in an order that no id has a part in."""
    rest = products.filter(pc.invert(pc.is_in(products.column("item_id"), value_set=known)))
    said = ("title", "description", "brand", "category", "price", "image")
    order = pc.sort_indices(rest, sort_keys=[(name, "ascending") for name in said])
    return rest.column("item_id").take(order)


def _aligned(products: pa.Table, items: Vocabulary) -> pa.Table:
    """`PRODUCTS_SCHEMA` with row i for item code i; nulls where no product is known."""
    row = np.full(len(items), UNKNOWN, np.int64)
    row[items.encode(products.column("item_id"))] = np.arange(products.num_rows)
    rows = pa.array(row, mask=row < 0)
    aligned = products.take(rows).drop_columns(["item_id"])
    return aligned.add_column(0, PRODUCTS_SCHEMA.field("item_id"), pa.array(items.ids, pa.string()))


def _reviews(tables: ShopTables, until_ms: int | None) -> pa.Table:
    """The reviews written before `until_ms`; those without a time count as old."""
    reviews = tables.reviews()
    if until_ms is None:
        return reviews
    return reviews.filter(pc.less(reviews.column("time_ms"), until_ms).fill_null(True))


def _coded_reviews(reviews: pa.Table, users: Vocabulary, items: Vocabulary) -> pa.Table:
    codes = [items.encode(reviews.column("item_id")), users.encode(reviews.column("user_id"))]
    columns = [*reviews.columns, *(pa.chunked_array([pa.array(code)]) for code in codes)]
    return pa.Table.from_arrays(columns, schema=CODED_REVIEWS_SCHEMA)
