"""What is known of each shopper while serving."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.core.requests import Histories
from shelfwise.pipeline.shoppers import KEPT_LIVE, Shoppers


@pytest.fixture
def shoppers() -> Shoppers:
    past = Histories(
        np.asarray([0, 2, 3], np.int64),
        np.asarray([5, 6, 7], np.int32),
        np.zeros(3, np.int8),
        np.asarray([10, 20, 10], np.int64),
    )
    return Shoppers(["17850", "b"], past)


def test_past_and_later_events_are_one_history_in_order_of_time(shoppers: Shoppers) -> None:
    shoppers.add("17850", 9, 1, 15)
    history = shoppers.history(["17850"], [(8, 1, 99)])
    assert history.item.tolist() == [5, 9, 6, 8]
    assert history.time_ms.tolist() == [10, 15, 20, 99]


def test_a_user_and_their_session_are_read_together(shoppers: Shoppers) -> None:
    shoppers.add("session:s", 1, 1, 12)
    assert shoppers.history(["17850", "session:s"], []).item.tolist() == [5, 1, 6]


def test_a_spreadsheets_decimal_id_is_the_whole_number(shoppers: Shoppers) -> None:
    assert shoppers.known_as("17850.0") == "17850"
    assert shoppers.known_as("99.0") == "99.0"


def test_a_forgotten_shopper_has_no_history(shoppers: Shoppers) -> None:
    shoppers.add("17850", 9, 1, 15)
    shoppers.forget("17850")
    assert "17850" not in shoppers
    assert len(shoppers.history(["17850"], []).item) == 0


def test_live_events_are_bounded(shoppers: Shoppers) -> None:
    for at in range(KEPT_LIVE + 7):
        shoppers.add("new", at, 1, at)
    items = shoppers.history(["new"], []).item
    assert len(items) == KEPT_LIVE
    assert items[-1] == KEPT_LIVE + 6


def test_the_typical_shopper_has_a_past(shoppers: Shoppers) -> None:
    assert shoppers.typical() in {"17850", "b"}
