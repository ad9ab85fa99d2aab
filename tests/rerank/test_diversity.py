"""The variety dial."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.rerank import diversify

GROUPS = np.asarray([[0, 0], [0, 0], [0, 1], [1, 1], [-1, -1]], np.int32)
SCORES = np.asarray([5, 4, 3, 2, 1], np.float32)


def test_at_zero_the_order_of_relevance_stays() -> None:
    assert diversify(SCORES, GROUPS, 3, 0.0).tolist() == [0, 1, 2]


def test_at_one_like_products_come_last() -> None:
    assert diversify(SCORES, GROUPS, 5, 1.0).tolist()[:3] == [0, 3, 4]


def test_more_dial_never_shows_fewer_brands() -> None:
    brands = [
        len(set(GROUPS[diversify(SCORES, GROUPS, 3, dial), 0].tolist())) for dial in (0, 0.5, 1)
    ]
    assert brands == sorted(brands)


@given(
    st.lists(st.floats(-5, 5, width=32), min_size=0, max_size=20),
    st.integers(0, 25),
    st.floats(0, 1),
)
def test_every_choice_is_a_distinct_candidate(scores: list[float], n: int, dial: float) -> None:
    groups = np.arange(len(scores), dtype=np.int32)[:, None] % 3
    chosen = diversify(np.asarray(sorted(scores)[::-1], np.float32), groups, n, dial)
    assert len(set(chosen.tolist())) == len(chosen) == min(n, len(scores))
