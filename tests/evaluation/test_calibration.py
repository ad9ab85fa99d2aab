"""Calibration: Steck's divergence worked out by hand, and probabilities that do or do not hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.calibration import MIX, category_calibration, probability_fit

CATEGORY = np.array([0, 0, 1, 1, -1], np.int32)


def test_a_list_mixed_as_the_history_is_calibrated() -> None:
    top = np.array([[1, 3]], np.int32)
    assert category_calibration(top, Ragged.of([[0, 2]]), CATEGORY) == pytest.approx([0.0])


def test_a_one_sided_list_diverges_as_steck_defines() -> None:
    top = np.array([[0, 1], [2, 3]], np.int32)
    one_sided = 0.5 * math.log(0.5 / ((1 - MIX) * 1 + MIX * 0.5)) + 0.5 * math.log(0.5 / (MIX / 2))
    nothing_shared = math.log(1 / MIX)
    found = category_calibration(top, Ragged.of([[0, 2], [0, 1]]), CATEGORY)
    assert found == pytest.approx([one_sided, nothing_shared])


def test_items_of_unknown_category_are_left_out() -> None:
    top = np.array([[1, 4], [4, -1], [0, 1]], np.int32)
    found = category_calibration(top, Ragged.of([[0, 4], [0], [4]]), CATEGORY)
    assert found[0] == pytest.approx(0.0)
    assert np.isnan(found[1:]).all()


def test_probabilities_that_come_true_have_no_calibration_error() -> None:
    promised = np.repeat([0.1, 0.5, 0.9], 10)
    happened = np.concatenate([np.arange(10) < hits for hits in (1, 5, 9)])
    fit = probability_fit(promised, happened, n_bins=3)
    assert fit.expected_calibration_error == pytest.approx(0.0)
    assert fit.brier == pytest.approx((0.09 + 0.25 + 0.09) / 3)
    assert [one.rows for one in fit.bins] == [10, 10, 10]
    assert fit.base_rate == 0.5


def test_promises_twice_too_high_are_caught_in_any_order() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(20_000) / 2
    happened = rng.random(20_000) < chance
    fit = probability_fit(2 * chance, happened)
    assert fit.expected_calibration_error == pytest.approx(0.25, abs=0.01)
    order = rng.permutation(20_000)
    again = probability_fit(2 * chance[order], happened[order])
    assert again.expected_calibration_error == pytest.approx(fit.expected_calibration_error)


@pytest.mark.parametrize("promised", [[], [1.2], [-0.1], [math.nan]])
def test_what_is_no_probability_is_refused(promised: list[float]) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        probability_fit(np.array(promised), np.zeros(len(promised), np.bool_))
