"""Pairwise ranking against its own gradient, and what it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from tests.retrieval.conftest import asked_after

from shelfwise.core.errors import ConfigError
from shelfwise.retrieval.bpr import BPR, BPRConfig, Step, _give_back, _sum_around

RATE, DECAY = np.float32(0.5), np.float32(0.5)
STEP = Step(RATE, np.float32(0), DECAY, 1, 0.0)
ITEM = np.array([2, 0, 2, 1], np.int32)
WEIGHT = np.array([1, 2, 1, 3], np.float32)


def around(factors: np.ndarray) -> np.ndarray:
    """[4, size] what surrounds each place of the history."""
    out = np.empty((4, factors.shape[1]), np.float32)
    _sum_around(ITEM, WEIGHT, factors.astype(np.float32), DECAY, out)
    return out


def test_what_stands_around_an_item_halves_with_each_step_away() -> None:
    factors = np.array([[1.0], [10.0], [100.0]])
    # place 0 has, from near to far: 2 · 1, then 100 / 2, then 3 · 10 / 4
    np.testing.assert_allclose(around(factors)[:, 0], [59.5, 215.0, 82.0, 126.0])


def test_the_step_back_is_the_gradient_of_what_stands_around() -> None:
    rng = np.random.default_rng(1)
    factors = rng.normal(size=(3, 2)).astype(np.float32)
    pull = rng.normal(size=(4, 2)).astype(np.float32)
    moved = factors.copy()
    _give_back(ITEM, WEIGHT, pull, moved, STEP)
    for item in range(3):
        for k in range(2):
            nudged = factors.copy()
            nudged[item, k] += 1.0
            slope = float(((around(nudged) - around(factors)) * pull).sum())
            assert moved[item, k] - factors[item, k] == pytest.approx(float(RATE) * slope, abs=1e-4)


def two_tastes() -> sparse.csr_matrix:
    """Forty shoppers who each met four of the five items of their taste; item 10 nobody met."""
    rows = np.zeros((40, 11), np.float32)
    rows[:20, :5] = 1
    rows[20:, 5:10] = 1
    rows[np.arange(20), np.arange(20) % 5] = 0
    rows[20 + np.arange(20), 5 + np.arange(20) % 5] = 0
    return sparse.csr_matrix(rows)


def test_two_tastes_are_told_apart() -> None:
    config = BPRConfig(factors=4, epochs=60, learning_rate=0.1)
    scores = BPR.fit(two_tastes(), config, np.random.default_rng(0)).scores(asked_after(1, 2))[0]
    assert scores[[0, 3, 4]].min() > scores[5:10].max() + 0.5


def test_an_item_nobody_met_is_not_scored_and_tells_nothing() -> None:
    model = BPR.fit(two_tastes(), BPRConfig(factors=4), np.random.default_rng(0))
    assert np.isneginf(model.scores(asked_after(3))[0, 10])
    assert np.isneginf(model.scores(asked_after(10))).all()
    np.testing.assert_array_equal(
        np.isfinite(model.scores(asked_after(3, 10))), np.isfinite(model.scores(asked_after(3)))
    )


def test_a_score_is_the_bias_and_what_each_item_of_the_history_gives() -> None:
    model = BPR.fit(two_tastes(), BPRConfig(factors=4), np.random.default_rng(0))
    why = model.explain(asked_after(3, 8), np.array([4], np.int32))[0]
    v = model.factors.astype(np.float64)
    told = {one.because: one.amount for one in why}
    assert told[8] == pytest.approx(v[8] @ v[4], abs=1e-5)
    assert told[3] == pytest.approx(0.7 * v[3] @ v[4], abs=1e-5)
    assert told[-1] == pytest.approx(float(model.bias[4]))


def test_a_shopper_who_met_everything_teaches_nothing() -> None:
    model = BPR.fit(
        sparse.csr_matrix(np.ones((1, 3), np.float32)), BPRConfig(), np.random.default_rng(0)
    )
    assert (model.bias == 0).all()


def test_steps_that_are_too_long_are_named() -> None:
    config = BPRConfig(factors=4, learning_rate=1e20)
    with pytest.raises(ConfigError, match=r"Lower models\.bpr\.learning_rate"):
        BPR.fit(two_tastes(), config, np.random.default_rng(0))


def test_another_seed_gives_another_model() -> None:
    one, other = (
        BPR.fit(two_tastes(), BPRConfig(factors=4), np.random.default_rng(seed)) for seed in (0, 1)
    )
    assert not np.array_equal(one.factors, other.factors)
    assert replace(one, factors=other.factors).name == "bpr"
