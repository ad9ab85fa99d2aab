"""Factors against the normal equations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from tests.retrieval.conftest import asked_after

from shelfwise.retrieval.als import ALS, ALSConfig

SEEN = sparse.csr_matrix((np.random.default_rng(5).random((150, 20)) < 0.3).astype(np.float32))
CONFIG = ALSConfig(factors=6, alpha=4, reg=2, context_decay=0.5)


@pytest.fixture(scope="module")
def model() -> ALS:
    """Fitted on the matrix."""
    return ALS.fit(SEEN, CONFIG, np.random.default_rng(0))


def test_a_folded_in_history_solves_its_normal_equations(model: ALS) -> None:
    vector = model.vectors(asked_after(3, 8))[0].astype(np.float64)
    factors = model.factors.astype(np.float64)
    confidence = np.ones(20)
    confidence[8] += 4.0
    confidence[3] += 4.0 * 0.5
    preference = (confidence > 1).astype(np.float64)
    left = factors.T @ (confidence[:, None] * factors) + 2 * np.eye(6)
    expected = np.linalg.solve(left, factors.T @ (confidence * preference))
    np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-6)


def test_a_score_is_the_product_of_the_two_vectors(model: ALS) -> None:
    asked = asked_after(3, 8)
    expected = model.vectors(asked)[0] @ model.factors.T
    np.testing.assert_allclose(model.scores(asked)[0], expected, rtol=1e-5)


def test_contributions_are_those_of_hu_koren_and_volinsky(model: ALS) -> None:
    why = model.explain(asked_after(3, 8), np.array([5], np.int32))[0]
    factors = model.factors.astype(np.float64)
    weight = np.zeros(20)
    weight[8], weight[3] = 4.0, 2.0
    left = factors.T @ factors + factors.T @ (weight[:, None] * factors) + 2 * np.eye(6)
    for one in why:
        similarity = factors[5] @ np.linalg.solve(left, factors[one.because])
        assert one.amount == pytest.approx(similarity * (1 + weight[one.because]), rel=1e-3)


def test_two_tastes_are_told_apart() -> None:
    rows = np.zeros((40, 10), np.float32)
    rows[:20, :5] = 1
    rows[20:, 5:] = 1
    rows[np.arange(20), np.arange(20) % 5] = 0
    rows[20 + np.arange(20), 5 + np.arange(20) % 5] = 0
    config = ALSConfig(factors=2, reg=1)
    scores = ALS.fit(sparse.csr_matrix(rows), config, np.random.default_rng(0)).scores(
        asked_after(1, 2)
    )[0]
    assert scores[[0, 3, 4]].min() > scores[5:].max() + 0.5


def test_an_item_nobody_met_is_not_scored() -> None:
    wide = np.hstack([SEEN.toarray(), np.zeros((150, 1), np.float32)])
    model = ALS.fit(sparse.csr_matrix(wide), CONFIG, np.random.default_rng(0))
    assert np.isneginf(model.scores(asked_after(3))[0, 20])
    assert np.isneginf(model.scores(asked_after(20))).all()
