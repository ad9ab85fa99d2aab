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


@dataclass(frozen=True)
class LeakCheck:
    """One way in which the future could be known, and whether it is."""

    says: str
    """What holds where the check passes."""
    passed: bool
    otherwise: str
    """What is wrong where it does not."""


def leak_checks(split: Split, dataset: Dataset) -> tuple[LeakCheck, ...]:
    """Every check of `split`, made from `dataset`.

    Each history must be the beginning of what the shopper did, the relevant items must come after
    it, and training may know no more of a tested shopper than the history does. After a cut in
    time, no event and no review at all may be known. Of a published division, which has no order,
    only its training part is `dataset`: no pair to be found may be in it.
    """
    whole = Histories.of_users(_about_items(dataset), split.users)
    learnt = Histories.of_users(_about_items(split.train), split.users)
    history = split.requests.history
    checks = [
        LeakCheck(
            "Each history is the beginning of what the shopper did.",
            _begins(history, whole),
            "history is not the beginning of what the shopper did",
        ),
        LeakCheck(
            "Training knows no more of a tested shopper than the request does.",
            _begins(learnt, history),
            "training knows more of a shopper than the request does",
        ),
        LeakCheck(
            "Product columns that sum up behaviour are empty.",
            _hindsight_is_gone(split.train),
            "products carry behaviour of unknown time",
        ),
    ]
    if split.protocol == "fixed":
        return (
            *checks,
            LeakCheck(
                "No pair to be found is in training.",
                not split.seen_item.any(),
                "pairs to be found are in training",
            ),
        )
    comes_later = LeakCheck(
        "Everything to be found comes after the history.",
        _comes_later(split, whole),
        "a relevant item does not come after the history",
    )
    return (*checks, comes_later, *_checks_of_time(split))


def assert_no_future(split: Split, dataset: Dataset) -> tuple[LeakCheck, ...]:
    """All of `leak_checks`, passed; raises `LeakError` at the first that is not."""
    checks = leak_checks(split, dataset)
    for one in checks:
        if not one.passed:
            raise LeakError(
                f"The evaluation is not fair: {one.otherwise}.",
                remedy="Make the split with evaluation.splits and leave its parts as they are.",
            )
    return checks


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


def _checks_of_time(split: Split) -> list[LeakCheck]:
    if split.cut_ms is None:
        return [
            LeakCheck(
                "No tested shopper's review of what is to be found is learnt from.",
                _no_held_out_review(split),
                "a shopper's review of a relevant item is learnt from",
            )
        ]
    return [
        LeakCheck(
            "No event at or after the cut is learnt from.",
            bool((split.train.events.time_ms < split.cut_ms).all()),
            "events follow the cut",
        ),
        LeakCheck(
            "No review at or after the cut, or without a date, is learnt from.",
            _reviews_precede(split.train, split.cut_ms),
            "reviews follow the cut",
        ),
    ]


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
    time = train.reviews.column("time_ms")
    return time.null_count == 0 and bool((time.to_numpy(zero_copy_only=False) < cut_ms).all())


def _no_held_out_review(split: Split) -> bool:
    width = split.train.n_items
    asked = split.users[split.relevant.rows()].astype(np.int64) * width + split.relevant.values
    user = split.train.reviews.column("user").to_numpy(zero_copy_only=False).astype(np.int64)
    item = split.train.reviews.column("item").to_numpy(zero_copy_only=False).astype(np.int64)
    by_known = user >= 0
    return not np.isin(user[by_known] * width + item[by_known], asked).any()


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
