"""Intervals: as wide as theory says, the same for the same seed, paired where models are."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from shelfwise.core.ragged import Ragged
from shelfwise.evaluation.intervals import bootstrap_means, difference, intervals
from shelfwise.evaluation.metrics import score_lists


def test_the_interval_is_as_wide_as_the_normal_law_says() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, (4000, 1))
    (one,) = intervals(values, seed=1, resamples=4000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert one.mean == pytest.approx(float(values.mean()))
    assert one.low == pytest.approx(one.mean - half, abs=half / 10)
    assert one.high == pytest.approx(one.mean + half, abs=half / 10)


def test_the_interval_holds_the_truth_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(2)
    values = (rng.random((150, 200)) < 0.3).astype(np.float64)
    held = sum(one.low <= 0.3 <= one.high for one in intervals(values, seed=3))
    assert 178 <= held <= 199


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(4).random((300, 2))
    assert intervals(values, seed=5) == intervals(values, seed=5)
    assert intervals(values, seed=5) != intervals(values, seed=6)


def test_a_steady_small_gain_is_sure_though_the_intervals_overlap() -> None:
    rng = np.random.default_rng(7)
    other = rng.random(800)
    better = other + 0.01 + rng.normal(0, 0.02, 800)
    alone = intervals(np.stack([better, other], axis=1), seed=8)
    gain = difference(better, other, seed=8)
    assert alone[0].low < alone[1].high
    assert gain.low > 0
    assert gain.p_value < 0.01


def test_models_that_differ_by_chance_alone_are_not_called_different() -> None:
    rng = np.random.default_rng(9)
    gaps = [difference(rng.random(100), rng.random(100), seed, 200) for seed in range(60)]
    called = sum(gap.p_value < 0.05 for gap in gaps)
    assert called <= 9
    same = rng.random(50)
    assert difference(same, same, seed=1).p_value == 1.0


def test_one_request_gives_an_interval_of_no_width() -> None:
    (one,) = intervals(np.array([[0.4]]), seed=1)
    assert (one.mean, one.low, one.high) == (0.4, 0.4, 0.4)


@pytest.mark.parametrize("values", [np.empty((0, 1)), np.array([[np.nan]])])
def test_values_that_have_no_mean_are_refused(values: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="rows"):
        bootstrap_means(values, np.random.default_rng(0))


@pytest.mark.slow
def test_metrics_and_intervals_of_a_benchmark_take_less_than_a_second() -> None:
    rng = np.random.default_rng(11)
    top = rng.integers(0, 12_000, (22_363, 10)).astype(np.int32)
    relevant = Ragged.of([[int(item)] for item in rng.integers(0, 12_000, 22_363)])
    score_lists(top[:2], Ragged.of([[1], [2]]), 10)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        columns = [score_lists(top, relevant, 10).ndcg for _ in range(7)]
        intervals(np.stack(columns, axis=1), seed=1)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 1.0
