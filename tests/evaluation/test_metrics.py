"""Metrics: tables checked by hand, and agreement with a slow, plain reference."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.metrics import score_lists
from shelfwise.evaluation.popularity import novelty, popularity_bias
from shelfwise.evaluation.variety import coverage

NAN = float("nan")
SECOND = 1 / math.log2(3)
THIRD = 1 / math.log2(4)

BY_HAND = [
    # list, relevant, recall, ndcg, mrr, hit rate, map, precision; all at 3
    ([1, 2, 3], [1], 1.0, 1.0, 1.0, 1.0, 1.0, 1 / 3),
    ([1, 2, 3], [3], 1.0, THIRD, 1 / 3, 1.0, 1 / 3, 1 / 3),
    ([1, 2, 3], [9], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ([1, 2, 3], [1, 3], 1.0, (1 + THIRD) / (1 + SECOND), 1.0, 1.0, (1 + 2 / 3) / 2, 2 / 3),
    ([7, 2, 3], [2, 9], 0.5, SECOND / (1 + SECOND), 0.5, 1.0, 0.25, 1 / 3),
    ([1, 2, 3], [3, 2, 1, 4], 0.75, 1.0, 1.0, 1.0, 1.0, 1.0),
    ([1, -1, -1], [1, 2], 0.5, 1 / (1 + SECOND), 1.0, 1.0, 0.5, 1 / 3),
    ([-1, -1, -1], [1], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ([1, 1, 2], [1, 5], 0.5, 1 / (1 + SECOND), 1.0, 1.0, 0.5, 1 / 3),
    ([1, 2, 3], [], NAN, NAN, NAN, NAN, NAN, NAN),
]


@pytest.mark.parametrize("row", BY_HAND)
def test_each_metric_agrees_with_the_table_worked_out_by_hand(row: tuple[object, ...]) -> None:
    top, relevant, *expected = row
    scores = score_lists(np.array([top], np.int32), Ragged.of([relevant]), 3)  # type: ignore[list-item]
    got = [scores.recall, scores.ndcg, scores.mrr, scores.hit_rate, scores.map, scores.precision]
    assert [float(one[0]) for one in got] == pytest.approx(expected, nan_ok=True)


def slow_metrics(top: Sequence[int], relevant: set[int], k: int) -> dict[str, float]:
    """The textbook, one request at a time."""
    ranked = list(top[:k])
    hit_places = [
        place
        for place, item in enumerate(ranked, start=1)
        if item in relevant and item not in ranked[: place - 1]
    ]
    best = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(relevant)) + 1))
    gain = sum(1 / math.log2(place + 1) for place in hit_places)
    precisions = [n / place for n, place in enumerate(hit_places, start=1)]
    return {
        "recall": len(hit_places) / len(relevant),
        "ndcg": gain / best,
        "mrr": 1 / hit_places[0] if hit_places else 0.0,
        "hit_rate": float(bool(hit_places)),
        "map": sum(precisions) / min(k, len(relevant)),
        "precision": len(hit_places) / k,
    }


lists = st.lists(st.integers(-1, 15), min_size=6, max_size=6)
wishes = st.sets(st.integers(0, 15), min_size=1, max_size=12)


@settings(deadline=None)  # the first call may compile
@given(st.lists(st.tuples(lists, wishes), min_size=1, max_size=6), st.integers(1, 6))
def test_the_fast_metrics_agree_with_a_slow_reference(
    cases: list[tuple[list[int], set[int]]], k: int
) -> None:
    top = np.array([ranked for ranked, _ in cases], np.int32)
    relevant = Ragged.of([list(wanted) for _, wanted in cases])
    scores = score_lists(top, relevant, k)
    for place, (ranked, wanted) in enumerate(cases):
        for name, value in slow_metrics(ranked, wanted, k).items():
            assert float(getattr(scores, name)[place]) == pytest.approx(value)


@settings(deadline=None)  # the first call may compile
@given(st.integers(0, 1000))
def test_renaming_every_item_at_random_changes_no_metric(seed: int) -> None:
    rng = np.random.default_rng(seed)
    top = np.array([rng.permutation(30)[:5] for _ in range(8)], np.int32)
    relevant = Ragged.of([rng.permutation(30)[:3].tolist() for _ in range(8)])
    popularity = rng.integers(0, 50, 30)
    renamed = rng.permutation(30).astype(np.int32)
    counts = np.empty(30, np.int64)
    counts[renamed] = popularity
    again = score_lists(renamed[top], Ragged(relevant.indptr, renamed[relevant.values]), 5)
    assert again.means() == score_lists(top, relevant, 5).means()
    assert coverage(renamed[top], 30) == coverage(top, 30)
    assert novelty(renamed[top], counts) == pytest.approx(novelty(top, popularity))
    assert popularity_bias(renamed[top], counts) == pytest.approx(popularity_bias(top, popularity))


def test_requests_with_nothing_to_find_do_not_count_in_the_mean() -> None:
    scores = score_lists(np.array([[1], [1]], np.int32), Ragged.of([[1], []]), 1)
    assert scores.means()["recall"] == 1.0
    assert math.isnan(scores.take(np.array([False, True])).means()["recall"])


@pytest.mark.parametrize("k", [0, 3])
def test_a_k_beyond_the_lists_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        score_lists(np.zeros((1, 2), np.int32), Ragged.of([[1]]), k)
