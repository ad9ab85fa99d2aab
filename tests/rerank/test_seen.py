"""What may be shown again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shelfwise.core.columns import EVENT_CODE
from shelfwise.core.dataset import Dataset, Events
from shelfwise.core.model import ModelState
from shelfwise.core.ragged import Ragged
from shelfwise.core.requests import Histories
from shelfwise.rerank import SeenConfig, SeenPolicy

DAY = 86_400_000
SOAP, LAMP = 0, 1


def _shop(rows: list[tuple[int, int, int]], *, kind: str = "purchase") -> Dataset:
    """Events (user, item, day) in time order over items 0-1 (soap) and 2-5 (lamps)."""
    user, item, day = (np.asarray(column) for column in zip(*rows, strict=True))
    shop = Dataset.of_pairs(user.astype(np.int32), item.astype(np.int32), int(user.max()) + 1, 6)
    events = Events.of(user, item, type_code=EVENT_CODE[kind], time_ms=day.astype(np.int64) * DAY)
    return replace(shop.with_events(events), timed=True)


CATEGORY = np.asarray([SOAP, SOAP, LAMP, LAMP, LAMP, LAMP], np.int32)


@pytest.fixture
def shop() -> Dataset:
    """Sixty shoppers who buy the same soap each week, and each time another lamp."""
    rows = [
        (user, item, week * 7)
        for week in range(4)
        for user in range(60)
        for item in (user % 2, 2 + week)
    ]
    return _shop(rows)


def test_soap_is_shown_again_and_a_lamp_is_not(shop: Dataset) -> None:
    policy = SeenPolicy.fit(shop, CATEGORY, SeenConfig())
    assert policy.after_having.tolist() == [True, True, False, False, False, False]
    hidden = policy.hidden(Histories.of_users(shop, np.asarray([0], np.int32)))
    assert sorted(set(hidden[0].tolist())) == [2, 3, 4, 5]


def test_everything_seen_is_hidden_on_demand(shop: Dataset) -> None:
    policy = SeenPolicy.fit(shop, CATEGORY, SeenConfig())
    history = Histories.of_users(shop, np.asarray([0], np.int32))
    assert set(policy.hidden(history, "exclude")[0].tolist()) == {0, 2, 3, 4, 5}


def test_nothing_is_hidden_where_all_may_be_shown_again(shop: Dataset) -> None:
    policy = SeenPolicy.fit(shop, CATEGORY, SeenConfig())
    history = Histories.of_users(shop, np.asarray([0, 1], np.int32))
    assert policy.hidden(history, "allow").lengths().tolist() == [0, 0]


def test_a_shop_without_repeats_hides_all_seen() -> None:
    shop = _shop([(user, item, item) for item in range(6) for user in range(40)])
    policy = SeenPolicy.fit(shop, CATEGORY, SeenConfig())
    assert policy.share_having == 0.0
    assert not policy.after_having.any()


def test_two_purchases_of_one_occasion_are_no_repeat() -> None:
    shop = _shop([(user, 0, 1) for user in range(40) for _ in range(3)])
    assert SeenPolicy.fit(shop, CATEGORY, SeenConfig()).share_having == 0.0


def test_views_are_seen_again_where_shoppers_come_back_to_them() -> None:
    rows = [(user, user % 3, day) for day in range(5) for user in range(40)]
    policy = SeenPolicy.fit(_shop(rows, kind="view"), CATEGORY, SeenConfig())
    assert policy.after_looking[0]
    lookers = Histories.of_items(Ragged.of([[0, 3]]))
    assert policy.hidden(lookers)[0].tolist() in ([], [3])


def _browsed(again: int) -> Dataset:
    """Sixty shoppers who look at three lamps, then buy the third or, `again` of them, the first.

    They bought soap before, and each looks at the lamp once more on the day they buy it.
    """
    rows = []
    for user in range(60):
        chosen = 2 if user < again else 5
        rows += [(user, 0, 0, "purchase"), *((user, lamp, 1, "view") for lamp in (2, 3, 4))]
        rows += [(user, chosen, 9, "view"), (user, chosen, 9, "purchase")]
    rows.sort(key=lambda row: row[2])
    shop = _shop([row[:3] for row in rows])
    kinds = np.array([EVENT_CODE[row[3]] for row in rows], np.int8)
    return shop.with_events(replace(shop.events, type=kinds))


@pytest.mark.parametrize(("again", "shown"), [(3, False), (20, True)])
def test_looks_are_shown_again_where_purchases_come_of_earlier_looks(
    again: int, shown: bool
) -> None:
    shop = _browsed(again)
    policy = SeenPolicy.fit(shop, np.zeros(6, np.int32), SeenConfig(enough_purchases=100))
    assert policy.share_looking == pytest.approx(again / 60)
    assert policy.after_looking.all() == shown
    hidden = policy.hidden(Histories.of_users(shop, np.asarray([0], np.int32)))
    assert sorted(hidden[0].tolist()) == ([0, 2] if shown else [0, 2, 2, 2, 3, 4])


def test_the_policy_survives_storage(shop: Dataset) -> None:
    policy = SeenPolicy.fit(shop, CATEGORY, SeenConfig())
    state = policy.state()
    again = SeenPolicy.from_state(ModelState(state.settings, state.arrays))
    assert again.after_having.tolist() == policy.after_having.tolist()
    assert again.share_looking == policy.share_looking


def test_a_later_product_is_hidden_once_seen(shop: Dataset) -> None:
    policy = SeenPolicy.fit(shop, CATEGORY, SeenConfig()).with_item()
    assert policy.hidden(Histories.of_items(Ragged.of([[6]])))[0].tolist() == [6]
