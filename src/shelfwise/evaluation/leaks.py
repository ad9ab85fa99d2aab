"""Proofs that an evaluation is fair: no future in what is learnt, and no meaning in a name.

The checks recompute from the whole dataset by another way than the splits do. `plant_future` and
`rename` make the twin shops on which scores, respectively metrics, must come out the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset, Events
from shelfwise.core.errors import ShelfwiseError
from shelfwise.core.requests import Histories
from shelfwise.core.vocabulary import Vocabulary
from shelfwise.evaluation.known import HINDSIGHT_COLUMNS, without_hindsight
from shelfwise.evaluation.splits import Split


class LeakError(ShelfwiseError):
    """An evaluation would know what it should predict."""

    code = "leak"


@dataclass(frozen=True)
class Renaming:
    """The same shop under other names: every id is new and every code is another."""

    dataset: Dataset
    user: NDArray[np.int32]
    """Per old user code, the new one."""
    item: NDArray[np.int32]
    """Per old item code, the new one."""


def assert_no_future(split: Split, dataset: Dataset) -> None:
    """Raises `LeakError` where `split`, made from `dataset`, knows what it asks for.

    Each history must be the beginning of what the shopper did, the relevant items must come after
    it, and training may know no more of a tested shopper than the history does. After a cut in
    time, no event and no review at all may be known.
    """
    whole = Histories.of_users(_about_items(dataset), split.users)
    learnt = Histories.of_users(_about_items(split.train), split.users)
    history = split.requests.history
    _check(_begins(history, whole), "history is not the beginning of what the shopper did")
    _check(_begins(learnt, history), "training knows more of a shopper than the request does")
    _check(_comes_later(split, whole), "a relevant item does not come after the history")
    _check(_hindsight_is_gone(split.train), "products carry behaviour of unknown time")
    if split.cut_ms is not None:
        _check(bool((split.train.events.time_ms < split.cut_ms).all()), "events follow the cut")
        _check(_reviews_precede(split.train, split.cut_ms), "reviews follow the cut")
    else:
        _check(_no_held_out_review(split), "a shopper's review of a relevant item is learnt from")


def same_past(one: Split, other: Split) -> bool:
    """Whether both learn from the same events and see the same histories for the shared users."""
    shared, left, right = np.intersect1d(one.users, other.users, return_indices=True)
    pasts = zip(_pasts(one, left), _pasts(other, right), strict=True)
    return len(shared) > 0 and all(np.array_equal(a, b) for a, b in pasts)


def plant_future(dataset: Dataset, time_ms: int, rng: np.random.Generator) -> Dataset:
    """The shop where at `time_ms` and later every shopper buys one more, random, product."""
    n = dataset.n_users
    planted = Events.of(
        rng.permutation(n).astype(np.int32),
        rng.integers(0, dataset.n_items, n, dtype=np.int32),
        type_code=EVENT_CODE["purchase"],
        time_ms=time_ms + np.arange(n, dtype=np.int64),
    )
    both = {
        name: np.concatenate([getattr(dataset.events, name), column])
        for name, column in vars(planted).items()
    }
    return dataset.with_events(Events(**both).take(np.argsort(both["time_ms"], kind="stable")))


def rename(dataset: Dataset, rng: np.random.Generator) -> Renaming:
    """The shop with all ids and codes drawn anew; columns that quote other products are emptied."""
    user = rng.permutation(dataset.n_users).astype(np.int32)
    item = rng.permutation(dataset.n_items).astype(np.int32)
    users = Vocabulary.of(f"u{number}" for number in rng.permutation(dataset.n_users))
    items = Vocabulary.of(f"i{number}" for number in rng.permutation(dataset.n_items))
    events = replace(
        dataset.events,
        user=user[dataset.events.user],
        item=np.append(item, np.int32(-1))[dataset.events.item],
    )
    products = without_hindsight(dataset.products).take(pa.array(np.argsort(item)))
    ids = pa.array(items.ids, pa.string())
    renamed = replace(
        dataset,
        users=users,
        items=items,
        events=events,
        products=products.set_column(0, products.schema.field("item_id"), ids),
        reviews=_renamed_reviews(dataset.reviews, user, item, users, items),
        anonymous=dataset.anonymous[np.argsort(user)],
    )
    return Renaming(renamed, user, item)


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LeakError(
            f"The evaluation is not fair: {otherwise}.",
            remedy="Make the split with evaluation.splits and leave its parts as they are.",
        )


def _about_items(dataset: Dataset) -> Dataset:
    return dataset.with_events(dataset.events.take(dataset.events.item >= 0))


def _begins(short: Histories, whole: Histories) -> bool:
    """Whether each history of `short` is the beginning of that of `whole`."""
    if (short.lengths() > whole.lengths()).any():
        return False
    where = np.arange(len(short.item)) + np.repeat(
        whole.indptr[:-1] - short.indptr[:-1], short.lengths()
    )
    return all(
        np.array_equal(getattr(short, name), getattr(whole, name)[where])
        for name in ("item", "type", "time_ms")
    )


def _comes_later(split: Split, whole: Histories) -> bool:
    """Whether each relevant item is among the shopper's events after the history."""
    row = whole.items().rows().astype(np.int64)
    place = np.arange(len(row)) - whole.indptr[row]
    later = place >= split.requests.history.lengths()[row]
    n_items = split.train.n_items
    wanted = split.relevant.rows().astype(np.int64) * n_items + split.relevant.values
    return bool(np.isin(wanted, row[later] * n_items + whole.item[later]).all())


def _hindsight_is_gone(train: Dataset) -> bool:
    columns = (train.products.column(name) for name in HINDSIGHT_COLUMNS)
    return all(column.null_count == len(column) for column in columns)


def _reviews_precede(train: Dataset, cut_ms: int) -> bool:
    return all(time is not None and time < cut_ms for time in _column(train.reviews, "time_ms"))


def _no_held_out_review(split: Split) -> bool:
    users = split.users[split.relevant.rows()]
    asked = set(zip(users.tolist(), split.relevant.values.tolist(), strict=True))
    written = zip(
        _column(split.train.reviews, "user"), _column(split.train.reviews, "item"), strict=True
    )
    return asked.isdisjoint(written)


def _column(table: pa.Table, name: str) -> list[int | None]:
    values: list[int | None] = table.column(name).to_pylist()
    return values


def _pasts(split: Split, rows: NDArray[np.int64]) -> list[NDArray[np.generic]]:
    """Training events in order, and the items of the histories of `rows`, as comparable arrays."""
    events, items = split.train.events, split.requests.history.items()
    histories = [items[int(row)] for row in rows]
    lengths = np.array([len(one) for one in histories])
    return [events.user, events.item, events.time_ms, lengths, *histories]


def _renamed_reviews(
    reviews: pa.Table,
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    users: Vocabulary,
    items: Vocabulary,
) -> pa.Table:
    writer = np.append(user, np.int32(-1))[reviews.column("user").to_numpy()]
    about = np.append(item, np.int32(-1))[reviews.column("item").to_numpy()]
    columns = {
        "user": writer,
        "item": about,
        "user_id": [users.ids[code] if code >= 0 else None for code in writer],
        "item_id": [items.ids[code] if code >= 0 else "" for code in about],
    }
    for name, values in columns.items():
        place = reviews.schema.get_field_index(name)
        field = reviews.schema.field(place)
        reviews = reviews.set_column(place, field, pa.array(values, field.type))
    return reviews
