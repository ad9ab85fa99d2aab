"""Scores as probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.errors import NotEnoughDataError
from shelfwise.ranking.calibration import (
    Calibration,
    CalibrationConfig,
    expected_calibration_error,
)


def rows(n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64]]:
    """Scores that are twice the log-odds plus three, what happened, and the true chance."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-3, 1.5, n)
    chance = 1 / (1 + np.exp(-odds))
    return (2 * odds + 3).astype(np.float32), rng.random(n) < chance, chance


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_probabilities_are_true_on_rows_not_fitted_on(method: str) -> None:
    scores, relevant, _ = rows(40_000, 1)
    curve = Calibration.fit(scores, relevant, CalibrationConfig.model_validate({"method": method}))
    others, happened, chance = rows(40_000, 2)
    got = curve.probabilities(others)
    assert np.abs(got - chance).mean() < 0.006
    assert expected_calibration_error(got, happened) < 0.006


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_a_higher_score_is_never_less_likely(method: str) -> None:
    scores, relevant, _ = rows(2000, 3)
    # scores that tell the opposite of the truth
    for told in (scores, -scores):
        config = CalibrationConfig.model_validate({"method": method})
        curve = Calibration.fit(told, relevant, config)
        grid = np.linspace(-100, 100, 500).astype(np.float32)
        assert (np.diff(curve.probabilities(grid)) >= 0).all()


def test_pools_are_those_worked_out_by_hand() -> None:
    scores = np.array([1, 2, 3, 4], np.float32)
    relevant = np.array([False, True, False, True])
    curve = Calibration.fit(scores, relevant, CalibrationConfig(method="isotonic"))
    assert curve.score.tolist() == [1.0, 2.5, 4.0]
    assert curve.probability.tolist() == [0.0, 0.5, 1.0]


def test_few_relevant_rows_get_the_stiff_curve() -> None:
    scores, relevant, _ = rows(300, 4)
    auto = Calibration.fit(scores, relevant, CalibrationConfig())
    stiff = Calibration.fit(scores, relevant, CalibrationConfig(method="platt"))
    np.testing.assert_array_equal(auto.probability, stiff.probability)


def test_scores_that_are_all_equal_get_the_base_rate() -> None:
    scores = np.zeros(10_000, np.float32)
    relevant = np.arange(10_000) < 100
    for method in ("isotonic", "platt"):
        config = CalibrationConfig.model_validate({"method": method})
        got = Calibration.fit(scores, relevant, config).probabilities(scores[:1])
        assert got[0] == pytest.approx(0.01, abs=5e-4)


def test_overconfidence_is_measured() -> None:
    promised = np.full(1000, 0.9, np.float32)
    assert expected_calibration_error(promised, np.arange(1000) < 500) == pytest.approx(0.4)


def test_one_kind_of_rows_cannot_calibrate() -> None:
    with pytest.raises(NotEnoughDataError, match="both kinds"):
        Calibration.fit(np.zeros(3, np.float32), np.zeros(3, np.bool_), CalibrationConfig())


def test_a_curve_survives_being_stored() -> None:
    scores, relevant, _ = rows(2000, 5)
    curve = Calibration.fit(scores, relevant, CalibrationConfig())
    again = Calibration.from_state(curve.state())
    np.testing.assert_array_equal(again.probabilities(scores), curve.probabilities(scores))
