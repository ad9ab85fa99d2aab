"""What an order is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydantic
import pytest

from shelfwise.features.worth import Worth
from shelfwise.ranking.objective import Aim, ObjectiveConfig, by_objective

SCORES = np.array([4, 3, 2, 1], np.float32)
CHANCES = {"purchase": np.array([0.4, 0.3, 0.2, 0.1], np.float32)}
PRICE = np.array([1.0, 10.0, np.nan, 100.0])
MARGIN = np.array([0.9, 0.1, np.nan, -5.0])


def order(
    aim: Aim,
    *,
    chances: Any = CHANCES,
    price: Any = PRICE,
    margin: Any = MARGIN,
    candidates: int = 50,
) -> list[int]:
    """The four products of one request, best first."""
    got = by_objective(
        aim,
        SCORES,
        np.array([0, 4]),
        chances,
        Worth(np.asarray(price, np.float64), np.asarray(margin, np.float64)),
        np.arange(4, dtype=np.int32),
        candidates,
    )
    return [int(at) for at in np.argsort(-got, kind="stable")]


def test_revenue_is_chance_times_price_and_an_unknown_price_is_typical() -> None:
    """Expected: .4, 3, .2 × 10 (the middle price) = 2, and 10."""
    assert order(Aim(goal="revenue")) == [3, 1, 2, 0]


def test_margin_is_chance_times_margin_and_a_loss_is_worth_nothing() -> None:
    """Expected: .36, .03, .2 × .1 = .02, and nothing."""
    assert order(Aim(goal="margin")) == [0, 1, 2, 3]


def test_without_any_margin_the_price_stands_in_and_without_any_price_the_chance() -> None:
    unknown = np.full(4, np.nan)
    assert order(Aim(goal="margin"), margin=unknown) == order(Aim(goal="revenue"))
    assert order(Aim(goal="revenue"), price=unknown) == [0, 1, 2, 3]


def test_a_mix_goes_from_one_goal_to_the_other() -> None:
    def mixed(revenue: float) -> list[int]:
        return order(Aim(goal="mix", mix={"relevance": 1 - revenue, "revenue": revenue}))

    assert mixed(0.0) == [0, 1, 2, 3]
    assert mixed(1.0) == order(Aim(goal="revenue"))
    assert mixed(0.2)[0] == 0
    assert mixed(0.2) != mixed(0.0)


def test_relevance_or_no_known_chance_changes_nothing() -> None:
    item = np.arange(4, dtype=np.int32)
    for aim, chances in ((Aim(), CHANCES), (Aim(goal="revenue"), {})):
        got = by_objective(aim, SCORES, np.array([0, 4]), chances, Worth(PRICE, MARGIN), item, 50)
        assert got is SCORES


def test_clicks_stand_in_where_no_purchase_is_known() -> None:
    clicks = {"click": CHANCES["purchase"]}
    assert order(Aim(goal="revenue"), chances=clicks) == order(Aim(goal="revenue"))


def test_what_is_not_among_the_first_candidates_stays_behind_them() -> None:
    assert order(Aim(goal="revenue"), candidates=2) == [1, 0, 2, 3]


def test_each_request_is_ordered_by_itself() -> None:
    both = by_objective(
        Aim(goal="revenue"),
        np.concatenate([SCORES, SCORES[:2]]),
        np.array([0, 4, 4, 6]),
        {"purchase": np.concatenate([CHANCES["purchase"], CHANCES["purchase"][:2]])},
        Worth(PRICE, MARGIN),
        np.array([0, 1, 2, 3, 0, 1], np.int32),
        50,
    )
    assert np.argsort(-both[:4], kind="stable").tolist() == order(Aim(goal="revenue"))
    assert both[5] > both[4]


def test_a_placement_may_have_an_aim_of_its_own() -> None:
    config = ObjectiveConfig(goal="revenue", placements={"cart": Aim(goal="margin")})
    assert config.aim("cart").goal == "margin"
    assert config.aim("home").goal == config.aim(None).goal == "revenue"


@pytest.mark.parametrize(
    "wrong",
    [
        {"goal": "mix"},
        {"goal": "revenue", "mix": {"revenue": 1.0}},
        {"goal": "mix", "mix": {"revenue": -1.0, "relevance": 2.0}},
        {"goal": "mix", "mix": {"revenue": 0.0}},
        {"goal": "mix", "mix": {"profit": 1.0}},
    ],
)
def test_weights_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Aim.model_validate(wrong)
