"""Reciprocal rank fusion."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.ranking import RankFusion

RECIPROCAL = np.array([[1.0, 1 / 3], [1 / 2, 1 / 2], [0.0, 1.0]], np.float32)


def test_scores_are_those_of_the_paper() -> None:
    got = RankFusion.of([0, 1]).score(RECIPROCAL)
    assert got == pytest.approx([1 / 61 + 1 / 63, 2 / 62, 1 / 61], rel=1e-5)


def test_a_weight_of_zero_silences_a_source() -> None:
    got = RankFusion.of([0, 1], [0.0, 2.0]).score(RECIPROCAL)
    assert got == pytest.approx([2 / 63, 2 / 62, 2 / 61], rel=1e-5)


def test_a_row_scores_the_same_alone_as_in_a_batch() -> None:
    rng = np.random.default_rng(0)
    features = rng.random((50, 9), dtype=np.float32)
    fusion = RankFusion.of(range(9), rng.random(9).tolist())
    one_by_one = np.concatenate([fusion.score(features[i : i + 1]) for i in range(50)])
    np.testing.assert_array_equal(one_by_one, fusion.score(features))
