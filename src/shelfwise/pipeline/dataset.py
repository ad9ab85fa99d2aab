"""The stored tables as the columns that models learn from.

Ids become codes by first appearance in time, then shuffled, so the dataset is the same whatever
the shop calls its products and shoppers. Text columns are read as dictionaries, one column at a
time, to keep 20 million events within 4 GB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE, INTEREST_TYPES, PRODUCTS_SCHEMA
from shelfwise.core.dataset import CODED_REVIEWS_SCHEMA, Dataset, Events
from shelfwise.core.vocabulary import UNKNOWN, Vocabulary
from shelfwise.store.tables import ShopTables

SESSION_PREFIX = "session:"
"""What an anonymous session's id begins with in the vocabulary of users."""

_WORDS = pa.dictionary(pa.int32(), pa.string())


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
    log = _Log(tables, extra_events)
    products = _products(tables, extra_products)
    reviews = _reviews(tables, until_ms)
    kind, item, session = log.words("event_type"), log.words("item_id"), log.words("session_id")
    shopper, n_known = _shoppers(log.words("user_id"), session)
    kept = kind.among(INTEREST_TYPES) & (item.position >= 0) & (shopper.position >= 0)
    where = _in_time_order(log, kept, until_ms)
    shopper_at, item_at = shopper.at(where), item.at(where)
    users = Vocabulary.shuffled(_distinct(shopper_at.words, reviews.column("user_id")), seed)
    items = Vocabulary.shuffled(
        _distinct(products.column("item_id"), item_at.words, reviews.column("item_id")), seed
    )
    user_code = shopper_at.codes(users)
    anonymous = np.zeros(len(users), np.bool_)
    anonymous[user_code] = shopper.position[where] >= n_known
    return Dataset(
        users=users,
        items=items,
        events=Events(
            user=user_code,
            item=item_at.codes(items),
            type=kind.mapped(EVENT_CODE)[where],
            time_ms=log.integers("time_ms")[where],
            quantity=log.floats("quantity", missing=1.0)[where],
            price=log.floats("price")[where],
            rating=log.floats("rating")[where],
            session=_sessions(user_code, session.position[where]),
        ),
        products=_aligned(products, items),
        reviews=_coded_reviews(reviews, users, items),
        anonymous=anonymous,
        timed=bool(log.column("timed").to_numpy()[where].all()),
    )


@dataclass(frozen=True)
class _Words:
    """A column of text: for each row its position in `words`, -1 for null."""

    position: NDArray[np.int32]
    words: pa.Array

    def among(self, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """For each row, whether it is one of `names`."""
        wanted: NDArray[np.bool_] = self.mapped(dict.fromkeys(names, 1)) == 1
        return wanted

    def mapped(self, value: dict[str, int]) -> NDArray[np.int8]:
        """For each row, the value of its word; -1 without one."""
        of_word = [value.get(word, UNKNOWN) for word in self.words.to_pylist()]
        return np.asarray([*of_word, UNKNOWN], np.int8)[self.position]

    def at(self, where: NDArray[np.int64]) -> _Words:
        """The rows `where` (none of them null), words in the order in which the rows name them."""
        encoded = pa.array(self.position[where]).dictionary_encode()
        return _Words(encoded.indices.to_numpy(), self.words.take(encoded.dictionary))

    def codes(self, vocabulary: Vocabulary) -> NDArray[np.int32]:
        """For each row, the code of its word."""
        return vocabulary.codes(self.words.to_pylist())[self.position]


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

    def floats(self, name: str, missing: float = np.nan) -> NDArray[np.float32]:
        """A column of measures, `missing` for null."""
        column = self.column(name).cast(pa.float32())
        values: NDArray[np.float32] = column.fill_null(pa.scalar(missing, pa.float32())).to_numpy()
        return values

    def words(self, name: str) -> _Words:
        """A column of text."""
        column = self.tables.events([name], dictionary=[name]).column(0).cast(_WORDS)
        if self.extra is not None:
            live = self.extra.column(name).cast(pa.string()).dictionary_encode()
            column = _joined(column, live)
        chunks = column.unify_dictionaries().chunks
        if not chunks:
            return _Words(np.empty(0, np.int32), pa.array([], pa.string()))
        position = pa.chunked_array([chunk.indices for chunk in chunks]).fill_null(UNKNOWN)
        return _Words(position.to_numpy(), chunks[0].dictionary)


def _joined(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([*first.chunks, *second.chunks], first.type)


def _shoppers(user: _Words, session: _Words) -> tuple[_Words, int]:
    """Who did each event (a user, or else a session), and how many of the words are users.

    A user whose id looks like that of a session is taken for the same shopper.
    """
    n_known = len(user.words)
    prefixed = pc.binary_join_element_wise(SESSION_PREFIX, session.words, "")
    encoded = pa.concat_arrays([user.words, prefixed]).dictionary_encode()
    anonymous = np.where(session.position >= 0, session.position + n_known, UNKNOWN)
    position = np.where(user.position >= 0, user.position, anonymous)
    of_word = np.append(encoded.indices.to_numpy(), np.int32(UNKNOWN))
    return _Words(of_word[position], encoded.dictionary), n_known


def _in_time_order(log: _Log, kept: NDArray[np.bool_], until_ms: int | None) -> NDArray[np.int64]:
    """The kept rows before `until_ms`, oldest first, ties in the order of their source."""
    time = log.integers("time_ms")
    where = np.flatnonzero(kept if until_ms is None else kept & (time < until_ms))
    time, order = time[where], log.integers("order")[where]
    if _ascending(time, order):
        return where
    return where[np.lexsort((order, time))]


def _ascending(time: NDArray[np.int64], order: NDArray[np.int64]) -> bool:
    later, same = time[1:] > time[:-1], time[1:] == time[:-1]
    return bool((later | (same & (order[1:] > order[:-1]))).all())


def _sessions(user: NDArray[np.int32], session: NDArray[np.int32]) -> NDArray[np.int32]:
    """A code for each (shopper, session) by first appearance: shops reuse session ids."""
    pair = user.astype(np.int64) * (int(session.max(initial=0)) + 1) + session
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
