"""Exact selection of the best."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.retrieval.topk import top_k

VALUES = st.sampled_from([-np.inf, np.nan, -1.0, 0.0, 0.5, 0.5, 2.0])


@given(st.lists(VALUES, min_size=1, max_size=40), st.integers(1, 50))
def test_it_is_the_head_of_a_full_sort_with_ties_by_lower_code(row: list[float], k: int) -> None:
    scores = np.array([row], np.float32)
    items, values = top_k(scores, k)
    scored = [code for code, value in enumerate(row) if value > -np.inf]
    expected = sorted(scored, key=lambda code: (-row[code], code))[:k]
    assert items[0].tolist() == expected + [-1] * (k - len(expected))
    assert values[0, : len(expected)].tolist() == [row[code] for code in expected]
    assert np.isneginf(values[0, len(expected) :]).all()


def test_many_rows_are_selected_like_each_alone() -> None:
    scores = np.random.default_rng(0).integers(0, 50, (300, 200)).astype(np.float32)
    items, _ = top_k(scores, 7)
    for row in range(300):
        assert items[row].tolist() == top_k(scores[row : row + 1], 7)[0][0].tolist()


def test_asking_for_nothing_gives_nothing() -> None:
    assert top_k(np.ones((3, 4), np.float32), 0)[0].shape == (3, 0)
