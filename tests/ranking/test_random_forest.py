"""The random forest, and its sum with boosted trees."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ranking.test_boosting import NAMES, crossed, quality

from shelfwise.ranking import BoostedRanker, BoostingConfig, LinearConfig, LinearRanker
from shelfwise.ranking.blend import Blend
from shelfwise.ranking.judged import JudgedLists
from shelfwise.ranking.random_forest import RandomForest, RandomForestConfig

CONFIG = RandomForestConfig(trees=30, feature_share=0.8)


@pytest.fixture(scope="module")
def forest() -> RandomForest:
    """A forest grown on 600 requests."""
    return RandomForest.fit_lists(crossed(600, 0), CONFIG, np.random.default_rng(0))


def test_trees_find_an_interaction_that_no_sum_can_say(forest: RandomForest) -> None:
    lists, fresh = crossed(600, 0), crossed(400, 1)
    linear = LinearRanker.fit_lists(lists, LinearConfig())
    assert quality(fresh, forest.score(fresh.features)) > 0.05 + quality(
        fresh, linear.score(fresh.features)
    )


def test_one_question_is_where_gini_puts_it() -> None:
    """Six rows, relevant from 4 on: the cut between 3 and 4 leaves both sides pure."""
    x = np.array([[1], [2], [3], [4], [5], [6]], np.float32)
    lists = JudgedLists.of(x, ("x",), np.array([0, 6]), np.array([0, 0, 0, 1, 1, 1], np.float32))
    config = RandomForestConfig(
        trees=1, depth=1, least_in_leaf=1, request_share=1.0, feature_share=1.0
    )
    tree = RandomForest.fit_lists(lists, config, np.random.default_rng(0))
    assert tree.feature.tolist() == [0, -1, -1]
    assert tree.threshold[0] == 3
    assert tree.value.tolist() == [0.5, 0.0, 1.0]


def test_what_is_not_known_exceeds_nothing(forest: RandomForest) -> None:
    low = np.full((1, len(NAMES)), -1e30, np.float32)
    asks_if_known = np.isneginf(forest.threshold).any()
    nothing = np.full((1, len(NAMES)), np.nan, np.float32)
    assert np.isfinite(forest.score(nothing)).all()
    assert asks_if_known or forest.score(nothing) == forest.score(low)


def test_a_row_scores_the_same_alone_as_in_a_batch(forest: RandomForest) -> None:
    x = crossed(10, 2).features
    alone = np.concatenate([forest.score(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_array_equal(alone, forest.score(x))


def test_contributions_add_up_to_the_score_less_that_of_knowing_nothing(
    forest: RandomForest,
) -> None:
    x = crossed(10, 3).features
    root = forest.value[forest.root].mean()
    expected = forest.score(x) - np.log(root / (1 - root))
    np.testing.assert_allclose(forest.contributions(x).sum(axis=1), expected, atol=1e-3)


def test_one_seed_gives_one_forest_and_so_does_a_stored_one(forest: RandomForest) -> None:
    x = crossed(10, 4).features
    again = RandomForest.fit_lists(crossed(600, 0), CONFIG, np.random.default_rng(0))
    np.testing.assert_array_equal(again.score(x), forest.score(x))
    stored = RandomForest.from_state(forest.state())
    assert stored.names == NAMES
    np.testing.assert_array_equal(stored.score(x), forest.score(x))


def test_a_blend_is_the_sum_of_its_parts(forest: RandomForest) -> None:
    lists = crossed(200, 5)
    linear = LinearRanker.fit_lists(lists, LinearConfig())
    boosted = BoostedRanker.fit_lists(
        lists, linear, BoostingConfig(trees=5), np.random.default_rng(0)
    )
    blend = Blend.from_state(Blend(boosted, forest).state())
    x = lists.features
    np.testing.assert_array_equal(blend.score(x), boosted.score(x) + forest.score(x))
    assert blend.names == NAMES
