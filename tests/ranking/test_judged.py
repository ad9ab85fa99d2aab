"""Judged lists and the measure over them."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.core.errors import BadInputError
from shelfwise.ranking.judged import JudgedLists, ndcg, thin


def measure(scores: list[float], relevance: list[float], n_relevant: int, k: int) -> float:
    indptr = np.array([0, len(scores)])
    got = ndcg(
        np.array(scores, np.float32),
        indptr,
        np.array(relevance, np.float32),
        np.array([n_relevant]),
        k,
    )
    return float(got[0])


@pytest.mark.parametrize(
    ("scores", "relevance", "n_relevant", "k", "expected"),
    [
        ([3, 2, 1], [1, 0, 0], 1, 10, 1.0),
        ([3, 2, 1], [0, 1, 0], 1, 10, 1 / np.log2(3)),
        ([3, 2, 1], [0, 0, 1], 1, 2, 0.0),
        ([3, 2, 1], [0, 0, 0], 1, 10, 0.0),
        # a second relevant item that nobody proposed
        ([3, 2, 1], [1, 0, 0], 2, 10, 1 / (1 + 1 / np.log2(3))),
        # a gain of 3 in second place, 1 in first
        ([3, 2, 1], [1, 3, 0], 2, 10, (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))),
        # nothing relevant at all
        ([3, 2, 1], [0, 0, 0], 0, 10, 0.0),
    ],
)
def test_ndcg_agrees_with_a_hand_made_table(
    scores: list[float], relevance: list[float], n_relevant: int, k: int, expected: float
) -> None:
    assert measure(scores, relevance, n_relevant, k) == pytest.approx(expected)


def test_tied_rows_count_as_the_mean_over_their_orders() -> None:
    first, last = measure([1, 1], [1, 0], 1, 10), measure([1, 1], [0, 1], 1, 10)
    assert first == last == pytest.approx((1 + 1 / np.log2(3)) / 2)


def test_a_row_without_a_score_is_not_shown() -> None:
    assert measure([np.nan, 0], [1, 0], 1, 10) == 0.0


def test_ndcg_agrees_with_sorting_on_many_random_lists() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        scores = rng.permutation(30).astype(np.float32)
        relevance = rng.integers(0, 4, 30).astype(np.float32)
        discount = 1 / np.log2(np.arange(2, 12))
        dcg = relevance[np.argsort(-scores)][:10] @ discount
        ideal = np.sort(relevance)[::-1][:10] @ discount
        total = int((relevance > 0).sum())
        got = measure(scores.tolist(), relevance.tolist(), total, 10)
        assert got == pytest.approx(dcg / ideal)


def lists_of(n_requests: int, n_rows: int) -> JudgedLists:
    n = n_requests * n_rows
    relevance = np.zeros(n, np.float32)
    relevance[::n_rows] = 1
    features = np.arange(n, dtype=np.float32)[:, None]
    return JudgedLists.of(features, ("f",), np.arange(n_requests + 1) * n_rows, relevance)


def test_thinning_keeps_the_relevant_the_hardest_and_some_that_stand_for_the_rest() -> None:
    lists = lists_of(4, 100)
    chosen = np.array([True, False, True, True])
    guide = -np.arange(400, dtype=np.float32)
    got = thin(lists, chosen, guide, hard=10, others=5, rng=np.random.default_rng(1))
    assert len(got) == 3
    assert np.diff(got.indptr).tolist() == [15, 15, 15]
    assert got.features[:10, 0].tolist() == list(range(10))
    assert got.features[15, 0] == 200
    assert np.exp(got.log_weight[:15]).sum() == pytest.approx(100)


def test_a_relevant_row_that_none_of_the_first_is_counts_as_the_others_do() -> None:
    lists = lists_of(1, 100)
    guide = np.arange(100, dtype=np.float32)  # the relevant row is last
    got = thin(lists, np.array([True]), guide, hard=10, others=5, rng=np.random.default_rng(1))
    assert got.relevance[0] == 1
    assert len(got.relevance) == 15
    assert got.log_weight[0] == pytest.approx(np.log(90 / 5))
    assert (got.log_weight > 0).sum() == 5


def test_a_request_is_learnable_only_with_both_kinds_of_rows() -> None:
    indptr = np.array([0, 2, 4, 6, 6])
    relevance = np.array([1, 0, 0, 0, 1, 1], np.float32)
    lists = JudgedLists.of(
        np.zeros((6, 1), np.float32), ("f",), indptr, relevance, np.array([1, 3, 0, 0])
    )
    assert lists.learnable().tolist() == [True, False, False, False]
    assert lists.judged().tolist() == [True, True, True, False]
    assert lists.found().tolist() == [True, False, True, False]
    assert lists.n_relevant.tolist() == [1, 3, 2, 0]


def test_features_that_do_not_fit_the_rows_are_refused() -> None:
    with pytest.raises(BadInputError, match="one column per name"):
        JudgedLists.of(
            np.zeros((3, 2), np.float32), ("f",), np.array([0, 3]), np.zeros(3, np.float32)
        )
