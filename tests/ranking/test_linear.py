"""The linear ranker."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.errors import NotEnoughDataError
from shelfwise.ranking import LinearConfig, LinearRanker
from shelfwise.ranking.judged import JudgedLists, thin

TRUTH = np.array([1.5, -0.7, 0.3, 0.0])
SPREAD = np.array([1, 10, 0.01, 5])
NAMES = ("near", "price", "fresh", "moon")


def choices(
    n_requests: int, seed: int, n_rows: int = 30
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Shoppers who choose by `TRUTH` over features of unequal scale, plus Gumbel noise."""
    rng = np.random.default_rng(seed)
    standard = rng.normal(size=(n_requests, n_rows, 4))
    utility = standard @ TRUTH + rng.gumbel(size=(n_requests, n_rows))
    relevance = np.zeros((n_requests, n_rows), np.float32)
    relevance[np.arange(n_requests), utility.argmax(axis=1)] = 1
    features = standard.reshape(-1, 4) * SPREAD + [0, 100, 1, -3]
    indptr = np.arange(n_requests + 1) * n_rows
    return features.astype(np.float32), indptr, relevance.ravel()


def fitted(seed: int = 0, n_requests: int = 3000) -> LinearRanker:
    """A ranker fitted on choices."""
    features, indptr, relevance = choices(n_requests, seed)
    config, rng = LinearConfig(), np.random.default_rng(0)
    return LinearRanker.fit(features, NAMES, indptr, relevance, config, rng)


def test_the_weights_that_made_the_choices_are_found() -> None:
    assert fitted().weights == pytest.approx(TRUTH, abs=0.06)
    assert fitted().named_weights()["near"] == pytest.approx(1.5, abs=0.06)


def test_thinned_candidates_that_stand_for_others_give_the_same_weights() -> None:
    features, indptr, relevance = choices(4000, 1, n_rows=100)
    lists = JudgedLists.of(features, NAMES, indptr, relevance)
    guide = features[:, 0] - 0.01 * features[:, 1]
    every = np.ones(4000, np.bool_)
    thinned = thin(lists, every, guide, hard=10, others=10, rng=np.random.default_rng(2))
    assert len(thinned.relevance) < 4000 * 22
    ranker = LinearRanker.fit_lists(thinned, LinearConfig())
    # in the unit of the features: those that are left vary differently
    assert ranker.weights * ranker.scale * SPREAD == pytest.approx(TRUTH, abs=0.06)


def test_few_requests_shrink_the_weights_towards_nothing() -> None:
    features, indptr, relevance = choices(5, 3)
    few = LinearRanker.fit(
        features, NAMES, indptr, relevance, LinearConfig(l2=100), np.random.default_rng(0)
    )
    assert np.abs(few.weights).max() < 0.2


def test_several_relevant_rows_share_the_request_by_their_gain() -> None:
    """Rows taken 3 : 1 have log-odds of log 3."""
    features = np.tile(np.array([[1], [0]], np.float32), (500, 1))
    relevance = np.tile(np.array([3, 1], np.float32), 500)
    relevance[-1] = 0  # one request that is learnable by having both kinds
    indptr = np.arange(0, 1001, 2)
    lists = JudgedLists.of(features, ("f",), indptr, relevance)
    assert lists.learnable().sum() == 1
    third = np.tile(np.array([[1], [0], [-50]], np.float32), (500, 1))
    gains = np.tile(np.array([3, 1, 0], np.float32), 500)
    ranker = LinearRanker.fit(
        third, ("f",), np.arange(0, 1501, 3), gains, LinearConfig(l2=0), np.random.default_rng(0)
    )
    scores = ranker.score(third[:2])
    assert scores[0] - scores[1] == pytest.approx(np.log(3), abs=0.01)


def test_a_score_is_the_sum_of_its_contributions() -> None:
    features, _, _ = choices(10, 4)
    ranker = fitted()
    parts = ranker.contributions(features)
    np.testing.assert_allclose(parts.sum(axis=1), ranker.score(features), atol=1e-5)


def test_what_is_not_known_or_not_finite_adds_nothing_that_is_not_finite() -> None:
    features, indptr, relevance = choices(500, 5)
    rng = np.random.default_rng(0)
    features[rng.random(features.shape) < 0.1] = np.nan
    features[0, 1] = np.inf
    constant = np.column_stack([features, np.full(len(features), 7, np.float32)])
    ranker = LinearRanker.fit(constant, (*NAMES, "same"), indptr, relevance, LinearConfig(), rng)
    assert np.isfinite(ranker.score(constant)).all()
    assert ranker.weights[4] == 0
    nothing = np.full((1, 5), np.nan, np.float32)
    assert ranker.score(nothing).tolist() == [0.0]


def test_a_row_scores_the_same_alone_as_in_a_batch() -> None:
    features, _, _ = choices(20, 6)
    ranker = fitted()
    alone = np.concatenate([ranker.score(features[i : i + 1]) for i in range(len(features))])
    np.testing.assert_array_equal(alone, ranker.score(features))


def test_two_fits_are_identical_and_so_is_a_stored_one() -> None:
    features, _, _ = choices(20, 7)
    first, second = fitted(), fitted()
    np.testing.assert_array_equal(first.weights, second.weights)
    again = LinearRanker.from_state(first.state())
    assert again.names == first.names
    np.testing.assert_array_equal(again.score(features), first.score(features))


def test_nothing_relevant_is_said_to_be_too_little() -> None:
    with pytest.raises(NotEnoughDataError, match="reciprocal rank fusion"):
        LinearRanker.fit(
            np.zeros((2, 1), np.float32),
            ("f",),
            np.array([0, 2]),
            np.zeros(2, np.float32),
            LinearConfig(),
            np.random.default_rng(0),
        )
