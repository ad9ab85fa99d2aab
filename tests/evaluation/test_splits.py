"""Splits: what is learnt, what is asked and what is to be found, on shops small enough to read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset
from shelfwise.core.errors import BadInputError, NotEnoughDataError
from shelfwise.evaluation.known import HINDSIGHT_COLUMNS
from shelfwise.evaluation.splits import (
    Split,
    fixed,
    leave_one_out,
    rolling_origin,
    targets_of,
    temporal,
    temporal_at,
    temporal_cuts,
)

Shop = Callable[..., Dataset]
DAY = 86_400_000

ONE_SHOPPER = [
    (0, 1, "view", 1),
    (0, 2, "view", 2),
    (0, 3, "view", 3),
    (0, 3, "add_to_cart", 4),
    (0, 3, "purchase", 5),
    (0, 4, "purchase", 6),
]
"""Four interactions: 1, 2, 3 (viewed, put in the cart, bought) and 4."""


def history(split: Split, request: int = 0) -> list[int]:
    """The items of a request's history."""
    return [int(item) for item in split.requests.history.items()[request]]


def learnt(split: Split, user: int = 0) -> list[int]:
    """The items of a shopper's training events."""
    return [int(item) for item in split.train.events.item[split.train.events.user == user]]


def test_the_last_interaction_is_the_test_and_all_before_it_the_history(shop: Shop) -> None:
    split = leave_one_out(shop(ONE_SHOPPER))
    assert split.users.tolist() == [0]
    assert split.relevant[0].tolist() == [4]
    assert history(split) == [1, 2, 3, 3, 3]
    assert learnt(split) == [1, 2, 3, 3, 3]
    assert split.requests.now_ms.tolist() == [6 * DAY]
    assert split.trained_on_validation


def test_the_validation_item_may_be_history_without_being_trained_on(shop: Shop) -> None:
    split = leave_one_out(shop(ONE_SHOPPER), train_on_validation=False)
    assert history(split) == [1, 2, 3, 3, 3]
    assert learnt(split) == [1, 2]
    assert not split.trained_on_validation


def test_view_cart_and_purchase_of_one_item_are_one_validation_target(shop: Shop) -> None:
    split = leave_one_out(shop(ONE_SHOPPER), part="validation")
    assert split.relevant[0].tolist() == [3]
    assert history(split) == learnt(split) == [1, 2]
    assert split.requests.now_ms.tolist() == [3 * DAY]


def test_an_impression_just_before_the_target_is_not_learnt_from(shop: Shop) -> None:
    rows = [*ONE_SHOPPER[:5], (0, 4, "impression", 5), (0, 4, "purchase", 6)]
    assert learnt(leave_one_out(shop(rows))) == [1, 2, 3, 3, 3]


def test_shoppers_with_fewer_than_three_interactions_are_only_trained_on(shop: Shop) -> None:
    few = [(1, 5, "view", 1), (1, 5, "purchase", 2), (1, 6, "purchase", 3)]
    split = leave_one_out(shop([*ONE_SHOPPER, *few]))
    assert split.users.tolist() == [0]
    assert learnt(split, user=1) == [5, 5, 6]


def test_anonymous_sessions_are_trained_on_but_not_tested(shop: Shop) -> None:
    session = [(1, item, "view", item) for item in (5, 6, 7, 8)]
    split = leave_one_out(shop([*ONE_SHOPPER, *session], anonymous=[1]))
    assert split.users.tolist() == [0]
    assert learnt(split, user=1) == [5, 6, 7, 8]


def test_sessions_are_tested_where_there_is_nothing_else(shop: Shop) -> None:
    session = [(1, item, "view", item) for item in (5, 6, 7, 8)]
    split = leave_one_out(shop(session, n_users=2, anonymous=[0, 1]))
    assert split.users.tolist() == [1]


def test_events_of_the_same_moment_keep_the_order_of_the_source(shop: Shop) -> None:
    split = leave_one_out(shop([(0, item, "purchase", 1) for item in (9, 2, 7, 4)]))
    assert history(split) == [9, 2, 7]
    assert split.relevant[0].tolist() == [4]


def test_a_repeat_is_marked_as_seen_before(shop: Shop) -> None:
    split = leave_one_out(shop([(0, item, "purchase", day) for day, item in enumerate((1, 2, 1))]))
    assert split.seen_item.tolist() == [True]
    assert leave_one_out(shop(ONE_SHOPPER)).seen_item.tolist() == [False]


def test_an_item_that_only_the_held_out_part_knows_is_cold(shop: Shop) -> None:
    split = leave_one_out(shop(ONE_SHOPPER))
    assert split.cold_item.tolist() == [True]
    assert split.n_cold_items == 1
    assert split.n_cold_users == 0
    known = leave_one_out(shop([*ONE_SHOPPER, (1, 4, "view", 1)]))
    assert known.n_cold_items == 0


@pytest.mark.parametrize("seed", range(5))
def test_leave_one_out_agrees_with_a_walk_through_each_shopper(
    random_shop: Shop, seed: int
) -> None:
    dataset = random_shop(seed)
    split = leave_one_out(dataset, train_on_validation=False)
    row = {int(user): place for place, user in enumerate(split.users)}
    for user in range(dataset.n_users):
        mine = dataset.events.take(dataset.events.user == user)
        wants = [int(i) for i, t in zip(mine.item, mine.type, strict=True) if t != 0]
        runs = [item for place, item in enumerate(wants) if place == 0 or wants[place - 1] != item]
        assert (user in row) == (len(runs) >= 3)
        if user not in row:
            continue
        assert split.relevant[row[user]].tolist() == runs[-1:]
        request = split.requests.history.part(row[user], row[user] + 1)
        past = [int(i) for i, t in zip(request.item, request.type, strict=True) if t != 0]
        assert past == wants[: len(past)]
        assert wants[len(past)] == runs[-1]
        assert request.item.tolist() == mine.item[: len(request.item)].tolist()
        assert learnt(split, user) == mine.item[: len(learnt(split, user))].tolist()


def test_a_review_of_the_held_out_item_is_not_learnt_from(shop: Shop) -> None:
    reviews = [(0, 4, 1), (0, 2, 2), (0, 1, 7), (1, 4, 9), (0, 3, None)]
    split = leave_one_out(shop(ONE_SHOPPER, reviews=reviews))
    kept = split.train.reviews.select(["user", "item"]).to_pylist()
    assert [(row["user"], row["item"]) for row in kept] == [(0, 2), (1, 4), (0, 3)]


def test_product_columns_that_know_the_future_are_emptied(shop: Shop) -> None:
    dataset = shop(ONE_SHOPPER)
    products = dataset.products
    for name in HINDSIGHT_COLUMNS:
        place = products.schema.get_field_index(name)
        told = pa.array([["4"]] * len(products), products.schema.field(name).type)
        products = products.set_column(place, products.schema.field(name), told)
    split = leave_one_out(replace(dataset, products=products))
    assert split.train.products.schema == products.schema
    for name in HINDSIGHT_COLUMNS:
        assert split.train.products.column(name).null_count == len(products)


TWO_SIDES = [
    (0, 1, "view", 1),
    (0, 2, "purchase", 2),
    (1, 3, "purchase", 3),
    (0, 5, "purchase", 11),
    (0, 2, "purchase", 12),
    (0, 5, "purchase", 13),
    (2, 1, "purchase", 14),
    (1, 4, "view", 15),
]


def test_a_cut_in_time_asks_each_shopper_once_for_all_later_items(shop: Shop) -> None:
    split = temporal_at(shop(TWO_SIDES), 10 * DAY, target_types=("purchase",))
    assert split.users.tolist() == [0, 2]
    assert [split.relevant[r].tolist() for r in range(2)] == [[5, 2], [1]]
    assert history(split, 0) == [1, 2]
    assert history(split, 1) == []
    assert split.requests.now_ms.tolist() == [10 * DAY, 10 * DAY]
    assert split.cut_ms == 10 * DAY
    assert split.train.events.time_ms.max() < 10 * DAY


def test_shoppers_and_items_unseen_before_the_cut_are_told_apart(shop: Shop) -> None:
    split = temporal_at(shop(TWO_SIDES), 10 * DAY, target_types=("purchase",))
    assert split.cold_user.tolist() == [False, True]
    assert split.cold_item.tolist() == [True, False, False]
    assert split.seen_item.tolist() == [False, True, False]
    assert (split.n_cold_users, split.n_cold_items) == (1, 1)


def test_any_interest_counts_where_purchases_are_few(shop: Shop) -> None:
    split = temporal_at(shop(TWO_SIDES), 10 * DAY)
    assert split.users.tolist() == [0, 1, 2]
    assert "view" in split.target_types
    many = [(0, day % 12, "purchase", day) for day in range(400)]
    assert targets_of(shop(many)) == ("purchase",)


def test_later_and_undated_reviews_are_unknown_at_the_cut(shop: Shop) -> None:
    dataset = shop(TWO_SIDES, reviews=[(0, 2, 3), (0, 5, 12), (1, 3, None)])
    split = temporal_at(dataset, 10 * DAY)
    assert split.train.reviews.column("item").to_pylist() == [2]


def test_the_validation_window_ends_where_the_test_begins(random_shop: Shop) -> None:
    dataset = random_shop(3)
    test = temporal(dataset, target_types=("purchase",))
    validation = temporal(dataset, part="validation", target_types=("purchase",))
    assert test.cut_ms is not None
    assert validation.cut_ms is not None
    assert validation.cut_ms < test.cut_ms
    window = dataset.before(test.cut_ms).events
    inside = (window.time_ms >= validation.cut_ms) & (window.type == EVENT_CODE["purchase"])
    pairs = set(zip(window.user[inside].tolist(), window.item[inside].tolist(), strict=True))
    found = zip(
        validation.users[validation.relevant.rows()].tolist(),
        validation.relevant.values.tolist(),
        strict=True,
    )
    assert set(found) == pairs
    assert validation.train.events.time_ms.max() < validation.cut_ms


def test_cuts_fall_on_whole_days_where_the_span_allows(random_shop: Shop, shop: Shop) -> None:
    validation_ms, test_ms = temporal_cuts(random_shop(1), 0.1, 0.1)
    assert validation_ms % DAY == test_ms % DAY == 0
    short = shop([(0, n % 12, "view", 0) for n in range(100)])
    hours = replace(short.events, time_ms=np.arange(100, dtype=np.int64) * 3_600_000)
    assert temporal_cuts(short.with_events(hours), 0.1, 0.1) == (79 * 3_600_000, 89 * 3_600_000)


def test_sessions_alone_are_asked_for_their_last_item_after_the_cut(shop: Shop) -> None:
    rows = [(0, 1, "view", 1), (0, 2, "view", 2), (1, 3, "view", 9)]
    later = [(2, 2, "view", 11), (2, 1, "view", 12), (2, 3, "view", 13), (3, 1, "view", 14)]
    dataset = shop([*rows, *later], n_users=4, anonymous=[0, 1, 2, 3])
    split = temporal_at(dataset, 10 * DAY)
    assert split.users.tolist() == [2]
    assert history(split) == [2, 1]
    assert split.relevant[0].tolist() == [3]
    assert split.train.events.time_ms.max() < 10 * DAY


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([], "test"),
        ([(0, 1, "view", 1)], "test"),
        ([(0, 1, "purchase", 1), (0, 1, "purchase", 2), (0, 1, "purchase", 3)], "validation"),
        ([(0, item, "impression", item) for item in range(5)], "test"),
    ],
)
def test_too_few_events_for_leave_one_out_say_what_to_do(
    shop: Shop, rows: list[tuple[int, int, str, int]], part: str
) -> None:
    with pytest.raises(NotEnoughDataError) as told:
        leave_one_out(shop(rows), part="test" if part == "test" else "validation")
    assert "--protocol temporal" in told.value.remedy


@pytest.mark.parametrize(
    "rows",
    [[], [(0, 1, "view", 1)], [(0, item, "view", 7) for item in range(9)]],
)
def test_too_few_events_for_a_cut_say_what_to_do(
    shop: Shop, rows: list[tuple[int, int, str, int]]
) -> None:
    with pytest.raises(NotEnoughDataError, match="Ingest"):
        temporal(shop(rows))


def test_nothing_before_or_after_the_cut_says_so(shop: Shop) -> None:
    with pytest.raises(NotEnoughDataError, match="after the cut at 1970-02-10"):
        temporal_at(shop(TWO_SIDES), 40 * DAY)
    with pytest.raises(NotEnoughDataError, match="before the cut at 1970-01-02"):
        temporal_at(shop(TWO_SIDES), 1 * DAY)


def test_events_without_a_time_cannot_be_cut_in_time(shop: Shop) -> None:
    with pytest.raises(NotEnoughDataError, match="leave-one-out"):
        temporal(shop(TWO_SIDES, timed=False))


def test_one_shopper_is_enough_for_either_protocol(shop: Shop) -> None:
    rows = [(0, day % 12, "purchase", day) for day in range(30)]
    assert len(leave_one_out(shop(rows, n_users=1))) == 1
    assert len(temporal(shop(rows, n_users=1))) == 1


def test_a_shop_of_cold_shoppers_can_still_be_asked(shop: Shop) -> None:
    rows = [(day // 10, day % 12, "purchase", day) for day in range(60)]
    split = temporal_at(shop(rows), 50 * DAY)
    assert split.cold_user.all()
    assert split.requests.history.lengths().tolist() == [0]


def test_rolling_folds_tile_the_end_and_each_learns_only_from_before_its_window(
    random_shop: Shop,
) -> None:
    dataset = random_shop(4, n_events=3000)
    folds = rolling_origin(dataset, folds=3, test_share=0.1)
    cuts = [fold.cut_ms for fold in folds if fold.cut_ms is not None]
    assert cuts == sorted(set(cuts))
    wanted = dataset.events.type == EVENT_CODE["purchase"]
    assert all(fold.target_types == ("purchase",) for fold in folds)
    for fold, start, end in zip(folds, cuts, [*cuts[1:], np.inf], strict=True):
        assert fold.train.events.time_ms.max() < start
        inside = (dataset.events.time_ms >= start) & (dataset.events.time_ms < end) & wanted
        asked = fold.users[fold.relevant.rows()].tolist()
        assert set(zip(asked, fold.relevant.values.tolist(), strict=True)) == set(
            zip(
                dataset.events.user[inside].tolist(),
                dataset.events.item[inside].tolist(),
                strict=True,
            )
        )
        assert 0.07 < inside.sum() / wanted.sum() < 0.13
        assert (fold.part, fold.trained_on_validation) == ("validation", False)


def test_one_rolling_fold_is_the_temporal_test(random_shop: Shop) -> None:
    dataset = random_shop(2)
    (fold,) = rolling_origin(dataset, folds=1, test_share=0.1)
    test = temporal(dataset, test_share=0.1)
    assert (fold.cut_ms, fold.users.tolist()) == (test.cut_ms, test.users.tolist())
    assert fold.relevant.values.tolist() == test.relevant.values.tolist()


@pytest.mark.parametrize(("folds", "share"), [(0, 0.1), (10, 0.1), (3, 0.0)])
def test_folds_that_leave_nothing_to_learn_from_are_refused(
    random_shop: Shop, folds: int, share: float
) -> None:
    with pytest.raises(BadInputError, match="nothing to learn from"):
        rolling_origin(random_shop(1), folds=folds, test_share=share)


def test_a_published_division_is_taken_as_it_is(shop: Shop) -> None:
    train = shop([(0, 1, "purchase", 1), (2, 3, "purchase", 2), (0, 2, "purchase", 3)])
    user, item = np.array([2, 0, 0, 2, 4], np.int32), np.array([1, 3, 2, 1, 9], np.int32)
    split = fixed(train, user, item, n=20)
    assert split.protocol == "fixed"
    assert split.train.events is train.events
    assert split.users.tolist() == [0, 2, 4]
    assert [split.relevant[r].tolist() for r in range(3)] == [[3, 2], [1], [9]]
    assert [history(split, r) for r in range(3)] == [[1, 2], [3], []]
    assert split.seen_item.tolist() == [False, True, False, False]
    assert split.cold_user.tolist() == [False, False, True]
    assert split.cold_item.tolist() == [False, False, False, True]
    assert (split.n_events, split.requests.n, split.cut_ms) == (7, 20, None)


@pytest.mark.parametrize(
    ("user", "item", "named"),
    [([], [], "user"), ([6], [1], "user"), ([1], [-1], "item"), ([1], [12], "item")],
)
def test_test_pairs_outside_the_training_vocabulary_are_refused(
    shop: Shop, user: list[int], item: list[int], named: str
) -> None:
    pairs = np.array(user, np.int32), np.array(item, np.int32)
    with pytest.raises(BadInputError, match=named):
        fixed(shop(ONE_SHOPPER), *pairs)


@pytest.mark.data
def test_the_beauty_benchmark_is_split_as_the_papers_do() -> None:
    folder = os.environ.get("SHELFWISE_DATA")
    if folder is None:
        pytest.skip("Set SHELFWISE_DATA to the folder of public data to run this.")
    path = Path(folder) / "seq" / "Beauty.txt.zst"
    with pa.input_stream(path, compression="zstd") as stream:
        lines = [line.split() for line in stream.read().decode().splitlines()]
    lengths = [len(line) - 1 for line in lines]
    user = np.repeat(np.arange(len(lines), dtype=np.int32), lengths)
    named = [name for line in lines for name in line[1:]]
    item = np.unique(named, return_inverse=True)[1].astype(np.int32)
    dataset = Dataset.of_pairs(user, item, len(lines), int(item.max()) + 1)
    split = leave_one_out(dataset, train_on_validation=False)
    assert (len(split), dataset.n_items, len(dataset.events)) == (22_363, 12_101, 198_502)
    assert len(split.train.events) == 198_502 - 2 * 22_363
    assert split.requests.history.lengths().sum() == 198_502 - 22_363
    assert split.n_cold_users == 0
    assert [split.relevant[r].tolist() for r in (0, 9)] == [[item[user == r][-1]] for r in (0, 9)]
