"""A small shop with structure: two tastes, an order in which things are bought, text and time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset, Events, empty_reviews
from shelfwise.core.event import Product
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories, Requests
from shelfwise.core.rows import products_to_table
from shelfwise.core.vocabulary import Vocabulary

DAY_MS = 86_400_000
N_USERS, N_ITEMS = 80, 24


def shop_of(
    rows: Sequence[tuple[str, str, str, int]], items: Sequence[str], products: Sequence[Product]
) -> Dataset:
    """The shop of (user, item, event type, day) rows, in the order given."""
    users = Vocabulary.of(dict.fromkeys(user for user, _, _, _ in rows))
    coded = Vocabulary.of(items)
    n = len(rows)
    by_id = {product.item_id: product for product in products}
    return Dataset(
        users=users,
        items=coded,
        events=Events(
            user=users.codes(user for user, _, _, _ in rows),
            item=coded.codes(item for _, item, _, _ in rows),
            type=np.array([EVENT_CODE[kind] for _, _, kind, _ in rows], np.int8),
            time_ms=np.array([day * DAY_MS for _, _, _, day in rows], np.int64),
            quantity=np.ones(n, np.float32),
            price=np.full(n, np.nan, np.float32),
            rating=np.full(n, np.nan, np.float32),
            session=np.full(n, -1, np.int32),
        ),
        products=products_to_table([by_id.get(item, Product(item)) for item in items]),
        reviews=empty_reviews(),
        anonymous=np.zeros(len(users), np.bool_),
        timed=True,
    )


def taste_rows(seed: int = 3) -> list[tuple[str, str, str, int]]:
    """Shoppers of two tastes who mostly walk up the items of theirs; every third buys again.

    Each ends with a look at one more item.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(N_USERS):
        half = N_ITEMS // 2
        at, day = int(rng.integers(half)), int(rng.integers(30))
        for _ in range(int(rng.integers(3, 9))):
            item = f"p{at % half + half * (user % 2)}"
            rows += [(f"u{user}", item, "view", day), (f"u{user}", item, "purchase", day)]
            if user % 3 == 0:
                rows.append((f"u{user}", item, "purchase", day + 20))
            at += int(rng.integers(1, 3))
            day += int(rng.integers(1, 6))
        rows.append((f"u{user}", f"p{at % half + half * (user % 2)}", "view", day + 20))
    return sorted(rows, key=lambda row: row[3])


def described() -> list[Product]:
    """Products whose words tell the taste; the last one has no text at all."""
    nouns = ("guitar string bronze", "garden hose green")
    half = N_ITEMS // 2
    return [
        Product(
            f"p{item}",
            title=f"{nouns[item // half]} number {item}",
            brand=f"brand{item % 5}",
            category=("Music > Strings", "Home > Garden")[item // half],
        )
        for item in range(N_ITEMS - 1)
    ] + [Product(f"p{N_ITEMS - 1}")]


@pytest.fixture(scope="session")
def shop() -> Dataset:
    """The shop, items coded in a shuffled order."""
    order = np.random.default_rng(1).permutation(N_ITEMS)
    return shop_of(taste_rows(), [f"p{code}" for code in order], described())


@pytest.fixture(scope="session")
def asked(shop: Dataset) -> Requests:
    """A question for every shopper of the shop, with all of the shop's history."""
    users = np.arange(shop.n_users, dtype=np.int32)
    now = np.full(len(users), int(shop.events.time_ms.max()) + DAY_MS, np.int64)
    return Requests.of_histories(Histories.of_users(shop, users), 10, user=users, now_ms=now)


def asked_after(*items: int, days: Sequence[int] | None = None) -> Requests:
    """One question of an unknown shopper who bought `items` (codes), a day apart or on `days`."""
    at = range(len(items)) if days is None else days
    history = Histories(
        np.array([0, len(items)], np.int64),
        np.array(items, np.int32),
        np.full(len(items), EVENT_CODE["purchase"], np.int8),
        np.array([day * DAY_MS for day in at], np.int64),
    )
    return Requests.of_histories(history, 10)


def no_question() -> Requests:
    """One question of someone who did nothing yet."""
    return Requests.of_histories(Histories.of_items(Ragged.of([[]])), 10)
