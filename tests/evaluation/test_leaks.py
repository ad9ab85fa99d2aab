"""Leak checks: fair splits pass, spoilt ones are caught, and planted futures change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from shelfwise.core.dataset import Dataset, Events
from shelfwise.core.requests import Histories, Requests
from shelfwise.evaluation.leaks import (
    LeakError,
    assert_no_future,
    plant_future,
    rename,
    same_past,
)
from shelfwise.evaluation.splits import Split, fixed, leave_one_out, temporal, temporal_at

Shop = Callable[..., Dataset]
DAY = 86_400_000


def all_splits(dataset: Dataset) -> list[Split]:
    """Every split the evaluation makes."""
    return [
        leave_one_out(dataset),
        leave_one_out(dataset, train_on_validation=False),
        leave_one_out(dataset, part="validation"),
        temporal(dataset),
        temporal(dataset, part="validation"),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_no_split_knows_what_it_asks_for(random_shop: Shop, seed: int) -> None:
    dataset = random_shop(seed, n_reviews=80)
    for split in all_splits(dataset):
        assert_no_future(split, dataset)


def test_sessions_alone_are_split_fairly(random_shop: Shop) -> None:
    dataset = random_shop(5)
    sessions = replace(dataset, anonymous=np.ones(dataset.n_users, np.bool_))
    for split in all_splits(sessions):
        assert_no_future(split, sessions)


def test_a_target_in_the_history_at_its_own_place_is_caught(random_shop: Shop) -> None:
    dataset = random_shop(1)
    fair = leave_one_out(dataset)
    everything = Histories.of_users(dataset, fair.users)
    spoilt = replace(fair, requests=Requests.of_histories(everything, 10, user=fair.users))
    with pytest.raises(LeakError, match="does not come after the history"):
        assert_no_future(spoilt, dataset)


def test_training_on_the_held_out_events_is_caught(random_shop: Shop) -> None:
    dataset = random_shop(1)
    for split in all_splits(dataset):
        with pytest.raises(LeakError, match="training knows more"):
            assert_no_future(replace(split, train=dataset), dataset)


def test_a_history_in_another_order_is_caught(random_shop: Shop) -> None:
    dataset = random_shop(1)
    fair = leave_one_out(dataset)
    history = fair.requests.history
    turned = replace(history, item=history.item[::-1].copy())
    spoilt = replace(fair, requests=replace(fair.requests, history=turned))
    with pytest.raises(LeakError, match="not the beginning"):
        assert_no_future(spoilt, dataset)


def test_others_events_after_the_cut_are_caught(shop: Shop) -> None:
    rows = [(0, 1, "view", 1), (0, 2, "view", 3), (1, 2, "impression", 4)]
    dataset = shop(rows)
    split = temporal_at(dataset, 2 * DAY)
    others = dataset.events.take(np.array([True, False, True]))
    with pytest.raises(LeakError, match="events follow the cut"):
        assert_no_future(replace(split, train=split.train.with_events(others)), dataset)


def test_reviews_of_the_future_are_caught(shop: Shop) -> None:
    rows = [(0, item, "purchase", item) for item in range(1, 5)]
    dataset = shop(rows, reviews=[(0, 4, 4), (1, 2, None)])
    cut = temporal_at(dataset, 3 * DAY)
    with pytest.raises(LeakError, match="reviews follow the cut"):
        assert_no_future(replace(cut, train=replace(cut.train, reviews=dataset.reviews)), dataset)
    one_out = leave_one_out(dataset)
    spoilt = replace(one_out, train=replace(one_out.train, reviews=dataset.reviews))
    with pytest.raises(LeakError, match="review of a relevant item"):
        assert_no_future(spoilt, dataset)


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_future_event_changes_no_history_and_no_training_event(
    random_shop: Shop, seed: int
) -> None:
    dataset = random_shop(seed)
    cut = 100 * DAY
    planted = plant_future(dataset, cut, np.random.default_rng(seed))
    assert len(planted.events) == len(dataset.events) + dataset.n_users
    assert (np.diff(planted.events.time_ms) >= 0).all()
    before, after = temporal_at(dataset, cut), temporal_at(planted, cut)
    assert same_past(before, after)
    assert len(after) == dataset.n_users
    assert not same_past(before, temporal_at(dataset, cut - 20 * DAY))


def test_another_last_item_changes_no_history_and_no_training_event(shop: Shop) -> None:
    rows = [(user, item, "view", item) for user in range(3) for item in (1, 2, 3)]
    one = leave_one_out(shop([*rows, *((user, 7, "view", 9) for user in range(3))]))
    other = leave_one_out(shop([*rows, *((user, 8 + user, "view", 9) for user in range(3))]))
    assert same_past(one, other)
    assert one.relevant.values.tolist() != other.relevant.values.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_a_renamed_shop_is_the_same_shop_under_other_names(random_shop: Shop, seed: int) -> None:
    dataset = random_shop(seed, n_reviews=20)
    renamed = rename(dataset, np.random.default_rng(seed))
    twin = renamed.dataset
    assert twin.events.item.tolist() == renamed.item[dataset.events.item].tolist()
    assert twin.products.column("item_id").to_pylist() == list(twin.items.ids)
    for review, old in zip(twin.reviews.to_pylist(), dataset.reviews.to_pylist(), strict=True):
        assert review["text"] == old["text"]
        assert review["item"] == renamed.item[old["item"]]
        assert review["item_id"] == twin.items.ids[review["item"]]
        assert review["user_id"] == twin.users.ids[review["user"]]


@pytest.mark.parametrize("seed", range(3))
def test_renaming_everything_at_random_renames_the_split_and_nothing_else(
    random_shop: Shop, seed: int
) -> None:
    dataset = random_shop(seed)
    renamed = rename(dataset, np.random.default_rng(seed))
    for split, twin in zip(all_splits(dataset), all_splits(renamed.dataset), strict=True):
        place = np.argsort(renamed.user[split.users])
        assert twin.users.tolist() == renamed.user[split.users][place].tolist()
        for new, old in enumerate(place.tolist()):
            assert twin.relevant[new].tolist() == renamed.item[split.relevant[old]].tolist()
            past = split.requests.history.items()[old]
            assert twin.requests.history.items()[new].tolist() == renamed.item[past].tolist()


def test_events_about_no_product_stay_so_when_renamed(shop: Shop) -> None:
    dataset = shop([(0, 1, "view", 1)])
    searched = Events.of(np.array([0, 0], np.int32), np.array([-1, 2], np.int32))
    twin = rename(dataset.with_events(searched), np.random.default_rng(0)).dataset
    assert (twin.events.item == -1).tolist() == [True, False]


def test_a_published_division_that_trains_on_its_test_pairs_is_caught(shop: Shop) -> None:
    train = shop([(0, 1, "purchase", 1), (1, 2, "purchase", 2)])
    user = np.array([0, 1], np.int32)
    fair = fixed(train, user, np.array([2, 1], np.int32))
    assert all(one.passed for one in assert_no_future(fair, train))
    with pytest.raises(LeakError, match="in training"):
        assert_no_future(fixed(train, user, np.array([1, 1], np.int32)), train)
