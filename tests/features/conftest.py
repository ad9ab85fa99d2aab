"""A hand-sized shop for the tests of features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import CODED_REVIEWS_SCHEMA, Dataset, Events
from shelfwise.core.event import Product
from shelfwise.core.rows import products_to_table
from shelfwise.core.vocabulary import Vocabulary
from shelfwise.features.vectors import DAY_MS

PRODUCTS = (
    Product("kettle", title="Steel kettle", brand="Hot", category="Home > Kitchen", price=30.0),
    Product("tea", title="Green tea", brand="Leaf", category="Food > Tea", price=5.0),
    Product("mug", title="Mug", brand="Hot", category="Home > Kitchen", price=8.0),
    Product("lamp", title="Lamp", category="Home > Light", availability="out_of_stock"),
)
NOW = 100 * DAY_MS


def review(item: int, text: str, rating: float | None, day: int) -> dict[str, object]:
    """One coded review."""
    row: dict[str, object] = dict.fromkeys(CODED_REVIEWS_SCHEMA.names)
    return row | {
        "item_id": PRODUCTS[item].item_id,
        "item": item,
        "user": -1,
        "text": text,
        "rating": rating,
        "time_ms": day * DAY_MS,
    }


def events_of(rows: list[tuple[int, int, str, float]]) -> Events:
    """Events from (user, item, type, day), which must be in time order."""
    user, item = (np.array([row[k] for row in rows], np.int32) for k in (0, 1))
    times = np.array([int(row[3] * DAY_MS) for row in rows], np.int64)
    events = Events.of(user, item, time_ms=times)
    return replace(events, type=np.array([EVENT_CODE[row[2]] for row in rows], np.int8))


@pytest.fixture
def shop() -> Dataset:
    """Three shoppers, four products, nine events that count and one impression."""
    events = events_of(
        [
            (0, 1, "purchase", 10),
            (1, 0, "view", 20),
            (0, 1, "purchase", 40),
            (0, 1, "purchase", 70),
            (2, 3, "impression", 80),
            (1, 0, "add_to_cart", 90),
            (1, 0, "purchase", 95),
            (1, 2, "view", 96),
            (2, 2, "view", 99.5),
            (0, 0, "view", 99.75),
        ]
    )
    reviews = [
        review(0, "Great kettle. The handle broke after a week.", 2.0, 50),
        review(1, "Lovely tea, very tasty!", 5.0, 60),
    ]
    return Dataset(
        users=Vocabulary.of(["ann", "bob", "cy"]),
        items=Vocabulary.of([product.item_id for product in PRODUCTS]),
        events=events,
        products=products_to_table(PRODUCTS),
        reviews=pa.Table.from_pylist(reviews, schema=CODED_REVIEWS_SCHEMA),
        anonymous=np.zeros(3, np.bool_),
        timed=True,
    )
