"""Small shops written by hand, and random ones, for the evaluation tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import CODED_REVIEWS_SCHEMA, Dataset, Events

Row = tuple[int, int, str, int]
DAY = 86_400_000


@pytest.fixture(scope="session")
def shop() -> Callable[..., Dataset]:
    """Makes a shop from (user, item, event type, day) rows, with optional reviews."""
    return _shop


@pytest.fixture(scope="session")
def random_shop() -> Callable[..., Dataset]:
    """Makes a shop of random events over 120 days, with repeats and ties, from a seed."""
    return _random_shop


def _shop(
    rows: Sequence[Row],
    *,
    n_users: int = 6,
    n_items: int = 12,
    anonymous: Sequence[int] = (),
    reviews: Sequence[tuple[int, int, int | None]] = (),
    timed: bool = True,
) -> Dataset:
    """The dataset of (user, item, event type, day) rows and (user, item, day) reviews."""
    ordered = sorted(rows, key=lambda row: row[3])
    user = np.array([row[0] for row in ordered], np.int32)
    item = np.array([row[1] for row in ordered], np.int32)
    time_ms = np.array([row[3] * DAY for row in ordered], np.int64)
    types = np.array([EVENT_CODE[row[2]] for row in ordered], np.int8)
    blank = Dataset.of_pairs(user[:0], item[:0], n_users, n_items)
    return replace(
        blank,
        events=replace(Events.of(user, item, time_ms=time_ms), type=types),
        anonymous=np.isin(np.arange(n_users), anonymous),
        reviews=_reviews(reviews),
        timed=timed,
    )


def _reviews(rows: Sequence[tuple[int, int, int | None]]) -> pa.Table:
    """A coded reviews table of (user, item, day) rows."""
    return pa.Table.from_pylist(
        [
            {
                "item_id": str(item),
                "user_id": str(user),
                "time_ms": None if day is None else day * DAY,
                "text": f"{user} on {item}",
                "item": item,
                "user": user,
            }
            for user, item, day in rows
        ],
        schema=CODED_REVIEWS_SCHEMA,
    )


def _random_shop(
    seed: int, *, n_users: int = 30, n_items: int = 40, n_events: int = 600, n_reviews: int = 0
) -> Dataset:
    """A shop of random views, carts and purchases over some hundred days, with repeats and ties."""
    rng = np.random.default_rng(seed)
    kinds = ("view", "add_to_cart", "purchase", "impression")
    rows = [
        (int(u), int(i), kinds[int(t)], int(d))
        for u, i, t, d in zip(
            rng.integers(0, n_users, n_events),
            rng.integers(0, n_items, n_events),
            rng.integers(0, 4, n_events),
            rng.integers(0, 120, n_events),
            strict=True,
        )
    ]
    reviews = [(u, i, None if t == "view" else d) for u, i, t, d in rows[:n_reviews]]
    return _shop(rows, n_users=n_users, n_items=n_items, reviews=reviews)
