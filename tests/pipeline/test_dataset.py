"""What models get to learn from."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shelfwise.core.columns import EVENT_CODE, REVIEWS_SCHEMA
from shelfwise.core.dataset import Dataset, Events
from shelfwise.core.event import Event, Product
from shelfwise.core.rows import events_to_table, products_to_table
from shelfwise.ingest.automated import AUTOMATED_SCHEMA
from shelfwise.pipeline.dataset import load_dataset
from shelfwise.store.tables import ShopTables

Review = tuple[str, str | None, int | None]


def shop(
    root: Path,
    events: list[Event],
    products: list[Product] | None = None,
    reviews: list[Review] | None = None,
) -> ShopTables:
    tables = ShopTables(root)
    with tables.stage() as staging:
        staging.add("events", events_to_table(events))
        rows = [
            {"item_id": item, "user_id": user, "time_ms": time, "text": "good"}
            for item, user, time in reviews or []
        ]
        staging.add("reviews", pa.Table.from_pylist(rows, REVIEWS_SCHEMA))
        staging.close()
        path = staging.folder / "new-products.parquet"
        pq.write_table(products_to_table(products or []), path)
        staging.commit(
            {"events": staging.paths("events"), "reviews": staging.paths("reviews")},
            {"products": path},
        )
    return tables


def bought(user: str, item: str, time_ms: int) -> Event:
    return Event("purchase", time_ms, user_id=user, item_id=item)


def seen(dataset: Dataset) -> list[tuple[str, str, int]]:
    """The events in the shop's own words: shopper, item, time."""
    events = dataset.events
    return [
        (dataset.users.ids[user], dataset.items.ids[item], int(time))
        for user, item, time in zip(events.user, events.item, events.time_ms, strict=True)
    ]


def same_events(one: Events, other: Events) -> bool:
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name), equal_nan=True)
        for f in fields(Events)
    )


def random_shop(root: Path, prefix: str, order_of_names: int) -> ShopTables:
    """Sixty events, products and reviews whose ids depend on `prefix`, their content does not."""
    rng = np.random.default_rng(3)
    names = np.random.default_rng(order_of_names).permutation(30)
    item, user = rng.integers(0, 20, 60), rng.integers(0, 12, 60)
    events = [
        Event(
            "view",
            int(rng.integers(0, 20)),
            user_id=f"{prefix}{names[u]}" if u < 9 else None,
            session_id=f"{prefix}s{names[u + i % 2]}",
            item_id=f"{prefix}{names[i]}",
            price=float(i),
        )
        for i, u in zip(item, user, strict=True)
    ]
    products = sorted(
        (Product(f"{prefix}{names[i]}", f"Title {i}", price=float(i)) for i in range(10, 25)),
        key=lambda product: product.item_id,
    )
    reviews: list[Review] = [(f"{prefix}{names[i]}", f"{prefix}{names[i]}", 5) for i in (29, 3)]
    return shop(root, events, products, reviews)


def test_events_come_oldest_first_and_ties_keep_the_order_of_the_source(tmp_path: Path) -> None:
    tables = shop(tmp_path, [bought("u", "b", 5), bought("u", "c", 5), bought("v", "a", 1)])
    assert seen(load_dataset(tables)) == [("v", "a", 1), ("u", "b", 5), ("u", "c", 5)]


def test_only_signs_of_interest_are_learnt_from(tmp_path: Path) -> None:
    kinds = ("impression", "view", "remove_from_cart", "add_to_cart", "rate")
    tables = shop(
        tmp_path,
        [Event(kind, t, user_id="u", item_id="a") for t, kind in enumerate(kinds)]
        + [Event("search", 9, user_id="u", query="kettle")],
    )
    types = load_dataset(tables).events.type.tolist()
    assert types == [EVENT_CODE["view"], EVENT_CODE["add_to_cart"], EVENT_CODE["rate"]]


def test_an_anonymous_session_is_a_shopper_of_its_own(tmp_path: Path) -> None:
    tables = shop(
        tmp_path,
        [
            Event("view", 1, session_id="s1", item_id="a"),
            Event("view", 2, user_id="u", session_id="s2", item_id="b"),
            Event("view", 3, session_id="s1", item_id="b"),
        ],
    )
    dataset = load_dataset(tables)
    assert [user for user, _, _ in seen(dataset)] == ["session:s1", "u", "session:s1"]
    assert dataset.anonymous[dataset.events.user].tolist() == [True, False, True]


def test_a_user_named_like_a_session_does_no_harm(tmp_path: Path) -> None:
    tables = shop(
        tmp_path,
        [
            Event("view", 1, session_id="s1", item_id="a"),
            Event("view", 2, user_id="session:s1", item_id="b"),
        ],
    )
    assert load_dataset(tables).users.ids == ("session:s1",)


def test_sessions_of_two_shoppers_with_one_name_are_two_sessions(tmp_path: Path) -> None:
    tables = shop(
        tmp_path,
        [
            Event("view", 1, user_id="u", session_id="1", item_id="a"),
            Event("view", 2, user_id="v", session_id="1", item_id="a"),
            Event("view", 3, user_id="u", session_id="1", item_id="b"),
            Event("view", 4, user_id="u", item_id="b"),
        ],
    )
    assert load_dataset(tables).events.session.tolist() == [0, 1, 0, -1]


def test_missing_numbers_have_their_stated_meaning(tmp_path: Path) -> None:
    tables = shop(
        tmp_path,
        [
            bought("u", "a", 1),
            Event("purchase", 2, user_id="u", item_id="a", quantity=3, price=2.5),
        ],
    )
    events = load_dataset(tables).events
    assert events.quantity.tolist() == [1, 3]
    assert np.isnan(events.price[0])
    assert events.price[1] == 2.5
    assert np.isnan(events.rating).all()


def test_what_was_sent_back_is_not_learnt_from(tmp_path: Path) -> None:
    def line(kind: str, item: str, time_ms: int, quantity: float) -> Event:
        return Event(kind, time_ms, user_id="u", item_id=item, quantity=quantity)

    tables = shop(
        tmp_path,
        [
            line("purchase", "whole", 1, 2),
            line("purchase", "part", 2, 5),
            line("refund", "whole", 3, 2),
            line("refund", "part", 4, 1),
        ],
    )
    data = load_dataset(tables)
    assert seen(data) == [("u", "part", 2)]
    assert data.events.quantity.tolist() == [4]
    not_yet = load_dataset(tables, until_ms=4).events.quantity.tolist()
    assert not_yet == [5]
    late = events_to_table([line("refund", "part", 9, 4)])
    assert len(load_dataset(tables, extra_events=late).events) == 0


def test_shoppers_taken_for_programs_are_kept_out(tmp_path: Path) -> None:
    tables = shop(
        tmp_path,
        [
            Event("view", 1, user_id="robot", item_id="a"),
            Event("view", 2, session_id="robot", item_id="a"),
            Event("view", 3, session_id="crawler", item_id="a"),
            Event("view", 4, user_id="crawler", item_id="a"),
        ],
    )
    with tables.stage() as staging:
        rows = [
            {"user_id": "robot", "session_id": None, "reason": "r", "evidence": "e", "events": 1},
            {"user_id": None, "session_id": "crawler", "reason": "r", "evidence": "e", "events": 1},
        ]
        path = staging.folder / "found.parquet"
        pq.write_table(pa.Table.from_pylist(rows, AUTOMATED_SCHEMA), path)
        staging.commit({}, {"automated": path})
    shoppers = [shopper for shopper, _, _ in seen(load_dataset(tables))]
    assert shoppers == ["session:robot", "crawler"]


def test_products_stand_at_their_items_code(tmp_path: Path) -> None:
    tables = shop(
        tmp_path, [bought("u", "b", 1), bought("u", "z", 2)], [Product("a", "A"), Product("b", "B")]
    )
    dataset = load_dataset(tables)
    assert sorted(dataset.items.ids) == ["a", "b", "z"]
    assert dataset.products.column("item_id").to_pylist() == list(dataset.items.ids)
    titles = dict(zip(dataset.items.ids, dataset.products.column("title").to_pylist(), strict=True))
    assert titles == {"a": "A", "b": "B", "z": None}


def test_reviews_carry_the_codes_of_item_and_user(tmp_path: Path) -> None:
    tables = shop(
        tmp_path, [bought("u", "a", 1)], reviews=[("a", "u", 1), ("a", None, 2), ("q", "w", 3)]
    )
    dataset = load_dataset(tables)
    items = [dataset.items.ids[code] for code in dataset.reviews.column("item").to_pylist()]
    users = dataset.reviews.column("user").to_pylist()
    assert items == ["a", "a", "q"]
    assert [dataset.users.ids[code] if code >= 0 else None for code in users] == ["u", None, "w"]


def test_what_happened_at_until_or_later_is_unknown(tmp_path: Path) -> None:
    past, future = [bought("u", "a", 1), bought("v", "b", 2)], [bought("w", "new", 10)]
    reviews: list[Review] = [("a", "u", 1), ("b", "v", None)]
    told = load_dataset(
        shop(tmp_path / "told", future + past, reviews=[*reviews, ("late", "x", 10)]), until_ms=10
    )
    never = load_dataset(shop(tmp_path / "never", past, reviews=reviews))
    assert told.items.ids == never.items.ids
    assert told.users.ids == never.users.ids
    assert same_events(told.events, never.events)
    assert told.reviews.equals(never.reviews)


def test_renaming_every_id_changes_no_code(tmp_path: Path) -> None:
    one = load_dataset(random_shop(tmp_path / "one", "a", 1))
    other = load_dataset(random_shop(tmp_path / "other", "zz", 2))
    assert set(one.items.ids).isdisjoint(other.items.ids)
    assert same_events(one.events, other.events)
    assert one.products.column("title").equals(other.products.column("title"))
    for name in ("item", "user"):
        assert one.reviews.column(name).equals(other.reviews.column(name))
    assert np.array_equal(one.anonymous, other.anonymous)


def test_the_same_seed_gives_the_same_codes_and_another_gives_others(tmp_path: Path) -> None:
    tables = random_shop(tmp_path, "a", 1)
    assert load_dataset(tables, seed=1).items.ids == load_dataset(tables, seed=1).items.ids
    assert load_dataset(tables, seed=1).items.ids != load_dataset(tables, seed=2).items.ids


def test_events_of_the_live_side_come_in_their_place_in_time(tmp_path: Path) -> None:
    tables = shop(tmp_path, [bought("u", "a", 1), bought("u", "b", 5)])
    live = events_to_table([bought("u", "c", 3), bought("new", "a", 5)])
    assert seen(load_dataset(tables, extra_events=live)) == [
        ("u", "a", 1),
        ("u", "c", 3),
        ("u", "b", 5),
        ("new", "a", 5),
    ]


def test_products_of_the_live_side_replace_the_stored_ones(tmp_path: Path) -> None:
    tables = shop(tmp_path, [], [Product("a", "old"), Product("b", "kept")])
    live = products_to_table([Product("a", "new"), Product("c", "added")])
    dataset = load_dataset(tables, extra_products=live)
    titles = dict(zip(dataset.items.ids, dataset.products.column("title").to_pylist(), strict=True))
    assert titles == {"a": "new", "b": "kept", "c": "added"}


def test_an_empty_shop_gives_an_empty_dataset(tmp_path: Path) -> None:
    dataset = load_dataset(ShopTables(tmp_path))
    assert (dataset.n_users, dataset.n_items, len(dataset.events)) == (0, 0, 0)


def test_a_dataset_is_timed_only_when_every_event_is(tmp_path: Path) -> None:
    events = events_to_table([bought("u", "a", 1), bought("u", "b", 2)])
    untimed = events.set_column(
        events.schema.get_field_index("timed"), "timed", pa.array([True, False])
    )
    assert load_dataset(ShopTables(tmp_path), extra_events=events).timed
    assert not load_dataset(ShopTables(tmp_path), extra_events=untimed).timed
