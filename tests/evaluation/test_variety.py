"""Variety: how much of the catalogue is shown, how evenly, and how unlike a list's items are."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse

from shelfwise.evaluation.variety import coverage, gini, intra_list_diversity, one_hot, unit_rows


def test_coverage_is_the_share_of_the_catalogue_shown_at_least_once() -> None:
    assert coverage(np.array([[1, 2], [2, -1]], np.int32), 8) == 0.25
    assert coverage(np.full((2, 3), -1, np.int32), 3) == 0.0


def test_gini_agrees_with_the_mean_difference_of_all_pairs() -> None:
    top = np.random.default_rng(1).integers(-1, 30, (40, 5)).astype(np.int32)
    times = np.bincount(top[top >= 0], minlength=30).astype(float)
    apart = np.abs(times[:, None] - times[None, :]).mean()
    assert gini(top, 30) == pytest.approx(apart / (2 * times.mean()))
    assert math.isnan(gini(np.full((1, 2), -1, np.int32), 4))


def test_diversity_by_text_is_the_mean_distance_of_all_pairs() -> None:
    rng = np.random.default_rng(2)
    vectors = unit_rows(sparse.csr_matrix(rng.random((12, 6)) * (rng.random((12, 6)) < 0.5)))
    dense = vectors.toarray()
    top = np.array([rng.permutation(12)[:4] for _ in range(20)], np.int32)
    top[0, 2:] = -1
    for row, found in zip(top, intra_list_diversity(top, vectors), strict=True):
        known = [item for item in row if item >= 0 and dense[item].any()]
        pairs = [1 - dense[a] @ dense[b] for a, b in combinations(known, 2)]
        assert found == pytest.approx(np.mean(pairs) if pairs else math.nan, nan_ok=True)


def test_diversity_by_category_is_the_share_of_pairs_that_differ() -> None:
    rows = one_hot(np.array([0, 0, 1, -1], np.int32))
    top = np.array([[0, 1, 2], [0, 1, -1], [0, 2, 3], [0, 3, -1]], np.int32)
    assert intra_list_diversity(top, rows)[:3] == pytest.approx([2 / 3, 0.0, 1.0])
    assert math.isnan(intra_list_diversity(top, rows)[3])
